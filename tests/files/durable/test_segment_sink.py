"""Jobs in segments: the output of a job without them, and what is kept when they end early."""

import errno
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Never

import av.error
import pytest

from pipeline import Job, Progress
from pipeline.errors import Cancelled, InputError, OutputError
from pipeline.files.durable import segmenting
from pipeline.files.durable.skip_finished import SkipFinished
from pipeline.files.durable.work_folder import WorkFolder, work_path
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.reading import input_container
from pipeline.media.reading.source import Packet
from pipeline.media.segments.segment_file import SegmentWriter, StoredSegment
from pipeline.media.writing.file_sink import FileSink
from tests import clips
from tests.jobs import upscale


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmenting, "_CPU_FRAMES", 24)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return clips.make(tmp_path / "film.mp4", frames=60)


def test_the_output_of_parallel_encoders_is_that_of_a_job_without_segments(film: Path, tmp_path: Path) -> None:
    options = {"preset": "veryfast", "encoders": 2}
    straight = upscale(film, tmp_path / "straight.mp4", **options).path
    result = upscale(film, tmp_path / "segments.mp4", resume=True, **options)
    assert result.path.read_bytes() == straight.read_bytes()
    assert (result.frames_in, result.frames_out, result.frames_resumed) == (60, 60, 0)
    assert not work_path(result.path).exists()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_frames_times_and_audio_are_those_of_a_job_without_segments(film: Path, tmp_path: Path, suffix: str) -> None:
    straight = upscale(film, tmp_path / f"straight{suffix}").path
    segments = upscale(film, tmp_path / f"segments{suffix}", resume=True).path
    assert clips.video_times(segments) == clips.video_times(straight)
    assert clips.packets(segments, "audio") == clips.packets(straight, "audio")
    assert clips.shades(segments) == pytest.approx(clips.shades(straight), abs=2)


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("libx265", ".mkv"),
        ("libsvtav1", ".mp4"),
        ("libvpx-vp9", ".webm"),
        ("ffv1", ".mkv"),
        ("prores", ".mov"),
        ("mpeg4", ".mp4"),
    ],
)
def test_segments_of_any_codec_are_joined(film: Path, tmp_path: Path, codec: str, suffix: str) -> None:
    options = {"codec": codec, "preset": None, "frames": 50}
    straight = upscale(film, tmp_path / f"straight{suffix}", **options).path
    segments = upscale(film, tmp_path / f"segments{suffix}", resume=True, **options).path
    assert clips.video_times(segments) == clips.video_times(straight)
    assert len(clips.video_times(segments)) == 50
    assert clips.shades(segments) == pytest.approx(clips.shades(straight), abs=4)


