"""Live streams from end to end, in this process; FFmpeg's test sources are the cameras."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from pipeline.config.live_settings import LiveSettings
from pipeline.errors import BackendError, MismatchError, ModelError, OutputError, SettingsError, UprezError
from pipeline.live.input.capture import CaptureFigures
from pipeline.live.service import Live
from pipeline.live.stats import LiveFigures, Status, StreamFigures
from pipeline.superres.sessions import SharedSessions

CAMERA = {"source": "testsrc2=size=64x48:rate=25", "format": "lavfi", "model": "identity"}
ENDING = CAMERA | {"source": "testsrc2=size=64x48:rate=25:duration=0.4"}


def settings(*streams: dict[str, Any], **common: Any) -> LiveSettings:
    return LiveSettings(streams=streams, **common)


def run_until(enough: Callable[[LiveFigures], bool], live: Live) -> LiveFigures:
    """Run `live` until its figures are `enough`, at most half a minute; the last figures."""
    reports: list[LiveFigures] = []
    watchdog = threading.Timer(30, live.stop)
    watchdog.start()

    def report(figures: LiveFigures) -> None:
        reports.append(figures)
        if enough(figures):
            live.stop()

    try:
        live.run(report)
    finally:
        watchdog.cancel()
        watchdog.join()
    assert enough(reports[-1]), reports[-1]
    return reports[-1]


def frame_times(file: Path) -> list[float]:
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        return [float((frame.pts or 0) * (stream.time_base or 0)) for frame in container.decode(stream)]


def all_counted(stream: StreamFigures) -> bool:
    return stream.frames_in == stream.frames_out + sum(stream.dropped.values())


def test_every_frame_of_a_camera_is_written_or_counted_as_dropped(tmp_path: Path) -> None:
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"}))
    (stream,) = run_until(lambda figures: figures.streams[0].frames_out >= 25, live).streams
    assert all_counted(stream)
    assert stream.status == "ended"
    assert stream.most_waiting <= 2
    assert stream.delay is not None
    (file,) = tmp_path.glob("*.mkv")
    times = frame_times(file)
    assert len(times) == stream.frames_out
    assert times == sorted(set(times))


def test_a_source_that_ends_is_opened_again_and_the_file_continues(tmp_path: Path) -> None:
    live = Live(settings(ENDING | {"to": tmp_path / "camera.mkv", "poll": 0.1}))
    (stream,) = run_until(lambda figures: figures.streams[0].connects >= 3, live).streams
    assert all_counted(stream)
    assert stream.faults["ended"] >= 2
    (file,) = tmp_path.glob("*.mkv")
    assert len(frame_times(file)) == stream.frames_out


@pytest.mark.parametrize(("deinterlace", "frames"), [("off", 1), ("frame", 1), ("field", 2)])
def test_the_last_frame_is_repeated_in_a_gap(tmp_path: Path, deinterlace: str, frames: int) -> None:
    filling = {"to": tmp_path / "camera.mkv", "fill": True, "poll": 1.0, "deinterlace": deinterlace}
    live = Live(settings(ENDING | filling))
    (stream,) = run_until(lambda figures: figures.streams[0].frames_filled >= 20, live).streams
    (file,) = tmp_path.glob("*.mkv")
    times = frame_times(file)
    assert len(times) == stream.frames_out * frames + stream.frames_filled
    assert times == sorted(set(times))
    assert all_counted(stream)


def test_a_deinterlacer_is_flushed_when_the_source_disconnects(tmp_path: Path) -> None:
    live = Live(settings(ENDING | {"to": tmp_path / "camera.mkv", "poll": 60.0, "deinterlace": "frame"}))

    def is_flushed(figures: LiveFigures) -> bool:  # frames that come while the pipeline is built are dropped
        return figures.streams[0].frames_in == 10 and all_counted(figures.streams[0])

    (stream,) = run_until(is_flushed, live).streams
    assert stream.frames_out > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.mkv", "./a.mkv"),
        ("a.mkv", "file:a.mkv"),
        ("list/", "list/index.m3u8"),
        ("list", "list/../list/"),
        ("udp://server:9000", "udp://server:9000"),
    ],
)
def test_two_outputs_to_the_same_place_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one: str, other: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list").mkdir()
    with pytest.raises(SettingsError, match="2 outputs write to the same place; give each a place of its own"):
        Live(settings(CAMERA | {"name": "one", "to": one}, CAMERA | {"name": "other", "to": other}))
    with pytest.raises(SettingsError, match="2 outputs write to the same place"):
        Live(settings(CAMERA | {"to": [one, other]}))


def test_a_stream_that_fails_does_not_affect_the_others(tmp_path: Path) -> None:
    missing = CAMERA | {"name": "missing", "source": str(tmp_path / "no.mp4"), "format": None, "tries": 1}
    streams: list[dict[str, Any]] = [
        missing | {"to": tmp_path / "a.mkv"},
        CAMERA | {"name": "camera", "to": tmp_path / "b.mkv"},
    ]
    live = Live(settings(*streams))
    figures = run_until(lambda figures: figures.streams[1].frames_out >= 10, live)
    assert figures.streams[1].status == "ended"
    assert all_counted(figures.streams[1])
    assert len(list(tmp_path.glob("b*.mkv"))) == 1


def test_streams_of_one_format_share_a_session(tmp_path: Path) -> None:
    live = Live(settings(*(CAMERA | {"name": name, "to": tmp_path / f"{name}.mkv"} for name in "abc")))
    figures = run_until(lambda figures: min(stream.frames_out for stream in figures.streams) >= 10, live)
    assert all(all_counted(stream) for stream in figures.streams)


def test_a_stop_before_the_start_ends_at_once(tmp_path: Path) -> None:
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"}))
    live.stop()
    live.run()
    assert not live.failures
    assert not list(tmp_path.iterdir())


def test_an_abort_leaves_no_thread_behind(tmp_path: Path) -> None:
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"}))
    live.run(lambda figures: live.abort() if figures.streams[0].frames_out else None)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("uprez")]
    assert not live.failures


@pytest.mark.parametrize(
    ("option", "error"),
    [({"to": "camera.xyz"}, SettingsError), ({"model": "nothing"}, ModelError), ({"codec": "nothing"}, OutputError)],
)
def test_settings_that_can_never_work_are_refused_before_the_start(
    option: dict[str, str], error: type[UprezError], tmp_path: Path
) -> None:
    with pytest.raises(error, match=next(iter(option.values()))):
        Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"} | option))


def test_a_stream_that_worked_is_retried_until_it_works_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(settings(ENDING | {"to": tmp_path / "camera.mkv", "poll": 0.1, "longest_wait": 0.1}))
    open_session, calls = SharedSessions.open, list[str]()

    def failing(*arguments: Any) -> Any:
        calls.append("")
        if 1 < len(calls) < 8:
            raise MismatchError("frames are of another size")
        session = open_session(*arguments)
        if len(calls) == 1:
            monkeypatch.setattr(session, "collect", broken_after(session.collect, 3))
        return session

    monkeypatch.setattr(SharedSessions, "open", failing)
    (stream,) = run_until(lambda figures: len(calls) >= 8 and figures.streams[0].frames_out > 5, live).streams
    assert all_counted(stream)
    assert stream.dropped["failure"] >= 7
    assert not live.failures


def test_the_time_of_a_failure_is_not_that_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_update = CaptureFigures.update

    def live_for_long(figures: CaptureFigures, status: Status, reason: str = "") -> None:
        real_update(figures, status, reason)
        figures.since = time.monotonic() - 1000

    def failing(*arguments: Any) -> Any:
        raise BackendError("the GPU is gone")

    monkeypatch.setattr(CaptureFigures, "update", live_for_long)
    monkeypatch.setattr(SharedSessions, "open", failing)
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"}))
    seen = [each.streams[0] for each in figures_until_trouble(live) if each.streams[0].reason == "the GPU is gone"]
    assert {stream.status for stream in seen} >= {"waiting"}
    assert all(stream.seconds < 100 for stream in seen)


def figures_until_trouble(live: Live) -> list[LiveFigures]:
    """All figures of `live` until it has been in trouble for a moment."""
    reports: list[LiveFigures] = []

    def report(figures: LiveFigures) -> None:
        reports.append(figures)
        if sum(bool(each.streams[0].reason) for each in reports) > 3:
            live.abort()

    live.run(report)
    return reports


def broken_after(collect: Callable[[Any], Any], frames: int) -> Callable[[Any], Any]:
    """`collect` for that many frames, then an error."""
    left = iter(range(frames))

    def collecting(ticket: Any) -> Any:
        if next(left, None) is None:
            raise BackendError("the device is gone")
        return collect(ticket)

    return collecting
