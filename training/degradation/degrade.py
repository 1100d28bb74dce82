"""Turns a moving crop of a picture into a pair of frames: the decoded small one, and the large one of that moment."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.colour.resample import resample_axis
from training.degradation.codec import frame_of, planes_of, recode
from training.degradation.colour import Planes, to_image, to_planes
from training.degradation.motion import moving_crop
from training.degradation.recipe import Degradation

SCALE = 2
"""Size of the large frame / size of the small one."""


def degraded_pair(
    picture: NDArray[np.uint8],
    corner: tuple[int, int],
    size: tuple[int, int],
    degradation: Degradation,
    generator: Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A frame amid a degraded clip, and the large frame of the same moment.

    Both have passed through limited-range 4:2:0 with one matrix and were converted to R'G'B' as uprez converts.

    Args:
        picture: R'G'B', (H, W, 3) uint8.
        corner: (y, x) of the large frame in the picture.
        size: Height and width of the small frame, even.
        degradation: What happens to the clip.
        generator: Source of the noise.

    Returns:
        (3, height, width) and (3, 2 height, 2 width) uint8.
    """
    height, width = size
    large_size = (SCALE * height, SCALE * width)
    crops = moving_crop(picture, corner, large_size, degradation.motion)
    large = [to_planes(crop, degradation.matrix) for crop in crops]
    small = [_degraded(halved(planes, degradation.resampler), degradation, generator) for planes in large]
    decoded = recode(small, degradation.encoding)
    target = degradation.motion.target
    return to_image(decoded[target], degradation.matrix), to_image(large[target], degradation.matrix)


def halved(planes: Planes, resampler: str) -> Planes:
    """Halve a 4:2:0 frame: luma with one of swscale's filters, by FFmpeg's name in capitals, chroma by bicubic.

    swscale takes chroma samples as sited in the middle of their luma samples, which displaces them by an eighth of a
    small chroma sample; here they keep the siting of MPEG-2 and H.264, at the left.
    """
    height, width = (side // SCALE for side in planes[0].shape)
    luma = planes_of(frame_of(planes).reformat(width, height, interpolation=resampler))[0]
    return luma, *(_halved_chroma(plane) for plane in planes[1:])


def _halved_chroma(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows = resample_axis(plane.astype(np.float32), plane.shape[0] // SCALE, 0, SCALE)
    # The left of two small luma samples is half a large one to the right of the left of four.
    small = resample_axis(rows, plane.shape[1] // SCALE, 1, SCALE, -0.25)
    return np.asarray(np.clip(np.rint(small), 0, 255), np.uint8)


def _degraded(planes: Planes, degradation: Degradation, generator: Generator) -> Planes:
    """Blur, noise and sharpening of a small frame."""
    if not (degradation.blur or degradation.noise or degradation.sharpening):
        return planes
    luma, *chroma = (plane.astype(np.float32) for plane in planes)
    if degradation.blur:
        luma = gaussian(luma, degradation.blur)
    if degradation.noise:
        # Film grain is strongest in the middle tones.
        weight = 1 - np.square((luma - 126) / 160) if degradation.grain else 1
        luma += weight * _noise(generator, luma.shape, degradation.noise, degradation.grain)
        for plane in chroma:
            plane += _noise(generator, plane.shape, degradation.noise / 2, degradation.grain)
    if degradation.sharpening:
        luma += degradation.sharpening * (luma - gaussian(luma, degradation.radius))
    limited = (
        np.clip(np.rint(plane), 16, white) for plane, white in zip((luma, *chroma), (235, 240, 240), strict=True)
    )
    return tuple(np.asarray(plane, np.uint8) for plane in limited)


def _noise(generator: Generator, shape: tuple[int, ...], deviation: float, grain: float) -> NDArray[np.float32]:
    noise = generator.standard_normal(shape, np.float32)
    if grain:
        noise = gaussian(noise, grain)
        noise /= noise.std()
    return noise * np.float32(deviation)


def gaussian(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Smooth an image, (H, W), by a Gaussian; the edge is repeated."""
    reach = int(np.ceil(3 * sigma))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * np.square(offsets / sigma))
    weights /= weights.sum()
    for axis in (0, 1):
        padding = [(reach, reach) if each == axis else (0, 0) for each in (0, 1)]
        padded = np.pad(image, padding, mode="edge")
        length = image.shape[axis]
        parts = (padded.take(np.arange(k, k + length), axis) * np.float32(w) for k, w in enumerate(weights))
        image = np.asarray(sum(parts), np.float32)
    return image
