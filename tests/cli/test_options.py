"""Options are made from the fields of the settings."""

import inspect
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from pipeline.cli.options import (
    demuxer_options,
    encoder_options,
    even_frame_size,
    frame_size,
    option_of,
    time_of,
    with_settings,
)
from pipeline.config.live_settings import StreamSettings
from pipeline.config.settings import Settings
from pipeline.errors import SettingsError


def option(name: str, of: type[Settings] | type[StreamSettings] = Settings) -> tuple[Any, typer.models.OptionInfo]:
    """The type and the option of the field `name`."""
    type_, info = get_args(option_of(name, of.model_fields[name]))
    assert isinstance(info, typer.models.OptionInfo)
    return type_, info


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("model", str | None),
        ("backend", str | None),
        ("device", str | None),
        ("slots", int | None),
        ("crf", float | None),
        ("start", str | None),
        ("encoders", str | None),
        ("options", list[str] | None),
        ("strict", bool | None),
        ("to", Path | None),
    ],
)
def test_option_has_the_type_that_typer_parses(name: str, type_: object) -> None:
    assert option(name)[0] == type_


def test_list_of_addresses_and_optional_path_of_a_stream_have_their_types() -> None:
    assert option("to", StreamSettings)[0] == list[str] | None
    assert option("ca_file", StreamSettings)[0] == Path | None


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("pix_fmt", ["--pix-fmt"]),
        ("as_json", ["--json"]),
        ("model", ["--model", "-m"]),
        ("options", ["-x"]),
        ("dedup", ["--dedup/--no-dedup"]),
    ],
)
def test_option_is_called_like_its_field(name: str, declared: list[str]) -> None:
    info = option(name)[1]
    assert [info.default, *(info.param_decls or ())] == declared


def test_help_states_choices_description_and_default() -> None:
    help = option("deinterlace")[1].help or ""
    assert help.startswith("One of auto, off, frame, field. Deinterlacing; ")
    assert help.endswith(" (default: auto).")


def test_command_is_called_with_the_settings_of_its_options(tmp_path: Path) -> None:
    calls: list[tuple[str, Settings]] = []

    @with_settings("model", "crf", "options")
    def command(source: str, *, settings: Settings) -> None:
        calls.append((source, settings))

    assert [*inspect.signature(command).parameters] == ["source", "config", "model", "crf", "options"]
    config = tmp_path / "a.yaml"
    config.write_text("model: identity\ncrf: 30\noptions: {bf: 3}\n")
    command(source="in.mp4", config=config, model=None, crf=18.0, options=["tune=grain"])
    ((source, settings),) = calls
    assert (source, settings.model, settings.crf) == ("in.mp4", "identity", 18.0)
    assert settings.options == {"bf": "3", "tune": "grain"}


def test_pairs_become_a_dictionary() -> None:
    assert encoder_options(["tune=grain", "x=a=b"]) == {"tune": "grain", "x": "a=b"}
    assert encoder_options(None) is None
    assert demuxer_options([]) is None


def test_pair_without_a_value_is_refused_and_that_of_a_demuxer_not_quoted() -> None:
    with pytest.raises(SettingsError, match=r"^-x tune: not NAME=VALUE"):
        encoder_options(["tune"])
    with pytest.raises(SettingsError, match=r"^-i: one of them is not NAME=VALUE"):
        demuxer_options(["hunter22"])


def test_frame_size_is_parsed_within_its_limits() -> None:
    assert frame_size("--size", " 1920x1080", 16, 8192) == (1920, 1080)
    for text in ("1920", "1920x", "15x1080", "1920x8193"):
        with pytest.raises(SettingsError, match=r"^--size .*: WIDTHxHEIGHT, each 16 to 8192"):
            frame_size("--size", text, 16, 8192)


def test_frame_size_with_an_odd_side_is_refused_where_encoders_need_even_ones() -> None:
    assert even_frame_size("--size", "640x480", 16, 8192) == (640, 480)
    for text in ("641x480", "640x481", "14x14", "640"):
        with pytest.raises(SettingsError, match=r"^--size .*such as 1920x1080"):
            even_frame_size("--size", text, 16, 8192)


def test_time_is_parsed_in_seconds() -> None:
    assert time_of("--at", "1:02.5") == Fraction(125, 2)
    assert time_of("--at", None) is None
    with pytest.raises(SettingsError, match=r"^--at soon: should be a time such as 90"):
        time_of("--at", "soon")
