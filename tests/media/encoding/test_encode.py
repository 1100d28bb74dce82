"""Frames to packets: formats that encoders take, memory that is lent and given back."""

import gc
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.media.encoding.encode import (
    Encoder,
    VideoEncoding,
    coded_as,
    configure,
    encodable_format,
    encoder,
    wrapped,
)
from pipeline.media.encoding.packing import packings

ENCODERS = ["libx264", "libx265", "libsvtav1", "ffv1"]


@given(
    name=st.sampled_from([*ENCODERS, "libx264rgb", "png", "h264_nvenc"]),
    pixel=st.sampled_from(list(PIXEL_FORMATS.values())),
    width=st.integers(16, 400),
    height=st.integers(16, 400),
)
def test_a_format_is_found_that_the_encoder_takes(name: str, pixel: object, width: int, height: int) -> None:
    codec = encoder(name)
    if name == "libsvtav1" and (width % 2 or height % 2):
        return  # it takes 4:2:0 only
    found = encodable_format(codec, pixel, width, height)  # type: ignore[arg-type]
    assert coded_as(codec, found) in {f.name for f in codec.video_formats or ()}
    assert width % (1 << found.sub_x) == 0
    assert height % (1 << found.sub_y) == 0


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p", "gray", "nv12"])
def test_what_the_encoder_takes_is_kept(name: str) -> None:
    assert encodable_format(encoder("libx264"), PIXEL_FORMATS[name], 64, 48).name == name


@pytest.mark.parametrize(
    ("codec", "given_format", "found"),
    [
        ("libx264", "yuv420p12le", "yuv420p10le"),
        ("libx264", "p010le", "yuv420p10le"),
        ("libsvtav1", "yuv444p", "yuv420p"),
        ("libsvtav1", "yuv422p10le", "yuv420p10le"),
        ("libsvtav1", "gray", "yuv420p"),
        ("libx264", "yuv444p16le", "yuv444p10le"),
        ("libx265", "yuv420p16le", "yuv420p12le"),
        ("libx265", "gray16le", "gray12le"),
        ("prores_ks", "yuv420p16le", "yuv422p10le"),
        ("hevc_nvenc", "yuv444p16le", "p010le"),
    ],
)
def test_otherwise_depth_is_kept_first_and_then_chroma(codec: str, given_format: str, found: str) -> None:
    assert encodable_format(encoder(codec), PIXEL_FORMATS[given_format], 64, 48).name == found


RGB_IN_ENCODERS = {
    "libx264": ("yuv444p", "yuv444p10le", "yuv444p10le", "yuv444p10le"),
    "libx264rgb": ("gbrp", "gbrp", "gbrp", "gbrp"),
    "libx265": ("gbrp", "gbrp10le", "gbrp12le", "gbrp12le"),
    "libsvtav1": ("yuv420p", "yuv420p10le", "yuv420p10le", "yuv420p10le"),
    "libvpx-vp9": ("gbrp", "gbrp", "gbrp", "gbrp"),
    "prores_ks": ("yuv444p10le", "yuv444p10le", "yuv444p10le", "yuv444p10le"),
    "ffv1": ("gbrp", "gbrp10le", "gbrp12le", "gbrp16le"),
    "png": ("gbrp", "gbrp16le", "gbrp16le", "gbrp16le"),
    "mjpeg": ("yuv444p", "yuv444p", "yuv444p", "yuv444p"),
    "hevc_nvenc": ("yuv444p", "p010le", "p010le", "p010le"),
}


@pytest.mark.parametrize("codec", RGB_IN_ENCODERS)
def test_rgb_stays_rgb_where_it_can_and_becomes_yuv_444_or_what_is_nearest(codec: str) -> None:
    for name, found in zip(("gbrp", "gbrp10le", "gbrp12le", "gbrp16le"), RGB_IN_ENCODERS[codec], strict=True):
        assert encodable_format(encoder(codec), PIXEL_FORMATS[name], 64, 48).name == found


@pytest.mark.parametrize(
    ("codec", "given_format", "found"),
    [
        ("png", "yuv420p", "gbrp"),
        ("png", "p010le", "gbrp16le"),
        ("png", "gray10le", "gray16le"),
        ("jpegls", "yuv420p10le", "gbrp"),
        ("tiff", "yuv420p10le", "yuv420p"),
        ("libx264rgb", "yuv420p", "gbrp"),
    ],
)
def test_yuv_becomes_rgb_only_where_it_would_lose_its_colour(codec: str, given_format: str, found: str) -> None:
    assert encodable_format(encoder(codec), PIXEL_FORMATS[given_format], 64, 48).name == found


@pytest.mark.parametrize(
    ("codec", "pixel", "name"),
    [
        ("png", "gbrp", "rgb24"),
        ("png", "gbrp16le", "rgb48be"),
        ("png", "gray16le", "gray16be"),
        ("png", "yuv420p", None),
        ("ffv1", "gbrp", "bgr0"),
        ("ffv1", "gbrp16le", "gbrp16le"),
        ("libx264rgb", "gbrp", "rgb24"),
        ("libx264", "yuv420p", "yuv420p"),
        ("h264_nvenc", "gbrp", None),
    ],
)
def test_an_encoder_may_take_the_same_samples_packed(codec: str, pixel: str, name: str | None) -> None:
    assert coded_as(encoder(codec), PIXEL_FORMATS[pixel]) == name


