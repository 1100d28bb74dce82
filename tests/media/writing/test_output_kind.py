"""What a result is, by its name."""

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
def test_a_name_says_codec_and_format(name: str, codec: str, pixel: str) -> None:
    form = find_output_kind(Path(name), _format("yuv420p10le"))
    assert form is not None
    assert (form.codec, form.pixel.name) == (codec, pixel)


def test_containers_leave_the_choice(tmp_path: Path) -> None:
    assert find_output_kind(tmp_path / "a.mkv", _format("yuv420p")) is None
    assert not is_still_image(tmp_path / "a.mkv")
    assert not is_still_image(tmp_path / "a.gif")
    assert is_still_image(tmp_path / "a.webp")


@pytest.mark.parametrize(("name", "pixel"), [("a.apng", "gbrap"), ("a.png", "gbrap16le")])
def test_transparent_animations_have_the_depth_that_ffmpeg_can_read(name: str, pixel: str) -> None:
    form = find_output_kind(Path(name), _format("yuva444p12le"))
    assert form is not None
    assert form.pixel.name == pixel


def test_only_still_pictures_are_numbered() -> None:
    with pytest.raises(OutputError, match="only still images can be numbered"):
        find_output_kind(Path("%05d.gif"), _format("yuv420p"))


def test_a_film_may_be_called_like_a_pattern() -> None:
    assert find_output_kind(Path("film%03d.mkv"), _format("yuv420p")) is None


def test_pictures_say_what_their_samples_mean() -> None:
    source = FrameFormat(32, 24, PIXEL_FORMATS["gray10le"], Colour(1, False, 1, 1))
    png, jpeg = find_output_kind(Path("a.png"), source), find_output_kind(Path("a.jpg"), source)
    assert png is not None
    assert jpeg is not None
    assert (png.pixel.name, png.colour) == ("gray16le", Colour(1, True, 1, 1))
    assert jpeg.colour == Colour(5, True, 1, 1, Siting.CENTRE)


@pytest.mark.parametrize(
    ("pixel", "siting", "told"),
    [("yuv420p", "topleft", "topleft"), ("yuv420p", "bottom", "left"), ("yuv420p10le", "center", "left")],
)
def test_chroma_is_sited_where_y4m_can_say(pixel: str, siting: str, told: str) -> None:
    form = find_output_kind(Path("-"), replace(_format(pixel), colour=Colour(1, True, siting=Siting(siting))))
    assert form is not None
    assert form.colour == Colour(1, True, siting=Siting(told))


def test_rgb_becomes_y4m_of_limited_range() -> None:
    form = find_output_kind(Path("-"), replace(_format("gbrp"), colour=Colour(1, True)))
    assert form is not None
    assert not form.colour.full_range


def test_what_is_lost_is_noted(video: VideoInfo) -> None:
    deep = replace(video, format=_format("yuv420p10le"))
    jpeg = find_output_kind(Path("a.jpg"), deep.format)
    assert jpeg is not None
    assert jpeg.notes(deep) == ["jpg stores 8 of the source's 10 bits"]
    gif = find_output_kind(Path("a.gif"), video.format)
    assert gif is not None
    assert gif.notes(replace(video, rate=Fraction(60)))[1] == "browsers slow down a GIF of more than 50 frames/s"


def test_options_of_the_user_win_over_those_of_the_form(video: VideoInfo) -> None:
    form = find_output_kind(Path("a.webp"), video.format)
    assert form is not None
    encoding = form.encoding(video, 2, {"lossless": "0", "quality": "80"})
    assert encoding.options == {"lossless": "0", "quality": "80"}
    assert (encoding.format.width, encoding.format.height) == (128, 96)


def test_the_size_on_the_disk(video: VideoInfo) -> None:
    for name, least in (("a.png", 1), ("-", None)):
        form = find_output_kind(Path(name), video.format)
        assert form is not None
        size = form.estimated_bytes(form.encoding(video, 1, {}), 12)
        assert size is None if least is None else size > least
        assert form.estimated_bytes(form.encoding(video, 1, {}), None) is None


def test_one_picture_is_no_animated_png(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is an animation, and there is one frame; .*a\.png stores it"):
        check_output(tmp_path / "a.apng", (), 1, Fraction(25), overwrite=False)
    check_output(tmp_path / "a.apng", (), 2, Fraction(25), overwrite=False)


def test_results_do_not_lie_on_their_sources(tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path, [1, 2])
    with pytest.raises(OutputError, match="is the sequence that is read"):
        check_output(pattern, [tmp_path / "002.png"], 1, Fraction(25), overwrite=True)
    with pytest.raises(OutputError, match="2 images of this pattern exist"):
        check_output(pattern, [], 1, Fraction(25), overwrite=False)
    check_output(pattern, [], 1, Fraction(25), overwrite=True)
