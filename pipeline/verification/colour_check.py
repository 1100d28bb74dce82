"""Do a result's pixels mean what its tags say? Asked of all frames at once, by the least squares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.h273 import MATRIX_NAMES
from pipeline.colour.matrix import conversion
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.verification.frame_signature import Signature

_MATRICES = (1, 6, 9)  # of H.273: BT.709, BT.601, BT.2020
_PIXEL = PIXEL_FORMATS["yuv444p"]
_MOST_OFF = 3.0  # of 255, on the mean of all frames: real clips at crf 38 are off by up to 1.9
_MORE_OFF = 6.0  # the same of RGB: of what YUV holds beyond it, as test pictures do, something is clipped
_LEAST_EFFECT = 1.0  # mean square, of 255: what changes less is not told apart
_BETTER = 0.5  # how much of its effect a better reading must bring down the difference
_ANOTHER_PICTURE = 900.0  # mean square: more than the wrong matrix or range makes of any colour


class Comparison:
    """Sums over matching frames, from which the difference follows for any way to read the result's samples."""

    def __init__(self) -> None:
        self._count = 0
        self._moments = np.zeros((4, 4))
        self._mixed = np.zeros((4, 3))
        self._square = np.zeros(3)

    def add(self, source: Signature, result: Signature) -> None:
        """Take a source frame, and the result frame that shows it; another picture altogether is left out."""
        if np.square(source - result).mean() > _ANOTHER_PICTURE:
            return
        wanted = source.reshape(3, -1).astype(np.float64)
        there = np.vstack([result.reshape(3, -1), np.ones(wanted.shape[1])]).astype(np.float64)
        self._count += wanted.shape[1]
        self._moments += there @ there.T
        self._mixed += there @ wanted.T
        self._square += (wanted * wanted).sum(axis=1)

    def offset(self) -> NDArray[np.float64]:
        """How much redder, greener and bluer the result is on the whole, of 255."""
        return np.asarray((self._moments[3, :3] - self._mixed[3]) / max(1, self._count))

    def difference(self, reading: NDArray[np.float64]) -> float:
        """The mean square difference if `reading`, (3, 4), is applied to the result's colours, (R, G, B, 1)."""
        squares = np.einsum("ci,ij,cj->c", reading, self._moments, reading)
        squares += self._square - 2 * np.einsum("ci,ic->c", reading, self._mixed)
        return float(max(0.0, squares.sum()) / max(1, 3 * self._count))

    def effect(self, reading: NDArray[np.float64]) -> float:
        """The mean square of what `reading` changes in the result."""
        change = reading - np.eye(3, 4)
        return float(np.einsum("ci,ij,cj->", change, self._moments, change) / max(1, 3 * self._count))


def misread(comparison: Comparison, format: FrameFormat) -> str:
    """What is wrong with the colours of a result that is tagged as `format` says, "" if nothing.

    If another reading of the samples is the right one, it brings the difference down by its own effect, whatever the
    codec has done; if it is wrong, it adds as much.
    """
    tagged = format.colour
    as_tagged = comparison.difference(np.eye(3, 4))
    matrices = () if format.pixel.rgb else _MATRICES if format.pixel.chroma else (tagged.matrix,)
    found = []
    for other in (replace(tagged, matrix=matrix, full_range=full) for matrix in matrices for full in (False, True)):
        reading = _reread(tagged, other)
        effect, difference = comparison.effect(reading), comparison.difference(reading)
        if effect > _LEAST_EFFECT and as_tagged - difference > _BETTER * effect:
            found.append((difference, _name(other)))
    if found:
        difference, name = min(found)
        off = f"off by {as_tagged**0.5:.1f} of 255, and by {difference**0.5:.1f} if they are read as {name}"
        return f"the pixels are not what the tags say ({_name(tagged)}): {off}"
    offset = comparison.offset()
    most = _MORE_OFF if format.pixel.rgb else _MOST_OFF
    if np.abs(offset).max() > most:
        told = ", ".join(f"{name} {value:+.1f}" for name, value in zip(("red", "green", "blue"), offset, strict=True))
        return f"the colours are off by more than {most:g} of 255 on the whole: {told}"
    return ""


def _name(colour: Colour) -> str:
    return f"{MATRIX_NAMES.get(colour.matrix, colour.matrix)}, {'full' if colour.full_range else 'limited'} range"


def _reread(tagged: Colour, other: Colour) -> NDArray[np.float64]:
    """What becomes of RGB of 0..255 if the samples that `tagged` made it from are read as `other`: (3, 4)."""
    back = np.linalg.inv(np.vstack([_to_rgb(tagged), [0, 0, 0, 1]]))
    return np.asarray(_to_rgb(other) @ back)


def _to_rgb(colour: Colour) -> NDArray[np.float64]:
    """(Y, Cb, Cr, 1) of 8 bit to RGB of 0..255: (3, 4)."""
    c = conversion(colour, _PIXEL)
    chroma = np.array([[0, c.red_v], [c.green_u, c.green_v], [c.blue_u, 0]])
    constant = c.luma_bias + chroma.sum(axis=1) * c.chroma_bias
    return 255 * np.column_stack([np.full(3, c.luma_gain), chroma * c.chroma_gain, constant])
