"""Frames full of noise, and the samples of what PyAV gives."""

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Plane

Size = tuple[int, int]


def format_of(pixel: str, size: Size = (64, 48), full_range: bool = False) -> FrameFormat:
    """Frames of BT.709 in FFmpeg's format `pixel`."""
    return FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, full_range))


def noise(format: FrameFormat, pts: int = 0) -> Frame:
    """A frame of any values, the same for each `pts`."""
    rng = np.random.default_rng(pts)
    planes = [rng.integers(0, 1 << format.pixel.depth, shape, format.pixel.dtype) for shape in format.plane_shapes]
    return Frame(format, tuple(planes), pts, 1)


def planes_of(picture: av.VideoFrame, dtype: Any) -> list[NDArray[Any]]:
    """The samples of each plane of `picture`, as they lie in a row."""
    lines = [np.frombuffer(plane, np.uint8).reshape(plane.height, -1) for plane in picture.planes]  # type: ignore[call-overload]
    return [line.view(dtype)[:, : plane.width] for line, plane in zip(lines, picture.planes, strict=True)]


def unpacked(picture: av.VideoFrame, format: FrameFormat) -> list[Plane]:
    """The planes of `picture` as swscale makes them; with one thread, as several may write into each other's rows."""
    gray = format.pixel.alpha and not format.pixel.chroma  # which swscale has in no planes of its own
    name = format.pixel.name.replace("ya8", "gbrap").replace("ya16le", "gbrap16le")
    planes = planes_of(picture.reformat(format=name, threads=1), format.pixel.dtype)
    return [planes[0], planes[3]] if gray else planes


def assert_same(frame: Frame, picture: av.VideoFrame) -> None:
    """`picture` holds the samples of `frame`, packed or not."""
    for samples, there in zip(frame.planes, unpacked(picture, frame.format), strict=True):
        assert (there == samples).all()
