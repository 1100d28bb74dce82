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
from pipeline.media.reading.spatial import CUBEMAP, EQUIRECTANGULAR, TILED, Projection
from pipeline.media.writing.container_support import CONTAINERS
from pipeline.media.writing.video_metadata import (
    VideoMetadata,
    add_video_metadata,
    complete_boxes,
    supported_metadata,
)
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
        assert add_video_metadata(video, container.format.name, VideoMetadata(hdr)).hdr
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
        wanted = VideoMetadata(hdr_clips.GRADED)
        assert add_video_metadata(video, container.format.name, wanted) == VideoMetadata()


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


SPHERES = [
    Projection(EQUIRECTANGULAR, (Fraction(10), Fraction(-20), Fraction(30))),
    Projection(TILED, bounds=(Fraction(1, 4), Fraction(1, 8), Fraction(1, 2), Fraction(0))),
    Projection(CUBEMAP, padding=7),
]


def _read_back(folder: Path, muxer: str, metadata: VideoMetadata) -> VideoMetadata:
    """Write a film that says `metadata`, as far as `muxer` supports that, and return what `probe` reads."""
    spec = CONTAINERS[muxer]
    path = folder / f"film{spec.suffixes[0]}"
    codec = "libvpx-vp9" if spec.web_only else "libx264"
    options = {"strict": "unofficial"} if spec.iso else {}
    with av.open(str(path), "w", container_options=options) as container:
        video = container.add_stream(codec, rate=25)
        assert isinstance(video, av.VideoStream)
        add_video_metadata(video, muxer, metadata)
        video.width, video.height, video.pix_fmt = *SMALL, "yuv420p"
        for index in range(2):
            frame = av.VideoFrame(*SMALL, "yuv420p")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    if spec.iso:
        complete_boxes(path, metadata.stereo)
    found = probe(path).video
    return VideoMetadata(None, found.stereo, found.projection)


@pytest.mark.parametrize("muxer", [spec.muxer for spec in CONTAINERS.values() if spec.stereo_modes])
def test_a_container_stores_the_layouts_and_projections_of_its_row(tmp_path: Path, muxer: str) -> None:
    spec = CONTAINERS[muxer]
    for mode in spec.stereo_modes:
        assert _read_back(tmp_path, muxer, VideoMetadata(stereo=mode)).stereo == mode
    for sphere in (sphere for sphere in SPHERES if sphere.kind in spec.projections):
        both = VideoMetadata(stereo="left_right", projection=sphere)
        assert _read_back(tmp_path, muxer, both) == both
        assert _read_back(tmp_path, muxer, VideoMetadata(projection=sphere)).projection == sphere


@pytest.mark.parametrize("muxer", ["matroska", "webm", "mp4", "mov", "mpegts", "nut"])
def test_metadata_without_a_row_is_left_out(muxer: str) -> None:
    rare = VideoMetadata(stereo="unknown", projection=Projection("fisheye"))
    assert supported_metadata(rare, muxer, "h264") == VideoMetadata()


@pytest.mark.parametrize("stereo", [None, "left_right"])
def test_nothing_but_the_box_of_the_video_is_overwritten(tmp_path: Path, stereo: str | None) -> None:
    """FFmpeg does not write it for every projection; a title and samples may contain its name."""
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "see the vexu box"
        video = container.add_stream("libx264", rate=25)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *SMALL, "yuv420p"
        container.mux(video.encode(av.VideoFrame(*SMALL, "yuv420p")))
        container.mux(video.encode(None))
    written = path.read_bytes() + b"\0\0\0\x18mdat" + 4 * b"vexu"
    assert written.count(b"vexu") == 5
    path.write_bytes(written)
    complete_boxes(path, stereo)
    assert path.read_bytes() == written
