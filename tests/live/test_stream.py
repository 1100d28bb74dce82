"""One live stream: reconnections, gaps, and failures of its pipelines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.errors import BackendError, MismatchError
from pipeline.live.input.capture import CaptureFigures
from pipeline.live.service import Live
from pipeline.live.stats import LiveFigures, Status
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.sessions import SharedSessions
from tests.live.running import CAMERA, ENDING, all_counted, frame_times, run_until, settings
from tests.waiting import no_thread_from, until


def test_a_source_that_ends_is_opened_again_and_the_file_continues(tmp_path: Path) -> None:
    live = Live(settings(ENDING | {"to": tmp_path / "camera.mkv", "poll": 0.1}))
    (stream,) = run_until(lambda figures: figures.streams[0].connects >= 3, live).streams
    assert all_counted(stream)
    assert stream.faults["ended"] >= 2
    (file,) = tmp_path.glob("*.mkv")
    assert len(frame_times(file)) == stream.frames_out


@pytest.mark.parametrize("dedup", [True, False])
def test_repeated_frames_of_a_camera_are_written_at_their_times_and_counted(tmp_path: Path, dedup: bool) -> None:
    still = {"source": "color=gray:size=64x48:rate=25", "to": tmp_path / "camera.mkv", "dedup": dedup}
    live = Live(settings(CAMERA | still))
    (stream,) = run_until(lambda figures: figures.streams[0].frames_out >= 25, live).streams
    (file,) = tmp_path.glob("*.mkv")
    assert len(frame_times(file)) == stream.frames_out
    assert all_counted(stream)
    assert stream.frames_repeated == (stream.frames_out - 1 if dedup else 0)


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
        figures.state = replace(figures.state, since=time.monotonic() - 1000)

    def failing(*arguments: Any) -> Any:
        raise BackendError("the GPU is gone")

    monkeypatch.setattr(CaptureFigures, "update", live_for_long)
    monkeypatch.setattr(SharedSessions, "open", failing)
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"}))
    seen = [each.streams[0] for each in figures_until_trouble(live) if each.streams[0].reason == "the GPU is gone"]
    assert {stream.status for stream in seen} >= {"waiting"}
    assert all(stream.seconds < 100 for stream in seen)


def test_a_stream_in_trouble_is_not_live_until_a_frame_is_encoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pipelines are built without an error, and fail at their first frame."""
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv", "longest_wait": 0.01}))
    open_session, statuses = SharedSessions.open, list[str]()

    def opening(*arguments: Any) -> Any:
        session = open_session(*arguments)
        if len(statuses) < 4:
            monkeypatch.setattr(session, "collect", fail)
        return session

    def fail(ticket: Any) -> Any:
        statuses.append(live.figures().streams[0].status)
        raise BackendError("the device was lost")

    monkeypatch.setattr(SharedSessions, "open", opening)
    (stream,) = run_until(lambda figures: figures.streams[0].frames_out > 0, live).streams
    assert statuses == ["live", "waiting", "waiting", "waiting"]
    assert (stream.status, stream.reason) == ("ended", "")


def test_a_stream_is_not_reported_as_ended_while_its_frames_are_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(settings(CAMERA | {"name": "camera", "to": tmp_path / "camera.mkv"}))
    collect, statuses = OnnxSession.collect, list[str]()

    def collecting(session: OnnxSession, ticket: Any) -> Any:
        if not statuses:
            live.stop()
            until(lambda: not [each for each in threading.enumerate() if each.name == "uprez-camera-decode"])
            statuses.append(live.figures().streams[0].status)
        return collect(session, ticket)

    monkeypatch.setattr(OnnxSession, "collect", collecting)
    (stream,) = run_until(lambda figures: figures.streams[0].frames_out > 0, live).streams
    assert statuses == ["live"]
    assert stream.status == "ended"


@pytest.mark.parametrize(("name", "number"), [("uprez-output", 2), ("uprez-camera-decode", 1), ("uprez-camera", 1)])
def test_a_stream_whose_threads_can_not_all_be_started_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    threads, children = set(threading.enumerate()), set(psutil.Process().children())
    live = Live(settings(CAMERA | {"name": "camera", "to": [tmp_path / "one.mkv", tmp_path / "two.mkv"]}))
    no_thread_from(monkeypatch, name, number)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        live.run()
    assert set(threading.enumerate()) <= threads
    assert set(psutil.Process().children()) <= children


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
