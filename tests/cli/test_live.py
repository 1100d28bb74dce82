"""`uprez live`: options, exit codes and a stream."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import av
import pytest

from pipeline.config.live_settings import LiveSettings
from pipeline.errors import InputError, OutputError, RefusedError, UprezError
from pipeline.live.stats import LiveFigures, StreamFigures
from tests.cli.conftest import Call

CAMERA = "rtsp://user:hunter22@camera/stream"


class StandIn:
    """Stands for a Live: it ends by itself, with `failures`, or raises `error`."""

    failures: ClassVar[dict[str, UprezError]] = {}
    error: ClassVar[Exception | None] = None

    def __init__(self, settings: LiveSettings) -> None:
        self._names = [stream.name for stream in settings.streams]

    def run(self, tell: Callable[[LiveFigures], None]) -> None:
        if self.error:
            raise self.error
        streams = tuple(StreamFigures(name=name, source="rtsp://camera", status="ended") for name in self._names)
        tell(LiveFigures(uptime=1, memory=1, streams=streams))

    def stop(self) -> None:
        """It ends by itself."""

    def abort(self) -> None:
        """It ends by itself."""


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    monkeypatch.setattr("pipeline.cli.live.Live", StandIn)
    monkeypatch.setattr(StandIn, "failures", {})
    monkeypatch.setattr(StandIn, "error", None)
    return StandIn


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no source; give one, such as rtsp://camera/stream or webcam:0"),
        ([CAMERA], "camera: has no output; give --to ADDRESS"),
        ([CAMERA, "--show", "--gop", "0"], "--gop = 0.0: input should be greater than 0"),
        ([CAMERA, "--show", "-i", "hunter22"], "-i: one of them is not NAME=VALUE"),
        ([CAMERA, "--to", "nowhere://x/hunter22"], "to: nowhere://x/…: unknown"),
        (["rtsp://user:hun/ter22@camera", "--show"], "SOURCE: rtsp://…: user, password"),
        ([CAMERA, CAMERA, "--show"], "2 sources are given; one is allowed"),
        ([CAMERA, "--show", "--page", CAMERA], "--page = 'rtsp://…@camera/stream': should be HOST:PORT"),
        ([CAMERA, "--show", "--ca-file", CAMERA], "--ca-file = 'rtsp:/…@camera/stream': can't be read as certifi"),
        (["--config", CAMERA], "rtsp:/…@camera/stream: can't be read as a config file"),
        (["--config", "none.yaml"], "none.yaml: can't be read as a config file (No such file or directory)"),
    ],
)
def test_invalid_option_is_one_line_and_exit_code_2(uprez: Call, arguments: list[str], message: str) -> None:
    outcome = uprez("live", *arguments)
    assert outcome.code == 2
    assert outcome.err.startswith(f"uprez: {message}")
    assert "hunter22" not in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("failed", "kind", "code"),
    [((), InputError, 0), (("a",), RefusedError, 3), (("a", "b"), InputError, 2), (("a", "b"), RefusedError, 4)],
)
def test_exit_code_depends_on_how_many_streams_failed_and_why(
    uprez: Call, stand_in: type[StandIn], tmp_path: Path, failed: tuple[str, ...], kind: type[InputError], code: int
) -> None:
    config = tmp_path / "a.yaml"
    config.write_text("streams: [{name: a, source: a, to: c.mkv}, {name: b, source: b, to: d.mkv}]")
    stand_in.failures = {name: kind(f"{name} is wrong") for name in failed}
    outcome = uprez("live", "--config", config, "--json")
    assert outcome.code == code
    assert outcome.err == "".join(f"uprez: {name} is wrong\n" for name in failed)
    assert json.loads(outcome.out)["streams"][1]["name"] == "b"


def test_errors_and_tracebacks_contain_no_secret(uprez: Call, stand_in: type[StandIn]) -> None:
    stand_in.error = OutputError(f"can't write to {CAMERA}")
    outcome = uprez("live", CAMERA, "--to", "a.mkv")
    assert (outcome.code, outcome.err) == (2, "uprez: can't write to rtsp://camera/stream\n")
    stand_in.error = ValueError(f"avformat_open_input({CAMERA})")
    outcome = uprez("live", CAMERA, "--to", "a.mkv")
    assert outcome.code == 2
    assert outcome.err.startswith("uprez: a bug, please report it\nTraceback")
    assert "avformat_open_input(rtsp://camera/stream)" in outcome.err
    assert "hunter22" not in outcome.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_stream_is_upscaled_until_it_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.patient_uprez", "live", "testsrc2=size=64x48:rate=10", "--format", "lavfi"]
    command += ["--to", str(tmp_path / "a.mkv"), "--backend", "onnx", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        reports = map(LiveFigures.model_validate_json, process.stdout)
        assert any(report.streams[0].outputs[0].packets > 5 for report in reports), process.communicate()
        process.send_signal(signal.SIGTERM)
        *_, last = reports
        complaints = process.communicate()[1]
    assert process.returncode == 0, complaints
    assert last.streams[0].status == "ended"
    (made,) = tmp_path.glob("a-*.mkv")
    with av.open(made) as container:
        frames = list(container.decode(video=0))
    assert (frames[0].width, frames[0].height) == (128, 96)
