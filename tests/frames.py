"""Makes frames of noise, and reads the samples of PyAV's frames."""

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Plane

Size = tuple[int, int]


def format_of(pixel: str, size: Size = (64, 48), full_range: bool = False) -> FrameFormat:
    """Returns the format of BT.709 frames in FFmpeg's pixel format `pixel`."""
    return FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, full_range))


def noise(format: FrameFormat, pts: int = 0) -> Frame:
    """Returns a frame of random values, the same for each `pts`."""
    rng = np.random.default_rng(pts)
    planes = [rng.integers(0, 1 << format.pixel.depth, shape, format.pixel.dtype) for shape in format.plane_shapes]
    return Frame(format, tuple(planes), pts, 1)


def planes_of(av_frame: av.VideoFrame, dtype: Any) -> list[NDArray[Any]]:
    """Returns the samples of each plane of `av_frame`, in memory order."""
    lines = [np.frombuffer(plane, np.uint8).reshape(plane.height, -1) for plane in av_frame.planes]  # type: ignore[call-overload]
    return [line.view(dtype)[:, : plane.width] for line, plane in zip(lines, av_frame.planes, strict=True)]


def unpacked(av_frame: av.VideoFrame, format: FrameFormat) -> list[Plane]:
    """Converts `av_frame` to planes by swscale; with one thread, as several may overwrite each other's rows."""
    gray = format.pixel.alpha and not format.pixel.chroma  # which swscale has in no planes of its own
    name = format.pixel.name.replace("ya8", "gbrap").replace("ya16le", "gbrap16le")
    planes = planes_of(av_frame.reformat(format=name, threads=1), format.pixel.dtype)
    return [planes[0], planes[3]] if gray else planes


def assert_same(frame: Frame, av_frame: av.VideoFrame) -> None:
    """Asserts that `av_frame` has the samples of `frame`, packed or not."""
    for samples, actual in zip(frame.planes, unpacked(av_frame, frame.format), strict=True):
        assert (actual == samples).all()
