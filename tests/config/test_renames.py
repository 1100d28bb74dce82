"""Old names of settings are accepted for one more version, with a warning."""

import logging
from pathlib import Path

import pytest

import pipeline
from pipeline.config.live_settings import LiveSettings, StreamSettings
from pipeline.config.renames import RENAMED_KEYS, with_current_names
from pipeline.config.settings import Settings
from pipeline.errors import SettingsError


def test_every_new_name_is_a_setting_and_no_old_name_is() -> None:
    fields = {*Settings.model_fields, *StreamSettings.model_fields, *LiveSettings.model_fields}
    assert set(RENAMED_KEYS.values()) <= fields
    assert fields.isdisjoint(RENAMED_KEYS)


def test_an_old_argument_is_accepted_with_a_deprecation_warning() -> None:
    with pytest.warns(DeprecationWarning, match="^`silence` is now called `timeout`; the old name will") as warned:
        settings = LiveSettings.load(None, source="webcam:0", show=True, silence=3)
    assert settings.streams[0].timeout == 3
    assert warned[0].filename == __file__, "the warning names the line of the caller"


def test_upscale_warns_in_the_line_of_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.config.renames.RENAMED_KEYS", {"quality": "crf"})
    with (
        pytest.warns(DeprecationWarning, match="`quality` is now called `crf`") as warned,
        pytest.raises(SettingsError),
    ):
        pipeline.upscale("in.mp4", quality=99)  # type: ignore[call-arg]  # an old name
    assert warned[0].filename == __file__


def test_an_old_key_of_a_config_file_is_accepted_and_the_log_warns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("silence: 3\nshow: true\nstreams:\n- source: webcam:0\n- {source: webcam:1, silence: 4}\n")
    with caplog.at_level(logging.WARNING):
        settings = LiveSettings.load(file)
    assert [stream.timeout for stream in settings.streams] == [3, 4]
    assert {record.getMessage() for record in caplog.records} == {
        f"{file}: `silence` is now called `timeout`; the old name will be removed in the next version"
    }


@pytest.mark.parametrize("names", [("silence", "timeout"), ("timeout", "silence")])
def test_a_setting_under_both_names_is_refused(names: tuple[str, str]) -> None:
    with pytest.raises(SettingsError, match="are one setting; give `timeout` alone"):
        with_current_names(dict.fromkeys(names, 3))
