"""The stream of the upscaled video is added with its tags, and its encoder refuses what it does not support."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.media.encoding.dts import RetimedEncoder
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.encoding.gif import GifEncoder
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.writing.video_stream import add_video_stream, create_encoder, open_encoder

FORMAT = FrameFormat(64, 48, PIXEL_FORMATS["yuv420p"], Colour(1, False))


def encoding(codec: str, options: dict[str, str] | None = None) -> VideoEncoding:
    return VideoEncoding(codec, FORMAT, Fraction(25), Fraction(1, 25), options=options or {})


def test_an_unsupported_codec_is_an_error_that_says_what_to_do(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.webm"
    message = r'webm does not support h264: `codec="auto"` chooses one'
    with av.open(str(clip)) as source, av.open(str(path), "w") as container, pytest.raises(OutputError, match=message):
        add_video_stream(container, path, encoding("libx264"), source.streams.video[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nonsense": "1"}, "libx264 has no option nonsense: `ffmpeg -h encoder=libx264`"),
        ({"preset": "nonsense"}, r"libx264 refuses its options \(preset=nonsense\) at 64x48 yuv420p"),
    ],
)
def test_unknown_options_and_values_are_errors(
    clip: Path, tmp_path: Path, options: dict[str, str], message: str
) -> None:
    path = tmp_path / "out.mkv"
    with av.open(str(clip)) as source, av.open(str(path), "w") as container:
        stream, dropped = add_video_stream(container, path, encoding("libx264", options), source.streams.video[0])
        assert dropped == []
        with pytest.raises(OutputError, match=message):
            open_encoder(stream, encoding("libx264", options))


@pytest.mark.parametrize(("codec", "kind"), [("libx264", Encoder), ("libx265", RetimedEncoder), ("gif", GifEncoder)])
def test_the_stage_suits_the_encoder(codec: str, kind: type) -> None:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    assert type(create_encoder(Path("out.mkv"), context, encoding(codec), Fraction(1, 25), 0)) is kind
