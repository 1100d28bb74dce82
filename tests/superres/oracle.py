"""The oracle of sessions and kernels: the same conversions in float64, and the tolerance of the comparison."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour import alpha
from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.luma import to_luma, with_chroma
from pipeline.colour.resample import blend_with_source, resampled
from pipeline.frame import Frame, FrameFormat

# fp16 has 11 significant bits, too few for the levels of 12 or 16 bits near white. The matrix adds to the error.
FP16_TOLERANCE = {12: 3, 16: 48}
# The resampled tensor is rounded once more: emulated with NumPy, 12 bit is off by up to 4 levels on these frames.
FP16_TOLERANCE_RESAMPLED = {12: 5, 16: 80}
FP16_TOLERANCE_WITHOUT_MATRIX = {12: 1, 16: 16}


def saturated(format: FrameFormat, seed: int = 0) -> Frame:
    """A frame with flat fields, hard edges and noise over all code values in each plane."""
    rng = np.random.default_rng(seed)
    highest = (1 << format.pixel.depth) - 1
    planes = []
    for plane in format.split(np.empty(format.bytes, np.uint8)):
        rows, columns = plane.shape
        noise = rng.integers(0, highest + 1, plane.shape)
        blocks = np.kron(rng.choice([0, highest], (-(-rows // 8), -(-columns // 8))), np.ones((8, 8), int))
        image = np.where(np.arange(rows)[:, None] < rows // 2, noise, blocks[:rows, :columns])
        plane[:] = image.astype(plane.dtype) << format.pixel.shift
        planes.append(plane)
    return Frame(format, tuple(planes), pts=0)


def oracle(
    frame: Frame, output: FrameFormat, enlarge: int = 1, luma: bool = False, strength: float = 1.0
) -> tuple[NDArray[Any], ...]:
    """Convert a frame in float64, with a network of RGB or of luma that repeats each pixel `enlarge` times.

    Its output is blended with the resampled source at a `strength` below 1, and resampled to the size of `output`.
    """
    source = frame.format
    tensor = np.empty((1 if luma else 3, source.height, source.width))
    (to_luma if luma else to_rgb)(frame.planes, source, tensor)
    small, tensor = tensor, tensor.repeat(enlarge, axis=1).repeat(enlarge, axis=2)
    if strength < 1:
        blend_with_source(tensor, small, strength)
    rgb = np.empty((3, *tensor.shape[1:])) if luma else tensor
    if luma:
        with_chroma(tensor, frame.planes, source, rgb)
    planes = output.split(np.zeros(output.bytes, np.uint8))
    from_rgb(
        resampled(rgb, output.height, output.width), output, planes, dither=output.pixel.depth < source.pixel.depth
    )
    if output.pixel.alpha and source.pixel.alpha:
        alpha.enlarge(frame.planes[-1], source.pixel, output, planes[-1], np.float64)
    elif output.pixel.alpha:
        planes[-1].fill(alpha.opaque_value(output.pixel))
    return planes


def largest_difference(a: tuple[NDArray[Any], ...], b: tuple[NDArray[Any], ...], shift: int) -> int:
    """The largest difference between the samples of two frames, in levels."""
    return max(
        int(np.abs((x >> shift).astype(int) - (y >> shift).astype(int)).max()) for x, y in zip(a, b, strict=True)
    )


def tolerance(dtype: type[np.floating], format: FrameFormat, resampled: bool = False) -> int:
    """The largest allowed difference from float64, in levels, if the tensors have type `dtype`."""
    levels = FP16_TOLERANCE_RESAMPLED if resampled else FP16_TOLERANCE
    return levels.get(format.pixel.depth, 1) if dtype is np.float16 else 1
