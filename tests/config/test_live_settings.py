"""Settings of live streams, from files and arguments."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.address import Address
from pipeline.config.file import NEVER_IN_FILES
from pipeline.config.live_settings import LiveSettings, StreamSettings
from pipeline.errors import SettingsError

CONFIGS = Path(__file__).parents[2] / "configs"
CAMERA = "rtsp://user:hunter22@camera/stream"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        (tmp_path / "a.yaml").write_text(text)
        return tmp_path / "a.yaml"

    return written


def test_a_source_and_an_output_suffice() -> None:
    (stream,) = LiveSettings.load(None, source=CAMERA, to=["rtsp://server/path"]).streams
    assert (stream.name, stream.source, stream.to) == ("camera", Address(CAMERA), (Address("rtsp://server/path"),))


@pytest.mark.parametrize("name", ["rtsp", "webcam", "many"])
def test_the_shipped_config_files_are_valid(name: str) -> None:
    LiveSettings.load(CONFIGS / f"{name}.yaml")


def test_the_shipped_config_file_names_every_setting() -> None:
    text = (CONFIGS / "rtsp.yaml").read_text()
    fields = {**StreamSettings.model_fields, **LiveSettings.model_fields}
    for name in (field.alias or name for name, field in fields.items() if name not in ("streams", *NEVER_IN_FILES)):
        assert f"\n{name}:" in text, name


def test_settings_of_a_stream_win_over_those_common_to_all(write: Write) -> None:
    file = write(
        "crf: 20\noptions: {tune: grain, bf: 3}\nstreams:\n"
        "- {source: rtsp://camera/1, to: a/}\n"
        "- {source: rtsp://camera/2, to: b/, crf: 25, options: {bf: 1}}\n"
    )
    first, second = LiveSettings.load(file, gop=1.0).streams
    assert (first.name, first.crf, first.gop, first.options) == ("camera", 20, 1, {"tune": "grain", "bf": "3"})
    assert (second.name, second.crf, second.gop, second.options) == ("camera-2", 25, 1, {"tune": "grain", "bf": "1"})


def test_arguments_win_over_every_stream(write: Write) -> None:
    file = write("streams:\n- {source: webcam:0, crf: 20}\n- {source: webcam:1}\npage: 8080\n")
    settings = LiveSettings.load(file, crf=30.0, options={"bf": "0"}, quiet=True)
    assert [(each.name, each.crf, each.options) for each in settings.streams] == [
        ("webcam-0", 30, {"bf": "0"}),
        ("webcam-1", 30, {"bf": "0"}),
    ]
    assert (settings.page, settings.quiet) == ("127.0.0.1:8080", True)


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ({"for_": "1:30"}, {"for_": 90.0}),
        ({"page": ":8080"}, {"page": "127.0.0.1:8080"}),
        ({"page": "[::1]:0"}, {"page": "[::1]:0"}),
    ],
    ids=str,
)
def test_times_and_hosts_are_parsed(given: dict[str, Any], parsed: dict[str, Any]) -> None:
    settings = LiveSettings.load(None, source="webcam:0", show=True, **given)
    assert {name: getattr(settings, name) for name in parsed} == parsed


def test_numbers_that_yaml_reads_become_text_where_text_is_expected(write: Write) -> None:
    settings = LiveSettings.load(
        write("source: webcam:0\npage: 8080\nsegment: 600\nfor: 1:30:00\ninput_options: {framerate: 60}")
    )
    assert (settings.page, settings.for_, settings.streams[0].segment) == ("127.0.0.1:8080", 5400, "600")
    assert settings.streams[0].input_options == {"framerate": "60"}


def test_token_and_input_options_expand_placeholders_and_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2222")
    headers = {"headers": "Authorization: Bearer ${TOKEN}"}
    settings = LiveSettings.load(None, source="http://a/b.ts", page="8080", token="${TOKEN}", input_options=headers)
    assert settings.token == "hunter2222"
    assert settings.streams[0].input_options == {"headers": "Authorization: Bearer hunter2222"}
    assert "hunter" not in repr(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("{}", {}, "{file}: no source; give one, such as rtsp://camera/stream"),
        ("streams: []", {}, "{file}: streams: should be a list, each beginning with `- source: ADDRESS`"),
        (f"streams: ['{CAMERA}']", {}, "{file}: streams: should be a list"),
        (f"source: {CAMERA}", {}, "camera: has no output; give `to=ADDRESS`, `page="),
        (f"source: {CAMERA}\nto: [3]", {}, "{file}: to: should be an address such as"),
        (f"source: {CAMERA}\nto: {CAMERA}/x\ncrf: 99", {}, "{file}: crf = 99: input should be less than"),
        (f"source: {CAMERA}\nto: {CAMERA}/x\nlongest_wait: .inf", {}, "{file}: longest_wait = inf: input should be"),
        (f"source: {CAMERA}\nto: {CAMERA}/x\ntimeout: .inf", {}, "{file}: timeout = inf: input should be"),
        (f"to: {CAMERA}\nstreams: [{{crf: 99, source: {CAMERA}}}]", {}, "{file}: streams[0]: crf = 99: input"),
        (f"streams: [{{to: {CAMERA}}}]", {}, "{file}: streams[0]: source: field required"),
        (f"streams: [{{sorce: {CAMERA}, source: {CAMERA}}}]", {}, "{file}: streams[0]: sorce: no such setting; there"),
        (f"sorce: {CAMERA}\nsource: {CAMERA}", {}, "{file}: sorce: no such setting; there are streams, page, token,"),
        (
            f"streams: [{{source: {CAMERA}}}]",
            {"source": CAMERA},
            "{file}: lists streams, and another source is given as well",
        ),
        ("streams: [{source: a}, {source: b}]", {"to": ["c"]}, "`to`: {file} lists 2 streams; set it there"),
        (
            "streams: [{source: a, name: c}, {source: b, name: c}]\nshow: true",
            {},
            "name = 'c': 2 streams have this name",
        ),
        (
            "source: udp://h:9\nto: [x/, udp://h:9]",
            {},
            "to: udp://h:9: is the source of h-9 itself; give another output",
        ),
        (
            f"source: {CAMERA}\n to: x",
            {},
            "{file}: not valid YAML: mapping values are not allowed here, line 2, column 4",
        ),
        (f"source: [{CAMERA}", {}, "{file}: not valid YAML: expected ',' or ']'"),
        ("token: *hunter22\nsource: a", {}, "{file}: not valid YAML: found undefined alias, line 1, column 8"),
        ("token: !hunter22 x\nsource: a", {}, "{file}: not valid YAML: could not determine a constructor for the tag"),
        ("source: a", {"token": "hunter2", "show": True}, "`token`: string should have at least 8 characters"),
        ("source: a", {"page": "8080:localhost"}, "`page` = '8080:localhost': should be HOST:PORT, such as 127.0.0.1"),
        ("source: a", {"page": "a:99999"}, "`page` = 'a:99999': should be HOST:PORT"),
        ("source: a", {"for_": "0", "show": True}, "`for` = '0': should be greater than 0"),
        ("source: a", {"gop": 0.0}, "`gop` = 0.0: input should be greater than 0"),
        (
            "source: rtsp://u:hun/ter22@camera",
            {"show": True},
            "{file}: source: rtsp://…: user, password, host and port are ambiguous",
        ),
    ],
)
def test_an_invalid_setting_is_reported_in_one_line_without_secrets(
    write: Write, text: str, given: dict[str, Any], message: str
) -> None:
    file = write(text)
    with pytest.raises(SettingsError) as caught:
        LiveSettings.load(file, **given)
    line = str(caught.value)
    assert line.startswith(message.format(file=file)), line
    assert "\n" not in line
    assert "ter22" not in line
    assert caught.value.__cause__ is None, "the errors of pydantic and YAML quote their input"
