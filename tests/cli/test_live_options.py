"""Every setting of live streams is an option of `uprez live`."""

import inspect

import pytest

from pipeline.cli.live_options import with_live_settings
from pipeline.config.live_settings import LiveSettings, StreamSettings
from pipeline.errors import SettingsError


def test_every_setting_is_an_option_but_the_list_of_streams() -> None:
    command = with_live_settings()(lambda settings: None)
    fields = {*StreamSettings.model_fields, *LiveSettings.model_fields} - {"streams"}
    assert {*inspect.signature(command).parameters} == fields | {"config"}


def test_options_become_settings_and_pairs_become_dictionaries() -> None:
    loaded: list[LiveSettings] = []
    command = with_live_settings()(lambda settings: loaded.append(settings))
    given = {"source": ["webcam:0"], "show": True, "options": ["tune=zerolatency"], "input_options": ["framerate=60"]}
    command(**dict.fromkeys(inspect.signature(command).parameters) | given)
    (stream,) = loaded[0].streams
    assert (str(stream.source), loaded[0].show) == ("webcam:0", True)
    assert (stream.options, stream.input_options) == ({"tune": "zerolatency"}, {"framerate": "60"})


def test_second_source_is_refused_without_quoting_it() -> None:
    command = with_live_settings()(lambda settings: None)
    parameters = dict.fromkeys(inspect.signature(command).parameters)
    with pytest.raises(SettingsError, match=r"^2 sources are given; one is allowed: give outputs by --to"):
        command(**parameters | {"source": ["rtsp://user:hunter22@camera", "webcam:0"]})
