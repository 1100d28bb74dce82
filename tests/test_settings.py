"""Settings from files and the command line."""

from pathlib import Path

import pytest

from pipeline.settings import Settings

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    config.write_text("crf: 20\npreset: slow\noptions: {tune: grain, bf: 3}\n")
    settings = Settings.load(config, crf=25, preset=None, options={"bf": "5"})
    assert (settings.crf, settings.preset) == (25, "slow")
    assert settings.options == {"tune": "grain", "bf": "5"}


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    config.write_text("# nothing\n")
    assert Settings.load(config) == Settings.load(None)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_the_configs_that_come_along_are_valid(config: Path) -> None:
    Settings.load(config)


def test_there_are_configs() -> None:
    assert {path.stem for path in CONFIGS} >= {"file", "benchmark"}


def test_a_config_names_every_setting() -> None:
    text = next(path for path in CONFIGS if path.stem == "file").read_text()
    for name, field in Settings.model_fields.items():
        assert f"{field.alias or name}:" in text, name
