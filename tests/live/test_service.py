"""Live streams from end to end, in this process; FFmpeg's test sources are the cameras."""

import threading
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import MismatchError, ModelError, OutputError, SettingsError, UprezError
from pipeline.live.service import Live
from pipeline.superres.sessions import SharedSessions
from tests.live.running import CAMERA, all_counted, frame_times, run_until, settings
from tests.waiting import until


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


def test_frames_that_wait_when_upscaling_fails_for_good_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(settings(CAMERA | {"to": tmp_path / "a.mkv"}))

    def failing(*arguments: Any) -> Any:
        until(lambda: live.figures().streams[0].waiting == 2)
        raise MismatchError("the model does not fit")

    monkeypatch.setattr(SharedSessions, "open", failing)
    figures = run_until(lambda figures: figures.streams[0].status == "failed", live)
    (stream,) = figures.streams
    assert stream.waiting == 0
    assert all_counted(stream)


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
