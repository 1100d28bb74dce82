"""A test image that carries its own number as a barcode, and the reader of that barcode.

Along the longer side, from the top (of a portrait image, from the left):

    1/2   eight colour bars of known RGB
    1/4   a white square that moves, on grey or on a texture that needs bits to encode
    1/4   a barcode: white, black, nine bits of the number from the lowest, and a bit that makes their count even

The barcode is located by fractions of the image's size, so that it can be read after scaling and lossy coding.
Images of at most `TINY` samples a side have no room for it: they have one shade of grey, which is the number.
"""

import av
import numpy as np
from numpy.typing import NDArray

from tests.cases import reference, samples
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
_CONTRAST = 60  # between the white and the black cell, of 255: less is a damaged image
_SHADE = 8  # between the greys of consecutive tiny images

Image = NDArray[np.uint8]


def draw(number: int, size: tuple[int, int] = SIZE, textured: bool = False) -> Image:
    """Draws image `number` (below NUMBERS) of (width, height), as RGB bytes (height, width, 3)."""
    width, height = size
    if max(size) <= TINY:
        return np.full((height, width, 3), 16 + _SHADE * number, np.uint8)
    if height > width:
        return draw(number, (height, width), textured).transpose(1, 0, 2)
    canvas = np.empty((height, width, 3), np.uint8)
    half, quarter = height // 2, height - height // 4
    canvas[:half] = BARS[np.arange(width) * 8 // width]
    canvas[half:quarter] = _texture(number, quarter - half, width) if textured else 96
    left = number * 4 % (width - 8)
    canvas[half:quarter, left : left + 8] = 255
    canvas[quarter:] = 255 * np.array(_barcode(number), np.uint8)[np.arange(width) * _CELLS // width, None]
    return canvas


def read_number(image: NDArray[np.number]) -> int | None:
    """Reads the number of an image, 0 to 255, (height, width, 3) or grey (height, width); None if unreadable."""
    if max(image.shape[:2]) <= TINY:
        return round((float(image.mean()) - 16) / _SHADE)
    upright = image.swapaxes(0, 1) if image.shape[0] > image.shape[1] else image
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


def read_bars(image: Image) -> NDArray[np.float64]:
    """Returns the colours of the eight bars of an RGB image, (8, 3), each the median of its bar's middle."""
    upright = image.transpose(1, 0, 2) if image.shape[0] > image.shape[1] else image
    height, width = upright.shape[:2]
    middles = [(width * (4 * bar + 1) // 32, width * (4 * bar + 3) // 32) for bar in range(8)]
    return np.array([np.median(upright[height // 8 : height * 3 // 8, a:b], axis=(0, 1)) for a, b in middles])


def frame(number: int, size: tuple[int, int], pixel: str, textured: bool = False) -> av.VideoFrame:
    """Makes a frame of image `number`: RGB as it is, gray and planar YUV by BT.709, yuvj by BT.601 in full range."""
    rgb = draw(number, size, textured)
    if pixel == "rgb8":
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(format=pixel)
    tags = JPEG if pixel.startswith("yuvj") else BT709
    return samples.make_frame(pixel, reference.encode_rgb(rgb.transpose(2, 0, 1) / 255, samples.layout(pixel), tags))


def _barcode(number: int) -> list[int]:
    assert 0 <= number < NUMBERS, number
    bits = [number >> k & 1 for k in range(_BITS)]
    return [1, 0, *bits, sum(bits) % 2]


def _texture(number: int, height: int, width: int) -> Image:
    """Grains of 4x4 that change with every third number."""
    grains = np.random.default_rng(number // 3).integers(40, 200, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    return grains.repeat(4, 0).repeat(4, 1)[:height, :width]
