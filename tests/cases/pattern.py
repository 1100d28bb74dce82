"""A test picture that carries its own number, and the reading of that number from whatever became of the picture.

Along the longer side, from the top (of an upright picture, from the left):

    1/2   eight colour bars of known RGB
    1/4   a white square that moves, on grey or on a texture that gives the encoder something to do
    1/4   a barcode: white, black, nine bits of the number from the lowest, and a bit that makes their count even

The barcode is read by shares of the picture's size, so that neither scale nor lossy coding keeps it from being read.
Pictures of at most `TINY` samples a side have no room for it: they are of one shade of grey, which is the number.
"""

import av
import numpy as np
from numpy.typing import NDArray

from tests.cases import samples, truth
from tests.cases.samples import Tags

SIZE = (96, 64)
TINY = 8
BARS = np.array(
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [0, 0, 0]],
    np.uint8,
)
"""The RGB of the eight bars, full range: white, yellow, cyan, green, magenta, red, blue, black at 75 %."""
BT709 = Tags(1, 1, 1, False, "center")
JPEG = Tags(5, full=True, siting="center")

_BITS = 9
NUMBERS = 1 << _BITS
_CELLS = _BITS + 3
_CONTRAST = 60  # between the white and the black cell, of 255: less is no barcode but a damaged picture
_SHADE = 8  # between the greys of neighbouring tiny pictures

Picture = NDArray[np.uint8]


def picture(number: int, size: tuple[int, int] = SIZE, textured: bool = False) -> Picture:
    """Picture `number` (below NUMBERS) of (width, height), as RGB bytes (height, width, 3)."""
    width, height = size
    if max(size) <= TINY:
        return np.full((height, width, 3), 16 + _SHADE * number, np.uint8)
    if height > width:
        return picture(number, (height, width), textured).transpose(1, 0, 2)
    drawn = np.empty((height, width, 3), np.uint8)
    half, quarter = height // 2, height - height // 4
    drawn[:half] = BARS[np.arange(width) * 8 // width]
    drawn[half:quarter] = _texture(number, quarter - half, width) if textured else 96
    left = number * 4 % (width - 8)
    drawn[half:quarter, left : left + 8] = 255
    drawn[quarter:] = 255 * np.array(_barcode(number), np.uint8)[np.arange(width) * _CELLS // width, None]
    return drawn


def number_of(seen: NDArray[np.number]) -> int | None:
    """The number in a picture of samples 0 to 255, (height, width, 3) or grey (height, width); None if unreadable."""
    if max(seen.shape[:2]) <= TINY:
        return round((seen.mean() - 16) / _SHADE)
    upright = seen.swapaxes(0, 1) if seen.shape[0] > seen.shape[1] else seen
    height, width = upright.shape[:2]
    rows = upright[height * 13 // 16 : max(height * 15 // 16, height * 13 // 16 + 1)]
    band = rows.reshape(len(rows), width, -1).mean(axis=(0, 2))
    quarters = width * np.arange(4 * _CELLS) // (4 * _CELLS)
    white, black, *bits = (band[quarters[k + 1] : quarters[k + 3]].mean() for k in range(0, 4 * _CELLS, 4))
    if white - black < _CONTRAST:
        return None
    levels = (np.array(bits) - black) / (white - black)
    if np.any((levels > 1 / 3) & (levels < 2 / 3)) or np.count_nonzero(levels > 0.5) % 2:
        return None
    return sum(1 << k for k in range(_BITS) if levels[k] > 0.5)


def bars_of(seen: Picture) -> NDArray[np.float64]:
    """The colours of the eight bars in an RGB picture, (8, 3), each the median of its bar's middle."""
    upright = seen.transpose(1, 0, 2) if seen.shape[0] > seen.shape[1] else seen
    height, width = upright.shape[:2]
    middles = [(width * (4 * bar + 1) // 32, width * (4 * bar + 3) // 32) for bar in range(8)]
    return np.array([np.median(upright[height // 8 : height * 3 // 8, a:b], axis=(0, 1)) for a, b in middles])


def frame(number: int, size: tuple[int, int], pixel: str, textured: bool = False) -> av.VideoFrame:
    """Picture `number` in a pixel format: RGB as it is, gray and planar YUV by BT.709, yuvj by BT.601 in full range."""
    rgb = picture(number, size, textured)
    if pixel == "rgb8":
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(format=pixel)
    tags = JPEG if pixel.startswith("yuvj") else BT709
    return samples.filled(pixel, truth.coded(rgb.transpose(2, 0, 1) / 255, samples.layout(pixel), tags))


def _barcode(number: int) -> list[int]:
    assert 0 <= number < NUMBERS, number
    bits = [number >> k & 1 for k in range(_BITS)]
    return [1, 0, *bits, sum(bits) % 2]


def _texture(number: int, height: int, width: int) -> Picture:
    """Grains of 4x4 that change with every third number."""
    grains = np.random.default_rng(number // 3).integers(40, 200, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    return grains.repeat(4, 0).repeat(4, 1)[:height, :width]
