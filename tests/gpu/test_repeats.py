"""Repeated frames on a GPU: upscaled once, with the samples that every one of them would have."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline import Result
from pipeline.frame import FrameFormat
from pipeline.models import catalogue
from pipeline.superres.repeats import RepeatDetector
from pipeline.superres.stages import Collect, Submit
from tests import clips, interlaced
from tests.gpu.sessions import open_gpu_session
from tests.jobs import upscale
from tests.superres.oracle import saturated

FRAMES = 60


@pytest.fixture
def padded(tmp_path: Path) -> Path:
    """Film padded from 24 to 60 frames/s, without loss: each frame is shown two or three times."""
    lumas = [interlaced.luma_at(index * 2 // 5, (320, 180)) for index in range(FRAMES)]
    return interlaced.write(tmp_path / "padded.mkv", lumas)


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    """H.264 for NVDEC: key frames alone, each packet twice, so that each frame is decoded twice to the same samples."""
    once = clips.make(tmp_path / "once.mp4", 20, (320, 180), options={"g": "1"}, audio=False)
    return clips.with_packets_twice(once, tmp_path / "twice.mp4")


def run_job(source: Path, to: Path, dedup: bool, **options: object) -> tuple[Result, list[bytes]]:
    options = {"model": "srvgg-24x8", "codec": "ffv1", "preset": None, "overwrite": True, "dedup": dedup} | options
    result = upscale(source, to, backend="tensorrt", **options)
    return result, clips.frame_samples(to)


@pytest.mark.parametrize("options", [{}, {"slots": 2}, {"contexts": 1}, {"device": "0,0"}, {"pix_fmt": "yuv444p"}])
@pytest.mark.parametrize("engine", ["auto", "rtx"])
def test_output_is_the_same_with_and_without_dedup(
    tmp_path: Path, padded: Path, engine: str, options: dict[str, object]
) -> None:
    once, few = run_job(padded, tmp_path / "once.mkv", dedup=True, engine=engine, **options)
    each, all_ = run_job(padded, tmp_path / "each.mkv", dedup=False, engine=engine, **options)
    assert (once.frames_out, once.frames_repeated) == (FRAMES, FRAMES * 3 // 5)
    assert (each.frames_out, each.frames_repeated) == (FRAMES, 0)
    assert few == all_


def test_frames_of_nvdec_are_all_upscaled_and_equal_those_of_software_decoding(tmp_path: Path, twice: Path) -> None:
    soft, once = run_job(twice, tmp_path / "soft.mkv", dedup=True, decoder="software")
    hard, each = run_job(twice, tmp_path / "hard.mkv", dedup=True, decoder="nvdec")
    assert (soft.frames_repeated, hard.frames_repeated) == (20, 0)
    assert once == each
    assert once[0::2] == once[1::2]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_frame_has_the_same_output_each_time(small_format: FrameFormat, seed: int) -> None:
    format = replace(small_format, width=192, height=128)
    frame = saturated(format, seed)
    with open_gpu_session(catalogue.find("clear-x2", np.float16), format) as session:
        first, *others = [session.collect(session.submit(frame)) for _ in range(8)]
        for other in others:
            assert all((a == b).all() for a, b in zip(first.planes, other.planes, strict=True))
            other.release()
        first.release()


def test_a_long_run_of_repeated_frames_occupies_one_slot(small_format: FrameFormat) -> None:
    format = replace(small_format, width=192, height=128)
    with open_gpu_session(catalogue.find("srvgg-24x8", np.float16), format, slots=2) as session:
        repeats = RepeatDetector()
        submit: Submit[str] = Submit(session, repeats)
        collect: Collect[str] = Collect(session)
        for pts, seed in enumerate([0] * 500 + [1] * 500):
            (pending,) = submit.feed(replace(saturated(format, seed), pts=pts))
            (upscaled,) = collect.feed(pending)
            assert not isinstance(upscaled, str)
            upscaled.release()
            assert session.slots == (2, 1)
        submit.close()
        collect.close()
        assert session.slots == (2, 2)
        assert repeats.repeated == 998
