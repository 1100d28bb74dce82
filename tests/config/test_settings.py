"""Settings of file jobs, from files and arguments."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.config.file import NEVER_IN_FILES
from pipeline.config.settings import Settings
from pipeline.errors import SettingsError

CONFIGS = [Path(__file__).parents[2] / "configs" / f"{name}.yaml" for name in ("benchmark", "file")]


def test_arguments_win_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    config.write_text("crf: 20\npreset: slow\noptions: {tune: grain, bf: 3}\n")
    settings = Settings.load(config, crf=25, preset=None, options={"bf": "5"})
    assert (settings.crf, settings.preset) == (25, "slow")
    assert settings.options == {"tune": "grain", "bf": "5"}


def test_an_empty_file_changes_no_setting(tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    config.write_text("# nothing\n")
    assert Settings.load(config) == Settings.load(None)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_the_shipped_config_files_are_valid(config: Path) -> None:
    Settings.load(config)


def test_the_shipped_config_file_names_every_setting() -> None:
    text = next(path for path in CONFIGS if path.stem == "file").read_text()
    for name, field in Settings.model_fields.items():
        assert name in NEVER_IN_FILES or f"{field.alias or name}:" in text, name


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ({"device": "0,1"}, (0, 1)),
        ({"device": 2}, (2,)),
        ({"device": [0, 3]}, (0, 3)),
        ({"vram": "4GiB"}, 4 * 2**30),
        ({"vram": "500MB"}, 500 * 10**6),
        ({"encoders": "8"}, 8),
        ({"encoders": "auto"}, "auto"),
    ],
    ids=str,
)
def test_numbers_and_sizes_are_parsed(given: dict[str, Any], parsed: object) -> None:
    (name,) = given
    assert getattr(Settings.load(None, **given), name) == parsed


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"device": "a"}, "such as 0,1"),
        ({"device": ",,"}, "such as 0,1"),
        ({"device": "-1"}, "such as 0,1"),
        ({"vram": "lots"}, "such as 4GiB"),
        ({"vram": "4"}, "256MiB or more, such as 4GiB"),
        ({"encoders": "foo"}, "1 to 64, or auto"),
        ({"encoders": 0}, "1 to 64, or auto"),
        ({"encoders": 65}, "1 to 64, or auto"),
    ],
    ids=str,
)
def test_an_invalid_number_is_refused_with_the_allowed_values(given: dict[str, Any], allowed: str) -> None:
    (name,) = given
    with pytest.raises(SettingsError, match=rf"^`{name}` = .*{allowed}$"):
        Settings.load(None, **given)
