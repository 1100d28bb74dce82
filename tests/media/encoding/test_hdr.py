"""Encoders write static HDR metadata into the bitstream, each by its own parameters."""

from fractions import Fraction

import av
import pytest

from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.media.encoding.encoder_context import create_context
from pipeline.media.encoding.hdr import hdr_parameters
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.hdr import Hdr, read_hdr
from tests import hdr_clips

FORMAT = FrameFormat(64, 64, PIXEL_FORMATS["yuv420p10le"], Colour(9, False, 9, hdr_clips.PQ))
DECODERS = {"libx264": "h264", "libx265": "hevc", "libsvtav1": "libdav1d"}


def _coded(codec: str, hdr: Hdr | None, options: dict[str, str] | None = None) -> Hdr | None:
    """The HDR metadata of the first frame of a bare stream, without a container."""
    encoding = VideoEncoding(codec, FORMAT, Fraction(25), Fraction(1, 25), options=options or {}, hdr=hdr)
    context = create_context(encoding)
    frame = av.VideoFrame(64, 64, "yuv420p10le")
    for plane in frame.planes:
        plane.update(bytes([0, 2]) * (plane.buffer_size // 2))
    frame.pts = 0
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    packets = [*context.encode(frame), *context.encode(None)]
    frames = [decoded for packet in [*packets, None] for decoded in decoder.decode(packet)]
    return read_hdr(frames[0])


@pytest.mark.parametrize("codec", DECODERS)
def test_the_bitstream_has_the_mastering_display_and_light_levels(codec: str) -> None:
    hdr = _coded(codec, hdr_clips.GRADED)
    assert hdr is not None
    assert hdr.primaries is not None
    assert hdr.luminance is not None
    assert hdr_clips.GRADED.luminance is not None
    assert hdr.light == hdr_clips.GRADED.light
    for actual, expected in zip(sum(hdr.primaries, ()), sum(hdr_clips.DISPLAY_P3, ()), strict=True):
        assert abs(actual - expected) <= Fraction(1, 50_000)
    assert abs(hdr.luminance[0] - hdr_clips.GRADED.luminance[0]) <= Fraction(1, 16_384)
    assert abs(hdr.luminance[1] - hdr_clips.GRADED.luminance[1]) <= Fraction(1, 256)


@pytest.mark.parametrize("codec", DECODERS)
def test_light_levels_are_written_without_a_mastering_display(codec: str) -> None:
    assert _coded(codec, Hdr(light=(1200, 300))) == Hdr(light=(1200, 300))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_primaries_without_luminance_are_not_written(codec: str) -> None:
    assert _coded(codec, Hdr(primaries=hdr_clips.DISPLAY_P3)) is None


def test_parameters_of_the_user_override_the_metadata() -> None:
    hdr = _coded("libx264", Hdr(light=(1200, 300)), {"x264-params": "cll=555,44"})
    assert hdr == Hdr(light=(555, 44))


@pytest.mark.parametrize("codec", ["ffv1", "prores_ks", "libvpx-vp9", "hevc_nvenc"])
def test_other_encoders_write_no_metadata(codec: str) -> None:
    assert hdr_parameters(codec, hdr_clips.GRADED) == []


def test_each_encoder_gets_values_in_its_own_units() -> None:
    hdr = Hdr(hdr_clips.DISPLAY_P3, (Fraction(1, 10_000), Fraction(4000)))
    counted = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,1)"
    assert hdr_parameters("libx265", hdr) == [f"master-display={counted}"]
    assert hdr_parameters("libx264", hdr) == [f"mastering-display={counted}"]
    (plain,) = hdr_parameters("libsvtav1", hdr)
    assert plain.startswith("mastering-display=G(0.2650000,0.6900000)B(0.1500000,0.0600000)")
    assert plain.endswith("L(4000.0000000,0.0001000)")


def test_primaries_without_luminance_make_no_parameter() -> None:
    assert hdr_parameters("libx265", Hdr(primaries=hdr_clips.DISPLAY_P3)) == []
