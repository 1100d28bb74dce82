import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.media.reading.hdr import Hdr, read_hdr
from pipeline.media.reading.probe import probe
from pipeline.media.writing.hdr_metadata import add_hdr_metadata
from tests import hdr_clips

SMALL = (64, 64)
PIXELS = {"prores_ks": "yuv422p10le", "libvpx-vp9": "yuv420p"}

chromaticities = st.integers(1, 50_000).map(lambda parts: Fraction(parts, 50_000))
points = st.tuples(chromaticities, chromaticities)
primaries = st.tuples(points, points, points, points)
luminances = st.tuples(  # FFmpeg drops a range that is empty
    st.integers(0, 9_999).map(lambda parts: Fraction(parts, 10_000)), st.integers(1, 10_000).map(Fraction)
)
levels = st.tuples(st.integers(1, 10_000), st.integers(1, 10_000))


def _written(file: Any, muxer: str | None, codec: str, hdr: Hdr) -> None:
    """Write two gray frames, whose encoder does not know `hdr`."""
    with av.open(file, "w", format=muxer) as container:
        video = container.add_stream(codec, rate=25)
        assert isinstance(video, av.VideoStream)
        assert add_hdr_metadata(video, container.format.name, hdr)
        context = video.codec_context
        context.max_b_frames = 0
        context.width, context.height = SMALL
        context.pix_fmt, context.time_base = PIXELS.get(codec, "yuv420p10le"), Fraction(1, 25)
        # Without which FFmpeg writes none of it into mp4 files.
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = 9, 9, hdr_clips.PQ, 1
        video.time_base = context.time_base
        for index in range(2):
            frame = av.VideoFrame(*SMALL, context.pix_fmt)
            for plane in frame.planes:
                plane.update(bytes([0, 2]) * (plane.buffer_size // 2))
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


@pytest.mark.parametrize(
    "name",
    [
        *("ffv1.mkv", "libvpx-vp9.mkv", "libvpx-vp9.webm", "prores_ks.mkv", "libx264.mkv", "libx265.mkv"),
        *("ffv1.mp4", "libvpx-vp9.mp4", "libx264.mp4", "libx265.mp4", "prores_ks.mov", "libx265.mov"),
        *("libsvtav1.mkv", "libsvtav1.mp4"),
    ],
)
def test_a_container_stores_metadata_that_its_stream_lacks(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    _written(str(path), None, path.stem, hdr_clips.GRADED)
    video = probe(path).video
    assert video.hdr == hdr_clips.GRADED
    assert (video.format.width, video.format.height) == SMALL


@pytest.mark.parametrize(("codec", "name"), [("libx265", "film.ts"), ("mpeg4", "film.mkv"), ("libx264", "film.nut")])
def test_unsupported_containers_and_codecs_are_reported(tmp_path: Path, codec: str, name: str) -> None:
    with av.open(str(tmp_path / name), "w") as container:
        video = container.add_stream(codec, rate=25)
        assert isinstance(video, av.VideoStream)
        assert not add_hdr_metadata(video, container.format.name, hdr_clips.GRADED)


@settings(max_examples=40)
@given(
    st.builds(Hdr, st.none() | primaries, st.none() | luminances, st.none() | levels).filter(lambda hdr: hdr != Hdr())
)
def test_matroska_stores_each_part_of_the_metadata(hdr: Hdr) -> None:
    file = io.BytesIO()
    _written(file, "matroska", "ffv1", hdr)
    file.seek(0)
    with av.open(file, "r") as container:
        stored = read_hdr(next(container.decode(video=0)))
    assert stored is not None
    assert (stored.light, bool(stored.primaries), bool(stored.luminance)) == (
        hdr.light,
        bool(hdr.primaries),
        bool(hdr.luminance),
    )
    numbers = (*sum(stored.primaries or (), ()), *(stored.luminance or ()))
    meant = (*sum(hdr.primaries or (), ()), *(hdr.luminance or ()))
    assert all(abs(a - b) < Fraction(1, 100_000) for a, b in zip(numbers, meant, strict=True))
