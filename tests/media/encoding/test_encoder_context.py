"""Encoders are configured for the format and colour of their frames, and get the nearest format that they accept."""

import os
import sys
from dataclasses import replace
from fractions import Fraction

import av
import pytest

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, PixelFormat, Siting
from pipeline.media.encoding.encoder_context import create_context, negotiate_format, open_context, probe_encoder
from pipeline.media.encoding.video_encoding import VideoEncoding
from tests.frames import Size, format_of
from tests.platforms import IS_ROOT


def encoding_of(codec: str, pixel: str = "yuv420p", size: Size = (64, 48), **options: str) -> VideoEncoding:
    return VideoEncoding(codec, format_of(pixel, size), Fraction(25), Fraction(1, 25), options=options)


def negotiated_colour(codec: str, pixel: PixelFormat, was_rgb: bool = False, full_range: bool = False) -> Colour:
    source = FrameFormat(64, 48, pixel, Colour(9, full_range, 9, 16, Siting.TOP_LEFT))
    encoding = VideoEncoding(codec, source, Fraction(25), Fraction(1, 25))
    return negotiate_format(encoding, was_rgb=was_rgb).format.colour


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "ffv1", "prores_ks"])
@pytest.mark.parametrize("full_range", [False, True])
def test_negotiation_keeps_the_colour_of_the_source(codec: str, full_range: bool) -> None:
    colour = negotiated_colour(codec, PIXEL_FORMATS["yuv420p10le"], full_range=full_range)
    assert colour == Colour(9, full_range, 9, 16, Siting.TOP_LEFT)


def test_rgb_becomes_yuv_of_limited_range_which_all_players_assume() -> None:
    assert not negotiated_colour("libx264", PIXEL_FORMATS["gbrp"], was_rgb=True, full_range=True).full_range
    assert negotiated_colour("libx264", PIXEL_FORMATS["yuv444p"], full_range=True).full_range


def test_motion_jpeg_gets_the_colour_of_jfif() -> None:
    colour = negotiated_colour("mjpeg", PIXEL_FORMATS["yuv420p"])
    assert (colour.matrix, colour.full_range, colour.siting) == (5, True, Siting.CENTRE)


def test_an_odd_size_is_padded_only_where_the_format_must_stay() -> None:
    wanted = encoding_of("libx264", size=(63, 47))
    assert str(negotiate_format(wanted).format) == "63x47 yuv444p"
    assert str(negotiate_format(wanted, exactly=True).format) == "64x48 yuv420p"


def test_a_format_that_the_encoder_lacks_at_any_size_is_refused() -> None:
    with pytest.raises(OutputError, match="libx264 supports no pixel format near 64x48 gbrp"):
        negotiate_format(encoding_of("libx264", "gbrp"), exactly=True)


def test_vp8_accepts_alpha_with_the_options_of_its_row() -> None:
    context = create_context(encoding_of("libvpx", "yuva420p"))
    context.open()
    assert context.pix_fmt == "yuva420p"


def test_probing_returns_the_reason_of_a_failure() -> None:
    assert probe_encoder(encoding_of("libx264")) is None
    assert probe_encoder(encoding_of("libx264", preset="none-such"))


@pytest.mark.parametrize(("tune", "thread_type"), [("film", "FRAME"), ("zerolatency", "SLICE")])
def test_x264_has_frame_threads_unless_it_may_not_delay(tune: str, thread_type: str) -> None:
    assert create_context(encoding_of("libx264", tune=tune)).thread_type.name == thread_type


def test_parallel_encoders_have_closed_gops_and_a_share_of_the_threads() -> None:
    encoding = replace(encoding_of("libx265"), encoders=3, gop=24, threads=4)
    context = create_context(encoding)
    assert (context.gop_size, context.thread_count) == (24, 4)
    assert context.options["x265-params"] == "open-gop=0:pools=4:log-level=error"


def test_private_parameters_of_the_user_precede_those_that_are_always_needed() -> None:
    encoding = replace(encoding_of("libx265"), options={"x265-params": "aq-mode=1"})
    assert create_context(encoding).options["x265-params"] == "aq-mode=1:log-level=error"


def test_colour_tags_are_those_of_the_format() -> None:
    colour = Colour(9, True, 9, 16, Siting.TOP_LEFT)
    format = FrameFormat(64, 48, PIXEL_FORMATS["yuv420p10le"], colour)
    context = create_context(VideoEncoding("libx265", format, Fraction(25), Fraction(1, 25)))
    assert isinstance(context, av.VideoCodecContext)
    assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (9, 9, 16, 2)
    assert context.options["chroma_sample_location"] == "topleft"


@pytest.mark.skipif(sys.platform != "linux" or not IS_ROOT, reason="SVT-AV1 is real-time for root on Linux")
@pytest.mark.parametrize("codec", ["libsvtav1", "libx264", "libx265", "libvpx-vp9"])
def test_opening_an_encoder_leaves_all_threads_at_their_scheduling_policy(codec: str) -> None:
    def policies() -> set[int]:
        return {os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")}

    before = policies()
    context = create_context(encoding_of(codec, size=(256, 144)))
    open_context(context)
    assert policies() == before
    context.encode(None)
    assert probe_encoder(encoding_of(codec)) is None
    assert policies() == before
