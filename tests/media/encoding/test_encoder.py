"""Frames to packets: no sample is lost, what they mean is said, and memory that is lent is given back."""

import gc
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, PixelFormat, Siting
from pipeline.media.av_frames import wrap_frame
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.encoding.encoder_context import configure, negotiate_format
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
def test_a_lossless_encoder_gives_all_samples_back(
    tmp_path: Path, codec: str, options: dict[str, str], pixel: str, full_range: bool
) -> None:
    format = format_of(pixel, full_range=full_range)
    assert encodable_format(find_encoder(codec), format.pixel, 64, 48) is format.pixel
    given = [noise(format, pts) for pts in range(3)]
    encoding = VideoEncoding(codec, format, Fraction(25), Fraction(1, 25), options=options)
    path = encoded(tmp_path / f"film{_SUFFIXES.get(codec, '.mkv')}", encoding, given)
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        pictures = list(container.decode(stream))
        tags = int(stream.codec_context.colorspace), int(stream.codec_context.color_range)
    for frame, picture in zip(given, pictures, strict=True):
        assert_same(frame, picture)
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
        frame = Frame(format, planes, pts=index, release=lambda index=index: released.append(index))
        context.encode(wrap_frame(frame))
    context.encode(None)
    del context, planes, frame
    gc.collect()
    assert sorted(released) == list(range(30))


class TestWhatTheSamplesOfAResultMean:
    def made(self, codec: str, pixel: PixelFormat, was_rgb: bool = False, full_range: bool = False) -> Colour:
        source = FrameFormat(64, 48, pixel, Colour(9, full_range, 9, 16, Siting.TOP_LEFT))
        return negotiate_format(
            VideoEncoding(codec, source, Fraction(25), Fraction(1, 25)), was_rgb=was_rgb
        ).format.colour

    @pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "ffv1", "prores_ks"])
    @pytest.mark.parametrize("full_range", [False, True])
    def test_is_what_those_of_the_source_do(self, codec: str, full_range: bool) -> None:
        colour = self.made(codec, PIXEL_FORMATS["yuv420p10le"], full_range=full_range)
        assert colour == Colour(9, full_range, 9, 16, Siting.TOP_LEFT)

    def test_rgb_becomes_yuv_of_limited_range_which_all_players_take_for_granted(self) -> None:
        assert not self.made("libx264", PIXEL_FORMATS["gbrp"], was_rgb=True, full_range=True).full_range
        assert self.made("libx264", PIXEL_FORMATS["yuv444p"], full_range=True).full_range

    def test_motion_jpeg_is_as_jfif_has_it(self) -> None:
        colour = self.made("mjpeg", PIXEL_FORMATS["yuv420p"])
        assert (colour.matrix, colour.full_range, colour.siting) == (5, True, Siting.CENTRE)


def test_a_format_that_was_chosen_is_kept_at_an_odd_size_by_padding() -> None:
    wanted = VideoEncoding("libx264", format_of("yuv420p", (63, 47)), Fraction(25), Fraction(1, 25))
    assert str(negotiate_format(wanted).format) == "63x47 yuv444p"
    assert str(negotiate_format(wanted, exactly=True).format) == "64x48 yuv420p"


def test_vp8_takes_alpha_without_being_told_how() -> None:
    context = av.CodecContext.create("libvpx", "w")
    assert isinstance(context, av.VideoCodecContext)
    configure(context, VideoEncoding("libvpx", format_of("yuva420p"), Fraction(25), Fraction(1, 25)))
    context.open()
    assert context.pix_fmt == "yuva420p"
