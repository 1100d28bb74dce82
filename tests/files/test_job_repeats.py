"""Jobs whose source contains repeated frames: upscaled once, written each at its time, and the output is the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pipeline import Job, Progress, Result
from pipeline.superres.cpu.session import OnnxSession
from tests import clips, interlaced
from tests.jobs import upscale

PULLDOWN = [index * 2 // 5 for index in range(20)]  # 24 frames/s padded to 60: each frame is shown 2 or 3 times


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The timestamps of the frames that pass through the network."""
    pts: list[int] = []
    submit = OnnxSession.submit

    def counted(self: OnnxSession, frame: Any) -> Any:
        pts.append(frame.pts)
        return submit(self, frame)

    monkeypatch.setattr(OnnxSession, "submit", counted)
    return pts


def padded(path: Path, order: Sequence[int] = PULLDOWN, mark: str = "prog") -> Path:
    """Writes a clip of a moving texture, whose frames are those of these moments."""
    return interlaced.write(path, [interlaced.luma_at(moment, (64, 48)) for moment in order], mark)


def with_and_without(source: Path, folder: Path, **options: Any) -> tuple[Result, Result]:
    """Runs a job with and without dedup, and asserts that frames and times are equal."""
    results = [
        upscale(source, folder / f"{dedup}.mkv", dedup=dedup, **({"codec": "ffv1", "preset": None} | options))
        for dedup in (True, False)
    ]
    once, each = results
    assert once.frames_out == each.frames_out
    assert clips.video_times(once.path) == clips.video_times(each.path)
    assert clips.frame_samples(once.path) == clips.frame_samples(each.path)
    assert each.frames_repeated == 0
    return once, each


def test_a_padded_rate_is_upscaled_at_its_original_rate(tmp_path: Path, submitted: list[int]) -> None:
    once, _ = with_and_without(padded(tmp_path / "in.mkv"), tmp_path)
    assert (once.frames_in, once.frames_out, once.frames_repeated) == (20, 20, 12)
    assert len(submitted) == 8 + 20


def test_frames_of_lossy_video_that_are_decoded_to_equal_samples_are_upscaled_once(tmp_path: Path) -> None:
    once = clips.make(tmp_path / "once.mp4", 12, options={"g": "1"}, audio=False)
    result, _ = with_and_without(clips.with_packets_twice(once, tmp_path / "twice.mp4"), tmp_path)
    assert (result.frames_out, result.frames_repeated) == (24, 12)


def test_frames_of_a_moving_scene_are_all_upscaled(clip: Path, tmp_path: Path) -> None:
    assert upscale(clip, tmp_path / "out.mkv").frames_repeated == 0


def test_a_repeated_frame_of_an_excerpt_is_found_within_it(tmp_path: Path, submitted: list[int]) -> None:
    once, _ = with_and_without(padded(tmp_path / "in.mkv"), tmp_path, start="0.16", frames=6)
    assert (once.frames_out, once.frames_repeated) == (6, 3)  # moments 1, 2, 2, 2, 3, 3
    assert len(submitted) == 3 + 6


def test_fields_of_a_still_scene_are_compared_after_deinterlacing(tmp_path: Path, submitted: list[int]) -> None:
    source = padded(tmp_path / "in.mkv", [0] * 6, "tff")
    once, _ = with_and_without(source, tmp_path, deinterlace="field")
    assert once.frames_out == 12
    assert once.frames_repeated > 0
    assert len(submitted) == 2 * once.frames_out - once.frames_repeated


def test_frames_that_differ_in_alpha_alone_are_both_upscaled(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as container:
        stream: Any = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        for pts, alpha in enumerate([0, 255, 255, 0]):
            samples = np.full((48, 64, 4), (90, 120, 60, alpha), np.uint8)
            frame = av.VideoFrame.from_ndarray(samples, format="rgba").reformat(format="yuva420p")
            frame.pts = pts
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    once, _ = with_and_without(source, tmp_path)
    assert (once.frames_out, once.frames_repeated) == (4, 1)


def test_depth_is_reduced_with_the_same_dither_in_repeated_frames(tmp_path: Path) -> None:
    source = interlaced.write(tmp_path / "in.mkv", [interlaced.luma_at(0, (64, 48))] * 6, pixel="yuv420p10le")
    once, _ = with_and_without(source, tmp_path, model="clear-x2", pix_fmt="yuv420p")
    assert once.frames_repeated == 5


@pytest.mark.parametrize("name", ["out.gif", "out.apng", "out-%03d.png", "out-%03d.jpg", "out.mov"])
def test_files_of_other_kinds_are_the_same_byte_for_byte(tmp_path: Path, name: str) -> None:
    source = padded(tmp_path / "in.mkv")
    written = []
    for dedup in (True, False):
        folder = tmp_path / str(dedup)
        folder.mkdir()
        codec = {"codec": "prores_ks"} if name.endswith(".mov") else {}
        result = upscale(source, folder / name, dedup=dedup, preset=None, **codec)
        assert result.frames_repeated == (12 if dedup else 0)
        written.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert written[0] == written[1]


def test_parallel_encoders_get_every_repeated_frame(tmp_path: Path) -> None:
    source = padded(tmp_path / "in.mkv", [index // 10 for index in range(100)])
    once, _ = with_and_without(source, tmp_path, codec="libx264", preset="ultrafast", encoders=2)
    assert (once.frames_out, once.frames_repeated) == (100, 90)


def test_a_stopped_job_of_repeated_frames_keeps_a_playable_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job()

    def progress(at: Progress) -> None:
        if at.done:
            job.stop()

    source = padded(tmp_path / "in.mkv", [index // 50 for index in range(3000)])
    result = upscale(source, tmp_path / "out.mkv", job=job, progress=progress, queue=1)
    assert len(clips.video_times(result.path)) == result.frames_out
    assert result.frames_out - result.frames_repeated == -(-result.frames_out // 50)
