"""Frames to packets: formats that encoders take, memory that is lent and given back."""

import gc
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.media.encode import encodable_format, encoder, wrapped

ENCODERS = ["libx264", "libx265", "libsvtav1", "ffv1"]


@given(
    name=st.sampled_from(ENCODERS),
    pixel=st.sampled_from(list(PIXEL_FORMATS.values())),
    width=st.integers(16, 400),
    height=st.integers(16, 400),
)
def test_a_format_is_found_that_the_encoder_takes(name: str, pixel: object, width: int, height: int) -> None:
    codec = encoder(name)
    if name == "libsvtav1" and (width % 2 or height % 2):
        return  # it takes 4:2:0 only
    found = encodable_format(codec, pixel, width, height)  # type: ignore[arg-type]
    assert found.name in {f.name for f in codec.video_formats or ()}
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
    ],
)
def test_otherwise_depth_is_kept_first_and_then_chroma(codec: str, given_format: str, found: str) -> None:
    assert encodable_format(encoder(codec), PIXEL_FORMATS[given_format], 64, 48).name == found


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
