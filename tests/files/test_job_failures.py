"""Jobs that fail or are stopped: one error, no half result under the real name, nothing left over."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import pytest

import pipeline
from pipeline import BackendError, Cancelled, InputError, Job, OutputError, Progress
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain
from pipeline.media.reading.probe import probe
from pipeline.superres.cpu.session import OnnxSession
from tests import clips
from tests.jobs import upscale

HELD_FRAME = 10


class TestFailure:
    """Whichever stage fails, and wherever: one error, nothing under the real name, nothing left over."""

    PLACES = ("first", "middle", "last")

    @pytest.fixture
    def outcome(self, clip: Path, tmp_path: Path) -> Any:
        before = set(tmp_path.iterdir())

        def run() -> BaseException:
            with pytest.raises(RuntimeError, match="planted") as caught:
                upscale(clip, tmp_path / "out.mkv")
            assert set(tmp_path.iterdir()) - before <= {tmp_path / "out.partial.mkv"}
            return caught.value

        return run

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize(
        ("owner", "method"),
        [
            ("pipeline.media.decoding.decoder.Decoder", "feed"),
            ("pipeline.superres.cpu.session.OnnxSession", "submit"),
            ("pipeline.superres.cpu.session.OnnxSession", "collect"),
            ("pipeline.media.encoding.encoder.Encoder", "feed"),
            ("pipeline.media.writing.file_sink.FileSink", "feed"),
        ],
        ids=lambda value: value.rpartition(".")[2],
    )
    def test_an_error_of_any_stage_is_raised_and_leaves_at_most_the_finished_part(
        self, outcome: Any, monkeypatch: pytest.MonkeyPatch, owner: str, method: str, place: str
    ) -> None:
        at = {"first": 0, "middle": 5, "last": 11}[place]
        module, name = owner.rsplit(".", 1)
        original = getattr(getattr(__import__(module, fromlist=[name]), name), method)
        calls = iter(range(1000))

        def failing(self: Any, *args: Any) -> Any:
            if next(calls) == at:
                raise RuntimeError("planted")
            return original(self, *args)

        monkeypatch.setattr(f"{owner}.{method}", failing)
        outcome()

    @pytest.mark.parametrize("error", [InputError, BackendError, OutputError, RuntimeError, KeyboardInterrupt])
    def test_the_part_finished_before_any_error_is_kept(
        self, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
    ) -> None:
        source = clips.make(tmp_path / "long.mp4", frames=200)
        original = OnnxSession.submit

        def failing(self: OnnxSession, frame: Any) -> Any:
            if frame.pts >= 150 * 512:
                raise error("planted")
            return original(self, frame)

        monkeypatch.setattr(OnnxSession, "submit", failing)
        with pytest.raises(error, match="planted") as raised:
            upscale(source, tmp_path / "out.mkv")
        shown = [str(raised.value), *getattr(raised.value, "__notes__", ())]
        assert "the finished part is kept as" in shown[-1]
        assert shown[-1].endswith("out.partial.mkv")
        assert 20 < len(clips.shades(tmp_path / "out.partial.mkv")) <= 150
        assert not (tmp_path / "out.mkv").exists()

    def test_an_encoder_with_frames_in_flight_is_drained_after_an_error(
        self, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Frame-threaded encoders hang for ever when they are freed at work."""

        def failing(self: Any, packet: Any) -> Any:
            raise RuntimeError("planted")

        monkeypatch.setattr("pipeline.media.writing.file_sink.FileSink.feed", failing)
        with pytest.raises(RuntimeError, match="planted"):
            upscale(clip, tmp_path / "out.nut", codec="utvideo", preset=None, streams="video")
        assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "out.partial.nut"}

    def test_a_full_disk_is_reported_in_one_line_and_leaves_the_earlier_file(
        self, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sink = tmp_path / "out.mkv"
        sink.write_bytes(b"earlier")

        def full(self: Any, packet: Any) -> Any:
            with __import__("pipeline.media.av_errors", fromlist=["translate_write_errors"]).translate_write_errors(
                self.path
            ):
                raise OSError(28, "No space left on device")
            yield

        monkeypatch.setattr("pipeline.media.writing.file_sink.FileSink.feed", full)
        with pytest.raises(OutputError, match=r"out\.mkv: the disk is full"):
            upscale(clip, sink, overwrite=True)
        assert sink.read_bytes() == b"earlier"
        assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "out.mkv"}

    @pytest.mark.skipif(sys.platform == "win32", reason="limits of a process as POSIX has them")
    def test_what_was_written_before_the_disk_was_full_is_kept_and_playable(self, tmp_path: Path) -> None:
        source = clips.make(tmp_path / "long.mp4", frames=200)
        limit = 20_000  # bytes of a file: less than the output has

        def limit_files() -> None:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        command = [sys.executable, "-m", "pipeline", "upscale", str(source), str(tmp_path / "out.mkv")]
        options = ["--model", "identity", "--backend", "onnx", "--preset", "ultrafast", "--crf", "1"]
        ended = subprocess.run([*command, *options], preexec_fn=limit_files, capture_output=True, text=True, timeout=50)
        assert ended.returncode == 2
        assert "the file system allows no file of this size" in ended.stderr
        assert "is kept as" in ended.stderr
        assert 0 < len(clips.shades(tmp_path / "out.partial.mkv")) < 200

    def test_an_error_of_the_check_at_the_end_keeps_the_output_as_a_part(
        self, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(*args: Any) -> Any:
            raise RuntimeError("planted")

        monkeypatch.setattr("pipeline.files.commit.check_packets", failing)
        with pytest.raises(RuntimeError, match="planted"):
            upscale(clip, tmp_path / "out.mkv")
        assert len(clips.shades(tmp_path / "out.partial.mkv")) == 12

    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_a_truncated_source_is_never_reported_as_intact(self, tmp_path: Path, suffix: str) -> None:
        source = clips.make(tmp_path / f"long{suffix}", frames=200, index_in_front=True)
        content = source.read_bytes()
        cut = tmp_path / f"cut{suffix}"
        cut.write_bytes(content[: len(content) * 2 // 3])
        result = upscale(cut, tmp_path / "out.mkv")
        assert not result.source_intact
        assert result.frames_lost + result.frames_out == 200
        assert result.findings[0].startswith("the source is cut off: at least ")
        times = clips.video_times(tmp_path / "out.mkv")
        shown = [clips.shade(round((time - times[0]) * clips.RATE)) for time in times]
        assert clips.shades(tmp_path / "out.mkv") == pytest.approx(shown, abs=3)

    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_strict_refuses_a_truncated_file(self, tmp_path: Path, suffix: str) -> None:
        source = clips.make(tmp_path / f"long{suffix}", frames=200, index_in_front=True)
        source.write_bytes(source.read_bytes()[:-2000])
        with pytest.raises(InputError, match=r"is cut off: .* bytes are missing at its end; without `strict`"):
            upscale(source, tmp_path / "out.mkv", strict=True)
        assert [path.name for path in tmp_path.iterdir()] == [source.name]

    def test_strict_keeps_the_part_before_the_damage(self, tmp_path: Path) -> None:
        source = clips.make(tmp_path / "long.mkv", frames=200, options={"crf": "10", "g": "20"}, audio=False)
        with av.open(str(source)) as container:
            places = [packet.pos or 0 for packet in container.demux(video=0) if packet.size]
        content = bytearray(source.read_bytes())
        content[places[150] : places[160]] = bytes(places[160] - places[150])
        source.write_bytes(content)
        with pytest.raises(
            InputError, match=r"is damaged .*; without `strict` all that decodes is kept; .* kept as .*partial"
        ):
            upscale(source, tmp_path / "out.mkv", strict=True)
        assert 100 < len(clips.shades(tmp_path / "out.partial.mkv")) <= 160
        assert not (tmp_path / "out.mkv").exists()


class TestStopping:
    @pytest.fixture
    def long_clip(self, tmp_path: Path) -> Path:
        return clips.make(tmp_path / "long.mp4", frames=400)

    @pytest.fixture
    def release(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
        """Holds each job at its frame HELD_FRAME until the event is set."""
        original, event = OnnxSession.submit, threading.Event()

        def submit(self: OnnxSession, frame: Any) -> Any:
            if frame.pts == (HELD_FRAME - 1) * 512:
                event.wait()
            return original(self, frame)

        monkeypatch.setattr(OnnxSession, "submit", submit)
        yield event
        event.set()

    def test_stop_keeps_a_playable_part_named_partial(
        self, long_clip: Path, tmp_path: Path, release: threading.Event
    ) -> None:
        job = Job()

        def progress(at: Progress) -> None:
            if at.done >= 5:
                job.stop()
                release.set()

        result = upscale(long_clip, tmp_path / "out.mkv", job=job, progress=progress)
        assert result.stopped
        assert result.path == tmp_path / "out.partial.mkv"
        assert not (tmp_path / "out.mkv").exists()
        assert len(clips.shades(result.path)) == result.frames_out == HELD_FRAME

    def test_stop_submits_nothing_more_and_keeps_the_part_of_an_earlier_stop(
        self, long_clip: Path, tmp_path: Path, release: threading.Event
    ) -> None:
        for name in ("out.partial.mkv", "out.partial2.mkv"):
            release.clear()
            job = Job()

            def progress(at: Progress, job: Job = job) -> None:
                if at.done >= 3:
                    job.stop()
                    release.set()

            result = upscale(long_clip, tmp_path / "out.mkv", job=job, progress=progress)
            assert (result.path.name, result.frames_out) == (name, HELD_FRAME)

    def test_stop_after_the_last_frame_has_no_effect(self, clip: Path, tmp_path: Path) -> None:
        job = Job()

        def progress(at: Progress) -> None:
            if at.done == 12:
                job.stop()

        assert not upscale(clip, tmp_path / "out.mkv", job=job, progress=progress).stopped

    def test_abort_leaves_no_file(self, long_clip: Path, tmp_path: Path, release: threading.Event) -> None:
        job = Job()

        def progress(at: Progress) -> None:
            if at.done >= 5:
                job.abort()
                release.set()

        with pytest.raises(Cancelled):
            upscale(long_clip, tmp_path / "out.mkv", job=job, progress=progress)
        assert {path.name for path in tmp_path.iterdir()} == {"long.mp4"}

    def test_abort_before_the_start_cancels_the_job(self, clip: Path, tmp_path: Path) -> None:
        job = Job()
        job.abort()
        with pytest.raises(Cancelled):
            upscale(clip, tmp_path / "out.mkv", job=job)
        assert not job.running

    def test_stop_before_the_start_cancels_the_job(self, clip: Path, tmp_path: Path) -> None:
        job = Job()
        job.stop()
        with pytest.raises(Cancelled, match="stopped before the first frame"):
            upscale(clip, tmp_path / "out.mkv", job=job)
        assert not job.running

    @pytest.mark.parametrize("method", ["stop", "abort"])
    def test_stop_and_abort_may_be_called_while_the_job_ends(self, method: str) -> None:
        """The job ends right after the call has looked for its pipeline."""
        ended = ExitStack()

        class EndingPipeline(Pipeline):
            def __bool__(self) -> bool:
                ended.close()
                return True

        job, stage = Job(), Chain[int, int]()
        ended.enter_context(job.controlling(EndingPipeline((), {"stage": stage}, 1)))
        getattr(job, method)()
        ended.close()
        assert not job.running

    def test_an_error_from_the_progress_callback_is_raised(self, clip: Path, tmp_path: Path) -> None:
        def progress(at: Progress) -> None:
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            upscale(clip, tmp_path / "out.mkv", progress=progress)
        assert not (tmp_path / "out.mkv").exists()

    def test_the_last_call_of_the_progress_callback_comes_before_the_output_has_its_name(
        self, clip: Path, tmp_path: Path
    ) -> None:
        calls: list[tuple[int, bool]] = []  # frames, and whether there was an output
        out = tmp_path / "out.mkv"
        upscale(clip, out, progress=lambda at: calls.append((at.done, out.exists())))
        assert calls[-1] == (12, False)


class TestTargets:
    def test_the_default_name_contains_the_scale(self, clip: Path) -> None:
        result = pipeline.upscale(clip, model="srvgg-4x1", backend="onnx")
        assert result.path.name == "clip.x2.mkv"
        assert probe(result.path).video.format.width == 128

    @pytest.mark.parametrize("kind", ["same", "symlink", "hardlink"])
    def test_the_input_itself_is_refused(self, clip: Path, tmp_path: Path, kind: str) -> None:
        sink = clip if kind == "same" else tmp_path / "other.mp4"
        if kind == "symlink":
            sink.symlink_to(clip)
        elif kind == "hardlink":
            os.link(clip, sink)
        before = clip.read_bytes()
        with pytest.raises(OutputError, match="is the input itself"):
            upscale(clip, sink, overwrite=True)
        assert clip.read_bytes() == before

    def test_an_existing_file_is_kept_unless_overwrite_is_set(self, clip: Path, tmp_path: Path) -> None:
        sink = tmp_path / "out.mkv"
        sink.write_bytes(b"earlier")
        with pytest.raises(OutputError, match="exists already; `overwrite=True` replaces it"):
            upscale(clip, sink)
        assert sink.read_bytes() == b"earlier"
        upscale(clip, sink, overwrite=True)
        assert len(clips.shades(sink)) == 12

    def test_a_file_that_appears_during_the_job_is_kept(self, clip: Path, tmp_path: Path) -> None:
        sink = tmp_path / "out.mkv"

        def progress(at: Progress) -> None:
            sink.write_bytes(b"another's")

        with pytest.raises(OutputError, match=r"appeared during the job; the output is kept as .*out\.partial\.mkv"):
            upscale(clip, sink, progress=progress)
        assert sink.read_bytes() == b"another's"
