"""Encoder keeps every sample and its meaning, and releases the frames that it was given."""

import gc
from collections.abc import Sequence
from contextlib import closing
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.media.av_frames import wrap_frame
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.encoding.encoder_context import configure, create_context, open_context
from pipeline.media.encoding.formats import encodable_format, find_encoder
from pipeline.media.encoding.video_encoding import VideoEncoding
from tests.frames import assert_same, format_of, noise

ENCODERS = ["libx264", "libx265", "libsvtav1", "ffv1"]
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
    ("ffv1", {}, "gbrap"),
    ("ffv1", {}, "gbrap12le"),
    ("ffv1", {}, "yuva420p10le"),
    ("ffv1", {}, "ya8"),
    ("qtrle", {}, "gbrp"),
    ("qtrle", {}, "gbrap"),
    ("png", {}, "gbrap"),
    ("png", {}, "gbrap16le"),
    ("png", {}, "ya8"),
    ("png", {}, "ya16le"),
    ("utvideo", {}, "gbrap"),
]
_SUFFIXES = {"png": ".mov", "qtrle": ".mov", "utvideo": ".nut"}


@pytest.mark.parametrize(("codec", "options", "pixel"), LOSSLESS)
@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
def test_a_lossless_encoder_keeps_every_sample(
    tmp_path: Path, codec: str, options: dict[str, str], pixel: str, full_range: bool
) -> None:
    format = format_of(pixel, full_range=full_range)
    assert encodable_format(find_encoder(codec), format.pixel, 64, 48) is format.pixel
    frames = [noise(format, pts) for pts in range(3)]
    encoding = VideoEncoding(codec, format, Fraction(25), Fraction(1, 25), options=options)
    path = encoded(tmp_path / f"film{_SUFFIXES.get(codec, '.mkv')}", encoding, frames)
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        decoded = list(container.decode(stream))
        tags = int(stream.codec_context.colorspace), int(stream.codec_context.color_range)
    for frame, av_frame in zip(frames, decoded, strict=True):
        assert_same(frame, av_frame)
    if format.pixel.rgb and codec in ("ffv1", "libx265", "libx264rgb", "libvpx-vp9"):
        assert tags == (0, 2)  # what H.273 and FFmpeg call RGB and full range


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
        frame = Frame(format, planes, pts=index, release=partial(released.append, index))
        context.encode(wrap_frame(frame))
    context.encode(None)
    del context, planes, frame
    gc.collect()
    assert sorted(released) == list(range(30))


def test_packets_of_other_streams_are_passed_along(tmp_path: Path) -> None:
    encoding = VideoEncoding("ffv1", format_of("yuv420p"), Fraction(25), Fraction(1, 25))
    context = create_context(encoding)
    open_context(context)
    packet = av.Packet(b"audio")
    with closing(Encoder(tmp_path, context, encoding.time_base)) as encoder:
        assert list(encoder.feed(packet)) == [packet]
        assert (encoder.frames, encoder.packets) == (0, 0)


def test_pts_are_shifted_by_a_constant(tmp_path: Path) -> None:
    encoding = VideoEncoding("ffv1", format_of("yuv420p"), Fraction(25), Fraction(1, 25))
    context = create_context(encoding)
    open_context(context)
    with closing(Encoder(tmp_path, context, encoding.time_base, shift=5)) as encoder:
        packets = [packet for pts in range(3) for packet in encoder.feed(noise(encoding.format, pts))]
        assert [packet.pts for packet in [*packets, *encoder.finish()]] == [5, 6, 7]
        assert (encoder.frames, encoder.started, encoder.packets) == (3, 3, 3)
