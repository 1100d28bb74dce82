"""The kind of output that a file name means."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Siting
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe
from pipeline.media.writing.output_kind import check_output, find_output_kind, is_still_image
from tests import images


def _format(pixel: str) -> FrameFormat:
    return FrameFormat(32, 24, PIXEL_FORMATS[pixel], Colour(1, False))


@pytest.fixture
def video(clip: Path) -> VideoInfo:
    return probe(clip).video


@pytest.mark.parametrize(
    ("name", "codec", "pixel"),
    [
        ("a.png", "png", "gbrp16le"),
        ("A.PNG", "png", "gbrp16le"),
        ("%05d.jpeg", "mjpeg", "yuv444p"),
        ("a.gif", "gif", "gbrp"),
        ("a.apng", "apng", "gbrp16le"),
        ("-", "wrapped_avframe", "yuv420p10le"),
    ],
)
def test_the_name_decides_codec_and_format(name: str, codec: str, pixel: str) -> None:
    kind = find_output_kind(Path(name), _format("yuv420p10le"))
    assert kind is not None
    assert (kind.codec, kind.pixel.name) == (codec, pixel)


def test_a_container_is_no_fixed_kind(tmp_path: Path) -> None:
    assert find_output_kind(tmp_path / "a.mkv", _format("yuv420p")) is None
    assert not is_still_image(tmp_path / "a.mkv")
    assert not is_still_image(tmp_path / "a.gif")
    assert is_still_image(tmp_path / "a.webp")


@pytest.mark.parametrize(("name", "pixel"), [("a.apng", "gbrap"), ("a.png", "gbrap16le")])
def test_transparent_images_have_the_depth_that_ffmpeg_can_read(name: str, pixel: str) -> None:
    kind = find_output_kind(Path(name), _format("yuva444p12le"))
    assert kind is not None
    assert kind.pixel.name == pixel


def test_only_still_images_are_numbered() -> None:
    with pytest.raises(OutputError, match="only still images can be numbered"):
        find_output_kind(Path("%05d.gif"), _format("yuv420p"))


def test_a_video_may_have_a_name_like_a_pattern() -> None:
    assert find_output_kind(Path("film%03d.mkv"), _format("yuv420p")) is None


def test_images_have_the_colours_that_their_format_supports() -> None:
    source = FrameFormat(32, 24, PIXEL_FORMATS["gray10le"], Colour(1, False, 1, 1))
    png, jpeg = find_output_kind(Path("a.png"), source), find_output_kind(Path("a.jpg"), source)
    assert png is not None
    assert jpeg is not None
    assert (png.pixel.name, png.colour) == ("gray16le", Colour(1, True, 1, 1))
    assert jpeg.colour == Colour(5, True, 1, 1, Siting.CENTRE)


@pytest.mark.parametrize(
    ("pixel", "siting", "supported"),
    [("yuv420p", "topleft", "topleft"), ("yuv420p", "bottom", "left"), ("yuv420p10le", "center", "left")],
)
def test_chroma_is_moved_to_a_siting_that_y4m_supports(pixel: str, siting: str, supported: str) -> None:
    kind = find_output_kind(Path("-"), replace(_format(pixel), colour=Colour(1, True, siting=Siting(siting))))
    assert kind is not None
    assert kind.colour == Colour(1, True, siting=Siting(supported))


def test_rgb_becomes_y4m_of_limited_range() -> None:
    kind = find_output_kind(Path("-"), replace(_format("gbrp"), colour=Colour(1, True)))
    assert kind is not None
    assert not kind.colour.full_range


def test_properties_that_are_lost_are_noted(video: VideoInfo) -> None:
    deep = replace(video, format=_format("yuv420p10le"))
    jpeg = find_output_kind(Path("a.jpg"), deep.format)
    assert jpeg is not None
    assert jpeg.notes(deep) == ["jpg stores 8 of the source's 10 bits"]
    gif = find_output_kind(Path("a.gif"), video.format)
    assert gif is not None
    assert gif.notes(replace(video, rate=Fraction(60)))[1] == "browsers slow down a GIF of more than 50 frames/s"


def test_options_of_the_user_override_those_of_the_kind(video: VideoInfo) -> None:
    kind = find_output_kind(Path("a.webp"), video.format)
    assert kind is not None
    encoding = kind.encoding(replace(video, format=video.format.enlarged(2)), {"lossless": "0", "quality": "80"})
    assert encoding.options == {"lossless": "0", "quality": "80"}
    assert (encoding.format.width, encoding.format.height) == (128, 96)


def test_the_size_is_estimated_where_the_number_of_frames_is_known(video: VideoInfo) -> None:
    for name, is_file in (("a.png", True), ("-", False)):
        kind = find_output_kind(Path(name), video.format)
        assert kind is not None
        size = kind.estimated_bytes(kind.encoding(video, {}), 12)
        assert (size is not None and size > 0) is is_file
        assert kind.estimated_bytes(kind.encoding(video, {}), None) is None


def test_a_single_frame_is_no_animation(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is an animation, and there is one frame; .*a\.png stores it"):
        check_output(tmp_path / "a.apng", (), 1, Fraction(25), overwrite=False)
    check_output(tmp_path / "a.apng", (), 2, Fraction(25), overwrite=False)


def test_images_may_not_replace_those_of_the_source(tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path, [1, 2])
    with pytest.raises(OutputError, match="is the sequence that is read"):
        check_output(pattern, [tmp_path / "002.png"], 1, Fraction(25), overwrite=True)
    with pytest.raises(OutputError, match="2 images of this pattern exist"):
        check_output(pattern, [], 1, Fraction(25), overwrite=False)
    check_output(pattern, [], 1, Fraction(25), overwrite=True)
