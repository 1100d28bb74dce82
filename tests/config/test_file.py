"""Config files."""

from pathlib import Path

import pytest

from pipeline.config.file import read
from pipeline.errors import SettingsError


def test_a_toml_file_is_read_by_its_suffix(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("crf = 20\n[options]\nbf = 3\n")
    assert read(file) == {"crf": 20, "options": {"bf": "3"}}


def test_ffmpeg_options_are_strings_whatever_yaml_reads(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("options: {bf: 3}\ninput_options: {framerate: 60}\n")
    assert read(file) == {"options": {"bf": "3"}, "input_options": {"framerate": "60"}}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.yaml", b"- 1", "contains a list; a config file consists of lines such as `name: value`"),
        ("a.yaml", b"\xff\xfe\xff", "can't be read as a config file (it is not UTF-8)"),
        ("a.toml", b"crf = ", "not valid TOML: Invalid value"),
    ],
)
def test_a_file_that_is_not_valid_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}: {reason}")
    assert "\n" not in str(caught.value)
