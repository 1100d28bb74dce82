"""Live streams from end to end, in this process: FFmpeg's test pictures are the cameras."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from pipeline.config.live_settings import LiveSettings
from pipeline.errors import BackendError, MismatchError, ModelError, OutputError, SettingsError, UprezError
from pipeline.live.service import Live
from pipeline.live.stats import LiveFigures, StreamFigures
from pipeline.superres.sessions import SharedSessions

CAMERA = {"source": "testsrc2=size=64x48:rate=25", "format": "lavfi", "model": "identity"}
ENDING = CAMERA | {"source": "testsrc2=size=64x48:rate=25:duration=0.4"}


def settings(*streams: dict[str, Any], **common: Any) -> LiveSettings:
    return LiveSettings(streams=streams, **common)  # type: ignore[arg-type]


def run_until(enough: Callable[[LiveFigures], bool], live: Live) -> LiveFigures:
    """Run `live` until `enough` is true of its figures, half a minute at most; the last ones."""
    told: list[LiveFigures] = []
    watchdog = threading.Timer(30, live.stop)
    watchdog.start()

    def tell(figures: LiveFigures) -> None:
        told.append(figures)
        if enough(figures):
            live.stop()

    try:
        live.run(tell)
    finally:
        watchdog.cancel()
    assert enough(told[-1]), told[-1]
    return told[-1]


def shown(file: Path) -> list[float]:
    with av.open(str(file)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def counted(stream: StreamFigures) -> bool:
    return stream.frames_in == stream.frames_out + sum(stream.dropped.values())


def test_what_comes_is_upscaled_and_written_and_every_frame_is_counted(tmp_path: Path) -> None:
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"}))
    (stream,) = run_until(lambda figures: figures.streams[0].frames_out >= 25, live).streams
    assert counted(stream)
    assert stream.status == "ended"
    assert stream.most_waiting <= 2
    assert stream.delay is not None
    (file,) = tmp_path.glob("*.mkv")
    times = shown(file)
    assert len(times) == stream.frames_out
    assert times == sorted(set(times))


def test_a_source_that_ends_is_opened_again_and_the_file_goes_on(tmp_path: Path) -> None:
    live = Live(settings(ENDING | {"to": tmp_path / "camera.mkv", "poll": 0.1}))
    (stream,) = run_until(lambda figures: figures.streams[0].connects >= 3, live).streams
    assert counted(stream)
    assert stream.faults["ended"] >= 2
    (file,) = tmp_path.glob("*.mkv")
    assert len(shown(file)) == stream.frames_out


@pytest.mark.parametrize(("deinterlace", "pictures"), [("off", 1), ("frame", 1), ("field", 2)])
def test_the_last_picture_fills_a_gap(tmp_path: Path, deinterlace: str, pictures: int) -> None:
    filling = {"to": tmp_path / "camera.mkv", "fill": True, "poll": 1.0, "deinterlace": deinterlace}
    live = Live(settings(ENDING | filling))
    (stream,) = run_until(lambda figures: figures.streams[0].frames_filled >= 20, live).streams
    (file,) = tmp_path.glob("*.mkv")
    times = shown(file)
    assert len(times) == stream.frames_out * pictures + stream.frames_filled
    assert times == sorted(set(times))
    assert counted(stream)


def test_what_a_deinterlacer_holds_goes_out_when_the_source_does(tmp_path: Path) -> None:
    live = Live(settings(ENDING | {"to": tmp_path / "camera.mkv", "poll": 60.0, "deinterlace": "frame"}))
    (stream,) = run_until(lambda figures: figures.streams[0].frames_out == 10, live).streams
    assert stream.frames_out == 10


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
def test_two_outputs_in_one_place_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one: str, other: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list").mkdir()
    with pytest.raises(SettingsError, match="2 outputs go there; give each a place of its own"):
        Live(settings(CAMERA | {"name": "one", "to": one}, CAMERA | {"name": "other", "to": other}))
    with pytest.raises(SettingsError, match="2 outputs go there"):
        Live(settings(CAMERA | {"to": [one, other]}))


def test_a_stream_that_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    missing = CAMERA | {"name": "missing", "source": str(tmp_path / "no.mp4"), "format": None, "tries": 1}
    streams = [missing | {"to": tmp_path / "a.mkv"}, CAMERA | {"name": "camera", "to": tmp_path / "b.mkv"}]
    live = Live(settings(*streams))
    figures = run_until(lambda figures: figures.streams[1].frames_out >= 10, live)
    assert figures.streams[1].status == "ended"
    assert counted(figures.streams[1])
    assert len(list(tmp_path.glob("b*.mkv"))) == 1


def test_streams_of_one_format_share_what_upscales_them(tmp_path: Path) -> None:
    live = Live(settings(*(CAMERA | {"name": name, "to": tmp_path / f"{name}.mkv"} for name in "abc")))
    figures = run_until(lambda figures: min(stream.frames_out for stream in figures.streams) >= 10, live)
    assert all(counted(stream) for stream in figures.streams)


def test_a_stop_before_anything_came_ends_at_once(tmp_path: Path) -> None:
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"}))
    live.stop()
    live.run()
    assert not live.failures
    assert not list(tmp_path.iterdir())


def test_an_abort_leaves_no_thread(tmp_path: Path) -> None:
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"}))
    live.run(lambda figures: live.abort() if figures.streams[0].frames_out else None)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("uprez")]
    assert not live.failures


@pytest.mark.parametrize(
    ("wish", "error"),
    [({"to": "camera.xyz"}, SettingsError), ({"model": "nothing"}, ModelError), ({"codec": "nothing"}, OutputError)],
)
def test_what_can_never_work_is_refused_before_anything_starts(
    wish: dict[str, str], error: type[UprezError], tmp_path: Path
) -> None:
    with pytest.raises(error, match=next(iter(wish.values()))):
        Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"} | wish))


def test_a_stream_that_worked_is_tried_again_until_it_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(settings(ENDING | {"to": tmp_path / "camera.mkv", "poll": 0.1, "longest_wait": 0.1}))
    built, calls = SharedSessions.open, list[str]()

    def failing(*arguments: Any) -> Any:
        calls.append("")
        if 1 < len(calls) < 8:
            raise MismatchError("frames are of another size")
        session = built(*arguments)
        if len(calls) == 1:
            monkeypatch.setattr(session, "collect", broken_after(session.collect, 3))
        return session

    monkeypatch.setattr(SharedSessions, "open", failing)
    (stream,) = run_until(lambda figures: len(calls) >= 8 and figures.streams[0].frames_out > 5, live).streams
    assert counted(stream)
    assert stream.dropped["lost in a failure"] >= 7
    assert not live.failures


def test_trouble_is_told_with_how_long_it_lasts_not_how_long_the_source_was_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(settings(CAMERA | {"to": tmp_path / "camera.mkv"}))

    def failing(*arguments: Any) -> Any:
        live._streams[0]._capture.figures.since -= 1000  # so long it was live
        raise BackendError("the GPU is gone")

    monkeypatch.setattr(SharedSessions, "open", failing)
    seen = [each.streams[0] for each in told(live) if each.streams[0].reason == "the GPU is gone"]
    assert {stream.status for stream in seen} >= {"waiting"}
    assert all(stream.seconds < 100 for stream in seen)


def told(live: Live) -> list[LiveFigures]:
    """All that `live` tells until it has told of trouble for a moment."""
    figures: list[LiveFigures] = []

    def tell(told: LiveFigures) -> None:
        figures.append(told)
        if sum(bool(each.streams[0].reason) for each in figures) > 3:
            live.abort()

    live.run(tell)
    return figures


def broken_after(collect: Callable[[Any], Any], frames: int) -> Callable[[Any], Any]:
    """`collect` for so many frames, then an error."""
    left = iter(range(frames))

    def collecting(ticket: Any) -> Any:
        if next(left, None) is None:
            raise BackendError("the device is gone")
        return collect(ticket)

    return collecting
