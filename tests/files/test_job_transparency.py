"""Complete jobs on videos with transparency: alpha is enlarged and kept, or a note states that it is dropped."""

from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.files.job import upscale
from pipeline.files.result import Result
from pipeline.media.reading.probe import probe
from pipeline.verification.compare import verify
from tests import alpha_clips

FAST = {"backend": "onnx", "model": "clear-x2"}
SOURCES = [
    ("in.webm", "libvpx-vp9", "yuva420p"),
    ("in.mov", "qtrle", "argb"),
    ("in.mkv", "ffv1", "yuva444p10le"),
]
RESULTS = [
    ("out.mkv", {"codec": "ffv1"}),
    ("out.mov", {"codec": "prores_ks"}),
    ("out.webm", {"codec": "libvpx-vp9", "options": {"lossless": "1"}}),
    ("out.mov", {"codec": "qtrle"}),
    ("%03d.png", {}),
    ("out.apng", {}),
    ("%03d.webp", {}),
    ("%03d.tif", {}),
]


def made(tmp_path: Path, source: tuple[str, str, str], name: str, options: dict[str, object]) -> tuple[Path, Result]:
    path = alpha_clips.make(tmp_path / source[0], *source[1:])
    return path, upscale(path, tmp_path / name, **FAST, **options)  # type: ignore[arg-type]


def alphas(path: Path) -> list[np.ndarray]:
    if "%" not in path.name:
        return alpha_clips.alphas(path)
    numbers = range(1, alpha_clips.FRAMES + 1)
    return [alpha for number in numbers for alpha in alpha_clips.alphas(path.with_name(path.name % number))]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source[1])
@pytest.mark.parametrize(("name", "options"), RESULTS, ids=lambda value: str(value)[:18])
def test_alpha_is_upscaled_with_the_frame(
    tmp_path: Path, source: tuple[str, str, str], name: str, options: dict[str, object]
) -> None:
    path, result = made(tmp_path, source, name, options)
    assert not any("transparency" in note for note in result.notes)
    found = alphas(tmp_path / name)
    assert len(found) == alpha_clips.FRAMES
    for small, large in zip(alpha_clips.alphas(path), found, strict=True):
        assert large.shape == (2 * small.shape[0], 2 * small.shape[1])
        means = large.astype(float).reshape(small.shape[0], 2, small.shape[1], 2).mean(axis=(1, 3))
        assert np.abs(means - small).max() < 12  # a soft edge, by a cubic that overshoots a little
        assert ((small == 0) | (small == 255))[np.abs(means - small) < 1].any()
    verdict = verify(path, tmp_path / name)
    assert verdict.complete, verdict.faults


def test_lost_transparency_is_reported_by_the_job_and_by_verify(tmp_path: Path) -> None:
    path, result = made(tmp_path, SOURCES[0], "out.mkv", {})
    assert any(note.startswith("transparency (alpha) dropped: libx264 does not support it") for note in result.notes)
    verdict = verify(path, result.path)
    assert verdict.complete
    assert "the source's transparency is dropped" in verdict.remarks
    with av.open(str(result.path)) as container:
        assert not any(key.lower() == "alpha_mode" for key in container.streams.video[0].metadata)


def test_verify_finds_alpha_that_differs_from_the_source(tmp_path: Path) -> None:
    source = alpha_clips.make(tmp_path / "in.mkv", "ffv1", "bgra")
    result = tmp_path / "out.mkv"
    with av.open(str(source)) as film, av.open(str(result), "w") as container:
        stream = container.add_stream("ffv1", rate=alpha_clips.RATE)
        stream.width, stream.height, stream.pix_fmt = alpha_clips.WIDTH, alpha_clips.HEIGHT, "bgra"
        for frame in film.decode(video=0):
            samples = frame.to_ndarray()
            samples[..., 3] = 255
            opaque = av.VideoFrame.from_ndarray(samples, format="bgra")
            opaque.pts, opaque.time_base = frame.pts, frame.time_base
            container.mux(stream.encode(opaque))
        container.mux(stream.encode(None))
    assert {fault.kind for fault in verify(source, result).faults} == {"picture"}


def test_a_pixel_format_without_alpha_can_be_chosen(tmp_path: Path) -> None:
    _, result = made(tmp_path, SOURCES[2], "out.mkv", {"codec": "ffv1", "pix_fmt": "yuv420p"})
    assert result.notes == ("transparency (alpha) dropped: yuv420p has none",)
    assert probe(result.path).video.source_format == "yuv420p"