def interrupted(film: Path, output: Path, at: int, **options: Any) -> None:
    """Run a job that its caller aborts after `at` frames."""

    def stop(progress: Progress) -> None:
        if progress.done >= at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upscale(film, output, resume=True, progress=stop, **options)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The number of writes for which the disk has room."""
    left = {"writes": float("inf")}
    write = SegmentWriter._write

    def limited(self: SegmentWriter, content: bytes) -> None:
        left["writes"] -= 1
        if left["writes"] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, content)

    monkeypatch.setattr(SegmentWriter, "_write", limited)
    return left


def test_after_a_full_disk_the_same_call_continues(film: Path, tmp_path: Path, room: dict[str, float]) -> None:
    output, unbroken = tmp_path / "out.mp4", tmp_path / "unbroken.mp4"
    upscale(film, unbroken, resume=True)
    room["writes"] = 120
    with pytest.raises(OutputError, match="the disk is full"):
        upscale(film, output, resume=True)
    assert not output.exists()
    assert any(work_path(output).glob("*.segment"))
    room["writes"] = float("inf")
    result = upscale(film, output, resume=True)
    assert result.frames_resumed in (24, 48)
    assert result.path.read_bytes() == unbroken.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["film.mp4", "out.mp4", "unbroken.mp4"]


def test_a_join_that_fails_for_a_full_disk_is_made_again_without_any_upscaling(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, unbroken = tmp_path / "out.mp4", tmp_path / "unbroken.mp4"
    upscale(film, unbroken, resume=True)
    feed = FileSink.feed

    def full(self: FileSink, item: Packet) -> Iterator[Never]:
        with translate_write_errors(self.path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(FileSink, "feed", full)
    with pytest.raises(OutputError, match=r"out\.mp4: the disk is full.*; the same command continues"):
        upscale(film, output, resume=True)
    assert {path.suffix for path in work_path(output).iterdir()} == {".segment", ".json", ""}
    monkeypatch.setattr(FileSink, "feed", feed)
    monkeypatch.setattr("pipeline.files.job.open_session", None)
    result = upscale(film, output, resume=True)
    assert (result.frames_in, result.frames_out, result.frames_resumed) == (60, 60, 60)
    assert output.read_bytes() == unbroken.read_bytes()


def test_a_job_that_is_stopped_keeps_its_finished_segments(film: Path, tmp_path: Path) -> None:
    job = Job()

    def stop(progress: Progress) -> None:
        if progress.done >= 30:
            job.stop()

    output = tmp_path / "out.mp4"
    result = upscale(film, output, resume=True, progress=stop, job=job, queue=1)
    if result.stopped:
        assert result.path == work_path(output)
        result = upscale(film, output, resume=True)
        assert result.frames_resumed >= 24
    assert clips.video_times(output) == clips.video_times(film)
    assert sorted(os.listdir(tmp_path)) == ["film.mp4", "out.mp4"]


def test_a_job_that_is_stopped_before_the_first_frame_leaves_nothing(film: Path, tmp_path: Path) -> None:
    job = Job()
    job.stop()
    with pytest.raises(Cancelled):
        upscale(film, tmp_path / "out.mp4", resume=True, job=job)
    assert os.listdir(tmp_path) == ["film.mp4"]


def test_an_output_that_the_container_does_not_support_fails_before_the_first_frame(film: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        upscale(film, tmp_path / "out.webm", resume=True, codec="mpeg4")
    assert os.listdir(tmp_path) == ["film.mp4"]


def read_until(monkeypatch: pytest.MonkeyPatch, packets: int, error: Exception | None) -> None:
    """Let the source end after so many packets, with `error` or without one."""

    @contextmanager
    def ending(container: Any, streams: Any) -> Iterator[Iterator[Packet]]:
        with input_container.demux(container, streams) as all_packets:

            def first() -> Iterator[Packet]:
                yield from itertools.islice(all_packets, packets)
                if error:
                    raise error

            yield first()

    monkeypatch.setattr("pipeline.media.reading.file_source.demux", ending)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (None, "it was not read as before; try again"),
        (av.error.OSError(errno.EIO, "Input/output error"), "can't be read any more .*: check its disk or connection"),
    ],
)
def test_a_source_that_can_not_be_read_to_its_end_costs_no_segment(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception | None, message: str
) -> None:
    output, unbroken = tmp_path / "out.mp4", tmp_path / "unbroken.mp4"
    upscale(film, unbroken, resume=True)
    interrupted(film, output, 40, encoders=2, queue=1)
    kept = sorted(path.name for path in work_path(output).glob("*.segment"))
    assert kept
    with monkeypatch.context() as away:
        read_until(away, 20, error)
        with pytest.raises(InputError, match=message):
            upscale(film, output, resume=True)
    assert not output.exists()
    assert sorted(path.name for path in work_path(output).glob("*.segment")) == kept
    assert upscale(film, output, resume=True).frames_resumed >= 24 * len(kept)
    assert clips.video_times(output) == clips.video_times(unbroken)


def test_a_job_that_is_stopped_while_it_skips_finished_frames_keeps_its_segments(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, job = tmp_path / "out.mp4", Job()
    interrupted(film, output, 40, encoders=2, queue=1)
    check = SkipFinished._check

    def stopping(self: SkipFinished, pts: int) -> None:
        check(self, pts)
        if self.frames == 5:
            job.stop()

    monkeypatch.setattr(SkipFinished, "_check", stopping)
    result = upscale(film, output, resume=True, job=job, queue=1)
    assert (result.stopped, result.path) == (True, work_path(output))
    monkeypatch.setattr(SkipFinished, "_check", check)
    assert upscale(film, output, resume=True).frames_out == 60


def test_a_join_that_is_aborted_is_made_again(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, job, read = tmp_path / "out.mp4", Job(), WorkFolder.read

    def aborting(self: WorkFolder) -> Iterator[StoredSegment]:
        for segment in read(self):
            job.abort()
            yield segment

    monkeypatch.setattr(WorkFolder, "read", aborting)
    for again in (Job(), Job()):
        job = again
        with pytest.raises(Cancelled, match="aborted while it was joined; the same command joins its segments again"):
            upscale(film, output, resume=True, job=again)
        assert not output.exists()
    monkeypatch.setattr(WorkFolder, "read", read)
    assert upscale(film, output, resume=True).frames_resumed == 60


def test_an_output_that_lacks_something_is_kept_as_partial_and_so_are_the_segments(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.mp4"
    monkeypatch.setattr(
        "pipeline.files.commit.check_packets", lambda *_: [SimpleNamespace(message="a packet is missing")]
    )
    with pytest.raises(
        OutputError, match=r"a packet is missing\); it is kept as .*out\.partial\.mp4; the same command"
    ):
        upscale(film, output, resume=True)
    assert clips.video_times(tmp_path / "out.partial.mp4") == clips.video_times(film)
    assert any(work_path(output).glob("*.segment"))
