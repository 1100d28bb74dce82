"""The settings that choose the size of the output."""

from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.config.live_settings import LiveSettings
from pipeline.config.settings import Settings
from pipeline.config.target_fields import merged
from pipeline.errors import SettingsError


@pytest.mark.parametrize(
    ("given", "factor"), [(1.5, Fraction(3, 2)), ("1.5", Fraction(3, 2)), (4, Fraction(4)), ("4/3", Fraction(4, 3))]
)
def test_factors_are_exact(given: object, factor: Fraction) -> None:
    assert Settings.load(None, scale=given).scale == factor


@pytest.mark.parametrize("given", ["3840x2160", (3840, 2160), [3840, 2160], " 3840x2160 "])
def test_sizes_are_width_and_height(given: object) -> None:
    assert Settings.load(None, size=given).size == Settings.load(None, fit=given).fit == (3840, 2160)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("scale", "big", "should be a factor from 1/16 to 16, such as 1.5"),
        ("scale", "1/0", "should be a factor from 1/16 to 16, such as 1.5"),
        ("scale", 17, "should be a factor from 1/16 to 16, such as 1.5"),
        ("scale", -2, "should be a factor from 1/16 to 16, such as 1.5"),
        ("scale", "nan", "should be a factor from 1/16 to 16, such as 1.5"),
        ("size", "4k", "should be WIDTHxHEIGHT, each 1 to 32768, such as 3840x2160"),
        ("size", "0x10", "should be WIDTHxHEIGHT, each 1 to 32768, such as 3840x2160"),
        ("size", (1, 2, 3), "should be WIDTHxHEIGHT, each 1 to 32768, such as 3840x2160"),
        ("fit", 3840, "should be WIDTHxHEIGHT, each 1 to 32768, such as 3840x2160"),
        ("height", 0, "greater than or equal to 1"),
        ("strength", 1.1, "less than or equal to 1"),
    ],
    ids=str,
)
def test_an_invalid_size_is_refused_with_the_allowed_values(name: str, value: object, allowed: str) -> None:
    with pytest.raises(SettingsError, match=rf"^`{name}` = .*{allowed}"):
        Settings.load(None, **{name: value})


def test_two_sizes_are_refused_and_both_are_named() -> None:
    with pytest.raises(SettingsError, match=r"^`height` = 2160: should be given without `scale`"):
        Settings.load(None, height=2160, scale=2)


def test_an_argument_replaces_the_size_of_the_file(tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    config.write_text("scale: 2\ncrf: 20\n")
    settings = Settings.load(config, height=1080)
    assert (settings.scale, settings.height, settings.crf) == (None, 1080, 20)
    assert Settings.load(config).scale == 2


def test_a_stream_replaces_the_size_of_the_defaults(tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    config.write_text(
        "page: 127.0.0.1:8080\nheight: 2160\nstreams:\n- {source: 'udp://a:1'}\n- {source: 'udp://b:1', scale: 1.5}\n"
    )
    first, second = LiveSettings.load(config).streams
    assert (first.height, first.scale) == (2160, None)
    assert (second.height, second.scale) == (None, Fraction(3, 2))


def test_layers_without_a_size_keep_the_earlier_one() -> None:
    assert merged({"scale": 2, "crf": 1}, {"crf": 2}, {"scale": None}) == {"scale": None, "crf": 2}
    assert merged({"scale": 2}, {"fit": (8, 8)}) == {"fit": (8, 8)}
