"""Config files that are made to take long, much memory or deep recursion are refused in one line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import file as config_file
from pipeline.config.live_settings import LiveSettings
from pipeline.config.settings import Settings
from pipeline.errors import SettingsError

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.yaml", BOMB + "crf: *a11\n", "aliases stand for more than 100,000 values"),
        ("a.yaml", "crf: &a [*a, *a, *a, *a]\n", "contains itself"),
        ("a.yaml", "crf: " + "[" * 5000, "nested more than 20 deep"),
        ("a.toml", "crf = " + "[" * 5000, "nested more than 20 deep"),
        ("a.toml", "crf = " + "[" * 30 + "]" * 30, "nested more than 20 deep"),
        ("a.yaml", "threads: 0x" + "f" * 10_000, "integer of 40000 bits; allowed are 64"),
        ("a.yaml", "crf: 0x" + "f" * 10_000, "integer of 40000 bits"),
        ("a.yaml", "crf: " + "9" * 5000, "a number or a date that is impossible"),
        ("a.toml", "crf = " + "9" * 5000, "not valid TOML"),
        ("a.yaml", "threads: 1000000", "less than or equal to 1024"),
        ("a.yaml", 'preset: "a\\0b"', "NUL or a surrogate"),
        ("a.yaml", 'preset: "\\ud800"', "NUL or a surrogate"),
        ("a.yaml", '"\\0": 1', "NUL or a surrogate"),
        ("a.yaml", "crf: .nan", "crf"),
        ("a.yaml", "strength: .inf", "strength"),
        ("a.yaml", "preset: [" + "x, " * 5000 + "]", "preset = .{200}…: "),
        ("a.yaml", "# " + "x" * 2**20, "more than 1,048,576 bytes"),
    ],
)
def test_a_file_out_of_bounds_is_refused_in_one_line(tmp_path: Path, name: str, text: str, reason: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SettingsError, match=reason) as refused:
        Settings.load(path)
    message = str(refused.value)
    assert len(message.splitlines()) == 1
    assert len(message) < 1000


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a device without end")
def test_a_device_without_end_is_no_config_file() -> None:
    with pytest.raises(SettingsError, match="more than 1,048,576 bytes"):
        Settings.load("/dev/zero")


def test_aliases_for_few_values_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("options: &o {bf: 3}\ncrf: 20\n")
    assert Settings.load(path).options == {"bf": "3"}


@pytest.mark.parametrize("suffix", [".yaml", ".toml"])
@given(text=st.text(st.sampled_from("abz01:,-[]{}&*!|>'\"%@` \n\t\0#?=.\ud800\xe9<~_\\"), max_size=60))
def test_any_text_is_settings_or_an_error_of_one_line(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(text.encode(errors="surrogatepass"))
    for load in (config_file.read, Settings.load, LiveSettings.load):
        try:
            load(path)
        except SettingsError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017  # either outcome is right
