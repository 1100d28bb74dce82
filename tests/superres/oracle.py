"""The truth that sessions and kernels are held against: the same conversions in float64, and how near to it is near."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour import alpha
from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.luma import to_luma, with_chroma
from pipeline.frame import Frame, FrameFormat

# fp16 has 11 bits: a level of 12 bits or 16 is finer than it can tell at the bright end. The matrix adds to that.
LEVELS_OF_HALF = {12: 3, 16: 48}
LEVELS_OF_HALF_WITHOUT_MATRIX = {12: 1, 16: 16}


def saturated(format: FrameFormat, seed: int = 0) -> Frame:
    """A frame of every code value, flat fields, hard edges and noise in each plane."""
    rng = np.random.default_rng(seed)
    highest = (1 << format.pixel.depth) - 1
    planes = []
    for plane in format.split(np.empty(format.bytes, np.uint8)):
        rows, columns = plane.shape
        noise = rng.integers(0, highest + 1, plane.shape)
        blocks = np.kron(rng.choice([0, highest], (-(-rows // 8), -(-columns // 8))), np.ones((8, 8), int))
        picture = np.where(np.arange(rows)[:, None] < rows // 2, noise, blocks[:rows, :columns])
        plane[:] = picture.astype(plane.dtype) << format.pixel.shift
        planes.append(plane)
    return Frame(format, tuple(planes), pts=0)


def oracle(frame: Frame, result: FrameFormat, enlarge: int = 1, luma: bool = False) -> tuple[NDArray[Any], ...]:
    """The same conversion in float64, around a network that repeats each pixel `enlarge` times: of RGB or of luma."""
    source = frame.format
    tensor = np.empty((1 if luma else 3, source.height, source.width))
    (to_luma if luma else to_rgb)(frame.planes, source, tensor)
    tensor = tensor.repeat(enlarge, axis=1).repeat(enlarge, axis=2)
    rgb = np.empty((3, *tensor.shape[1:])) if luma else tensor
    if luma:
        with_chroma(tensor, frame.planes, source, rgb)
    planes = result.split(np.zeros(result.bytes, np.uint8))
    from_rgb(rgb, result, planes, dither=result.pixel.depth < source.pixel.depth)
    if result.pixel.alpha and source.pixel.alpha:
        alpha.enlarge(frame.planes[-1], source.pixel, result, planes[-1], np.float64)
    elif result.pixel.alpha:
        planes[-1].fill(alpha.opaque_value(result.pixel))
    return planes


def worst(a: tuple[NDArray[Any], ...], b: tuple[NDArray[Any], ...], shift: int) -> int:
    """The largest difference of two frames' samples, in levels."""
    return max(
        int(np.abs((x >> shift).astype(int) - (y >> shift).astype(int)).max()) for x, y in zip(a, b, strict=True)
    )


def levels(dtype: type[np.floating], format: FrameFormat) -> int:
    """How far samples may lie from those of float64, where the network's tensors are of `dtype`."""
    return LEVELS_OF_HALF.get(format.pixel.depth, 1) if dtype is np.float16 else 1