def test_an_odd_size_gets_chroma_of_full_size() -> None:
    assert encodable_format(encoder("libx264"), PIXEL_FORMATS["yuv420p"], 63, 48).name == "yuv444p"


@pytest.mark.parametrize(("name", "said"), [("libfoo", "no encoder called 'libfoo'"), ("aac", "aac encodes audio")])
def test_what_is_no_video_encoder_is_refused(name: str, said: str) -> None:
    with pytest.raises(OutputError, match=said):
        encoder(name)


@pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
def test_a_frame_is_wrapped_without_a_copy_and_released_when_ffmpeg_lets_go(pixel: str) -> None:
    format = FrameFormat(64, 48, PIXEL_FORMATS[pixel], Colour(1, False))
    packed = np.zeros(format.bytes, np.uint8)
    released: list[int] = []
    frame = Frame(format, format.split(packed), pts=3, duration=1, release=lambda: released.append(1))
    picture = wrapped(frame)
    packed[:] = 7
    assert set(bytes(picture.planes[0])) == {7}
    assert (picture.pts, picture.duration) == (3, 1)
    assert not released
    del picture
    gc.collect()
    assert released == [1]


PACKED = [(pixel.name, packing.name) for pixel in PIXEL_FORMATS.values() for packing in packings(pixel)]


@pytest.mark.parametrize(("pixel", "name"), PACKED)
@pytest.mark.parametrize("size", [(64, 48), (33, 17)], ids=["even", "odd"])
def test_packed_samples_are_the_same_and_the_frame_is_released_at_once(
    pixel: str, name: str, size: tuple[int, int]
) -> None:
    format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, False))
    released: list[int] = []
    frame = replace(noise(format), pts=3, duration=1, release=lambda: released.append(1))
    picture = wrapped(frame, name)
    assert released == [1]
    assert (picture.format.name, picture.pts, picture.duration) == (name, 3, 1)
    assert_same(frame, picture)


LOSSLESS = [
    ("libx264rgb", {"qp": "0"}, "gbrp"),
    ("libx265", {"x265-params": "lossless=1"}, "gbrp"),
    ("libx265", {"x265-params": "lossless=1"}, "gbrp12le"),
    ("libvpx-vp9", {"lossless": "1"}, "gbrp"),
    ("ffv1", {}, "gbrp"),
    ("ffv1", {}, "gbrp16le"),
    ("ffv1", {}, "yuv422p16le"),
    ("png", {}, "gbrp"),
    ("png", {}, "gbrp16le"),
    ("png", {}, "gray16le"),
]


@pytest.mark.parametrize(("codec", "options", "pixel"), LOSSLESS)
@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
def test_a_lossless_encoder_gives_all_samples_back(
    tmp_path: Path, codec: str, options: dict[str, str], pixel: str, full_range: bool
) -> None:
    format = FrameFormat(64, 48, PIXEL_FORMATS[pixel], Colour(1, full_range))
    assert encodable_format(encoder(codec), format.pixel, 64, 48) is format.pixel
    given = [noise(format, pts) for pts in range(3)]
    encoding = VideoEncoding(codec, format, Fraction(25), Fraction(1, 25), options=options)
    path = encoded(tmp_path / ("film.mov" if codec == "png" else "film.mkv"), encoding, given)
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        pictures = list(container.decode(stream))
        tags = int(stream.codec_context.colorspace), int(stream.codec_context.color_range)
    for frame, picture in zip(given, pictures, strict=True):
        assert_same(frame, picture)
    if format.pixel.rgb:
        assert tags == (0, 2)  # what H.273 and FFmpeg call RGB and full range


def noise(format: FrameFormat, pts: int = 0) -> Frame:
    rng = np.random.default_rng(pts)
    planes = [rng.integers(0, 1 << format.pixel.depth, shape, format.pixel.dtype) for shape in format.plane_shapes]
    return Frame(format, tuple(planes), pts, 1)


def assert_same(frame: Frame, picture: av.VideoFrame) -> None:
    """Unpacked by swscale; with one thread, as several may write into each other's rows."""
    unpacked = picture.reformat(format=frame.format.pixel.name, threads=1)
    for samples, plane in zip(frame.planes, unpacked.planes, strict=True):
        rows = np.frombuffer(plane, samples.dtype).reshape(plane.height, -1)  # type: ignore[call-overload]
        assert (rows[:, : plane.width] == samples).all()


def encoded(path: Path, encoding: VideoEncoding, frames: Sequence[Frame]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoding.codec, rate=encoding.rate)
        assert isinstance(stream.codec_context, av.VideoCodecContext)
        configure(stream.codec_context, encoding)
        one = Encoder(path, stream.codec_context, encoding.time_base)
        packets = [packet for frame in frames for packet in one.feed(frame)]
        for packet in [*packets, *one.finish()]:
            packet.stream = stream
            container.mux(packet)
    return path


@pytest.mark.parametrize("codec", ENCODERS)
def test_all_frames_are_released_once_the_encoder_is_flushed(codec: str) -> None:
    format = FrameFormat(64, 64, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    released: list[int] = []
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 64, 64, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    for index in range(30):
        planes = format.split(np.full(format.bytes, index * 8, np.uint8))
        frame = Frame(format, planes, pts=index, release=lambda index=index: released.append(index))
        context.encode(wrapped(frame))
    context.encode(None)
    del context, planes, frame
    gc.collect()
    assert sorted(released) == list(range(30))
