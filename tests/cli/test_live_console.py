"""Statistics of live streams, as people and programs get them."""

import errno
import io
import json
import os

import pytest
from rich.console import Console

from pipeline.cli.live_console import JsonScreen, LineScreen, NullScreen, TableScreen, screen_for, summary
from pipeline.cli.standard_streams import TolerantFile, text_stream
from pipeline.live.stats import Delay, GpuFigures, LiveFigures, OutputFigures, Status, StreamFigures
from tests.clock import Clock


def figures(status: Status = "live", reason: str = "", output: Status = "live", shape: str = "") -> LiveFigures:
    server = OutputFigures(name="rtsp://server/path", kind="rtsp", status=output, bytes=2_000_000, connects=2)
    stream = StreamFigures(
        name="camera",
        source="rtsp://camera/stream",
        status=status,
        reason=reason,
        seconds=12,
        source_format=shape and "960x540 yuv420p, h264, 30 fps",
        result_format=shape,
        model="clear-x2",
        backend="onnx",
        rate_in=30.02,
        rate_out=29.54,
        dropped={"behind": 7, "catching up": 0},
        delay=Delay(p50=0.0214, p95=0.0301, p99=0.041, frames=100),
        connects=3,
        outputs=(server,),
    )
    gpu = GpuFigures(name="NVIDIA H100", use=0.34, memory=10**9, memory_total=80 * 10**9)
    return LiveFigures(uptime=5, memory=5 * 10**8, streams=(stream,), gpus=(gpu,))


@pytest.fixture
def line_screen(monkeypatch: pytest.MonkeyPatch) -> tuple[LineScreen, Clock, io.StringIO]:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    clock, file = Clock(0.0), io.StringIO()
    return LineScreen(Console(file=file, width=40), clock), clock, file


def test_lines_report_disconnects_and_reconnects_but_not_every_attempt(
    line_screen: tuple[LineScreen, Clock, io.StringIO],
) -> None:
    lines, clock, file = line_screen
    story: list[tuple[float, Status, str]] = [
        (0.0, "connecting", ""),
        (0.5, "live", ""),
        (1.0, "live", ""),
        (2.0, "waiting", "ended by the server"),
        (2.5, "connecting", ""),
        (3.0, "waiting", "ended by the server"),
        (3.5, "connecting", ""),
        (4.0, "waiting", "connection refused"),
        (5.0, "live", ""),
        (6.0, "failed", "wrong password"),
    ]
    for clock.now, status, reason in story:
        lines.show(figures(status, reason))
    assert file.getvalue().splitlines() == [
        "camera to rtsp://server/path: live",
        "camera: live",
        "camera: disconnected after 2 s: ended by the server; retrying",
        "camera: not connected: connection refused; retrying",
        "camera: reconnected after 3 s",
        "camera: failed: wrong password",
    ]


def test_lines_report_the_formats_when_they_change(line_screen: tuple[LineScreen, Clock, io.StringIO]) -> None:
    lines, _, file = line_screen
    for shape in ("1920x1080 yuv420p, libx264", "1920x1080 yuv420p, libx264", "1280x720 yuv420p, libx264"):
        lines.show(figures(shape=shape))
    first, second = (line for line in file.getvalue().splitlines() if "960x540" in line)
    assert first == "camera: 960x540 yuv420p, h264, 30 fps to 1920x1080 yuv420p, libx264, clear-x2 on onnx"
    assert "1280x720" in second


def test_summary_is_frequent_at_first_and_rare_later(line_screen: tuple[LineScreen, Clock, io.StringIO]) -> None:
    lines, clock, file = line_screen
    for clock.now in range(0, 900, 2):
        lines.show(figures())
    summaries = [line for line in file.getvalue().splitlines() if "fps" in line]
    assert len(summaries) == 29 + 10, "each 10 s for 5 minutes, then each minute"
    assert summaries[0] == f"camera: {summary(figures().streams[0])}"


def test_summary_is_one_line() -> None:
    assert summary(figures("waiting").streams[0]) == (
        "waiting for 12 s, 30.0 fps in, 29.5 out, delay 21/30/41 ms, 7 dropped (behind), reconnected 2 times, "
        "rtsp://server/path live, 2 MB"
    )


def test_summary_counts_repeated_frames() -> None:
    stream = figures().streams[0].model_copy(update={"frames_repeated": 1})
    assert ", 1 repeated frame, upscaled once, " in summary(stream)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_table_has_streams_outputs_and_the_machine(width: int) -> None:
    file = io.StringIO()
    with TableScreen(Console(file=file, width=width, force_terminal=True, color_system=None)) as table:
        table.show(figures("waiting", "silent for 10 s", shape="1920x1080 yuv420p, libx264"))
    lines = " ".join(file.getvalue().split())
    for part in ("camera", "waiting 12 s", "21/30/41", "7 behind", "to", "live 2 MB", "NVIDIA H100 34%"):
        assert part in lines


def test_closed_terminal_raises_no_error() -> None:
    class Terminal(io.StringIO):
        is_closed = False

        def write(self, text: str) -> int:
            if self.is_closed:
                raise OSError(errno.EIO, "closed")
            return super().write(text)

    file = Terminal()
    with TableScreen(Console(file=file, force_terminal=True)) as table:
        table.show(figures())
        file.is_closed = True
        table.show(figures())


def test_json_is_a_line_per_second_and_a_last_one(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(0.0)
    with JsonScreen(clock) as lines:
        for clock.now in (0.0, 0.25, 0.75, 1.0, 1.25):
            lines.show(figures().model_copy(update={"uptime": clock.now}))
    report = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["uptime"] for line in report] == [0.0, 1.0, 1.25]
    assert report[0]["streams"][0]["name"] == "camera"


def test_json_that_nobody_reads_is_one_warning_and_ends_no_stream(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    clock = Clock(0.0)
    with text_stream(TolerantFile(writing)) as stream:
        monkeypatch.setattr("sys.stdout", stream)
        with JsonScreen(clock) as lines:
            for clock.now in (0.0, 1.0, 2.0):
                lines.show(figures())
        monkeypatch.undo()
    os.close(writing)
    assert caplog.messages == ["--json: standard output can't be written (Broken pipe); the streams go on"]


def test_screen_depends_on_quiet_and_json() -> None:
    console = Console(file=io.StringIO())
    assert isinstance(screen_for(console, quiet=True, as_json=False), NullScreen)
    assert isinstance(screen_for(console, quiet=True, as_json=True), JsonScreen)
    assert isinstance(screen_for(console, quiet=False, as_json=False), LineScreen)
