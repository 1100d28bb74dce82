from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, PixelFormat, Siting
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.encoding.encoder_context import configure
from pipeline.media.encoding.formats import encodable_format
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.probe import probe
from pipeline.media.writing.colour_tags import nearest_supported_colour, representable_colour

RATE, TICK = Fraction(25), Fraction(1, 25)
COLOURS = {
    "full": Colour(1, True, 1, 1, Siting.CENTRE),
    "standard": Colour(5, False, 5, 6, Siting.TOP_LEFT),
    "wide": Colour(9, False, 9, 16),
}
HELD = {
    ".mkv": "libx264 libx265 libsvtav1 libvpx-vp9 libvpx ffv1 prores_ks mpeg2video mpeg4 mjpeg".split(),
    ".webm": ["libsvtav1", "libvpx-vp9", "libvpx"],
    ".mp4": "libx264 libx265 libsvtav1 libvpx-vp9 ffv1 mpeg2video mpeg4 mjpeg".split(),
    ".mov": "libx264 libx265 prores_ks dnxhd cfhd mpeg2video mpeg4 mjpeg".split(),
    ".ts": ["libx264", "libx265"],
}
PLACES = [(codec, suffix) for suffix, codecs in HELD.items() for codec in codecs]
OPTIONS = {
    "libx265": {"x265-params": "bframes=0"},  # whose decoding times x265 leaves to chance in short clips
    "libsvtav1": {"preset": "10"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"},
    "dnxhd": {"profile": "dnxhr_hq"},
}
PIXELS = {"dnxhd": "yuv422p"}

colours = st.builds(
    Colour, st.sampled_from((1, 5, 6, 7, 9)), st.booleans(), siting=st.sampled_from([s for s in Siting if s.coded == s])
)
pixels = st.sampled_from(list(PIXEL_FORMATS.values()))
codecs = st.sampled_from("h264 hevc av1 vp8 vp9 ffv1 prores mpeg2video mjpeg dnxhd".split())
targets = st.sampled_from([Path(f"film{suffix}") for suffix in (*HELD, ".nut", ".m4v", ".MKV")])


def _encoding(codec: str, colour: Colour) -> VideoEncoding:
    wanted = PIXEL_FORMATS[PIXELS.get(codec, "yuv420p")]
    pixel = encodable_format(av.Codec(codec, "w"), wanted, 256, 128)
    return VideoEncoding(codec, FrameFormat(256, 128, pixel, colour), RATE, TICK, options=OPTIONS.get(codec, {}))


def _read_back(path: Path, encoding: VideoEncoding) -> Colour:
    """Write some gray frames, and return the colour that they are tagged with."""
    format = encoding.format
    grey = np.zeros(format.bytes, np.uint8)
    grey.view(format.pixel.dtype)[:] = 1 << (format.pixel.depth - 1)
    with av.open(str(path), "w") as container:
        video = container.add_stream(encoding.codec, rate=RATE)
        assert isinstance(video, av.VideoStream)
        configure(video.codec_context, encoding)
        video.time_base = TICK
        encoder = Encoder(path, video.codec_context, TICK)
        frames = [Frame(format, format.split(grey), index) for index in range(5)]
        for packet in [*(packet for frame in frames for packet in encoder.feed(frame)), *encoder.finish()]:
            packet.stream = video
            container.mux(packet)
    return probe(path).video.format.colour


@pytest.mark.parametrize(("codec", "suffix"), PLACES)
@pytest.mark.parametrize("name", COLOURS)
def test_the_representable_colour_is_read_back(tmp_path: Path, codec: str, suffix: str, name: str) -> None:
    path = tmp_path / f"film{suffix}"
    encoding, _ = representable_colour(_encoding(codec, COLOURS[name]), path)
    assert _read_back(path, encoding) == encoding.format.colour


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("suffix", HELD)
@pytest.mark.parametrize("colour", COLOURS.values(), ids=COLOURS)
def test_h264_and_h265_support_every_colour_in_every_container(codec: str, suffix: str, colour: Colour) -> None:
    encoding = _encoding(codec, colour)
    assert representable_colour(encoding, Path(f"film{suffix}")) == (encoding, None)


@pytest.mark.parametrize(
    ("codec", "suffix", "note"),
    [
        (
            "prores_ks",
            ".mov",
            "prores_ks in .mov does not support full range: samples are converted, and look the same",
        ),
        ("mpeg4", ".mov", "mpeg4 in .mov does not support full range: samples are converted, and look the same"),
        ("mpeg4", ".mp4", None),
        ("libvpx-vp9", ".webm", None),
        (
            "libvpx",
            ".webm",
            "libvpx in .webm does not support full range or matrices other than BT.601's: samples are converted, and "
            "look the same",
        ),
    ],
)
def test_a_note_names_what_is_converted(codec: str, suffix: str, note: str | None) -> None:
    assert representable_colour(_encoding(codec, COLOURS["full"]), Path(f"film{suffix}"))[1] == note


def test_vp9_does_not_support_the_fcc_matrix() -> None:
    encoding, note = representable_colour(_encoding("libvpx-vp9", Colour(4, False)), Path("film.webm"))
    assert encoding.format.colour.matrix == 5
    assert note == "libvpx-vp9 in .webm does not support the FCC matrix: samples are converted, and look the same"
    assert representable_colour(_encoding("libx264", Colour(4, False)), Path("film.mkv"))[1] is None


def test_chroma_is_moved_where_its_location_is_not_supported() -> None:
    centred, pixel = COLOURS["full"], PIXEL_FORMATS["yuv420p"]
    places = {
        ("ffv1", "film.mp4"): Siting.LEFT,
        ("av1", "film.mp4"): Siting.LEFT,
        ("mjpeg", "film.mov"): Siting.CENTRE,
        ("ffv1", "film.mkv"): Siting.CENTRE,
    }
    assert {
        (codec, name): nearest_supported_colour(centred, pixel, codec, Path(name)).siting for codec, name in places
    } == places


@given(colours, pixels, codecs, targets)
def test_a_supported_colour_is_unchanged(colour: Colour, pixel: PixelFormat, codec: str, target: Path) -> None:
    supported = nearest_supported_colour(colour, pixel, codec, target)
    assert nearest_supported_colour(supported, pixel, codec, target) == supported
    assert (supported.primaries, supported.transfer) == (colour.primaries, colour.transfer)


@pytest.mark.parametrize(
    ("codec", "suffix", "is_noted"), [("ffv1", "nut", True), ("ffv1", "mkv", False), ("libx264", "flv", False)]
)
def test_missing_colour_tags_are_noted(codec: str, suffix: str, is_noted: bool) -> None:
    _, note = representable_colour(_encoding(codec, COLOURS["standard"]), Path(f"film.{suffix}"))
    assert ("has no colour tags" in (note or "")) is is_noted
