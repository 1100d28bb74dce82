"""Checks that the output's samples match its colour tags, by least squares over all frames at once."""

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
_MAX_OFFSET = 3.0  # of 255, on the mean of all frames: real clips at crf 38 are off by up to 1.9
_MAX_RGB_OFFSET = 6.0  # the same for RGB outputs: colours out of YUV's range, as in test charts, are clipped
_MIN_EFFECT = 1.0  # mean square, of 255: interpretations that differ by less can't be distinguished
_MIN_GAIN = 0.5  # share of its own effect by which a better interpretation has to reduce the difference
_ANOTHER_FRAME = 900.0  # mean square: more than a wrong matrix or range changes any colour


class ColourComparison:
    """Sums over matching frames, which give the difference for any linear interpretation of the output's samples."""

    def __init__(self) -> None:
        self._count = 0
        self._moments = np.zeros((4, 4))
        self._mixed = np.zeros((4, 3))
        self._square = np.zeros(3)

    def add(self, source: Signature, output: Signature) -> None:
        """Add the signatures of a source frame and of the output frame that shows it; unlike frames are ignored."""
        if np.square(source - output).mean() > _ANOTHER_FRAME:
            return
        expected = source.reshape(3, -1).astype(np.float64)
        actual = np.vstack([output.reshape(3, -1), np.ones(expected.shape[1])]).astype(np.float64)
        self._count += expected.shape[1]
        self._moments += actual @ actual.T
        self._mixed += actual @ expected.T
        self._square += (expected * expected).sum(axis=1)

    def offset(self) -> NDArray[np.float64]:
        """Return by how much the output is redder, greener and bluer on average, of 255."""
        return np.asarray((self._moments[3, :3] - self._mixed[3]) / max(1, self._count))

    def difference(self, transform: NDArray[np.float64]) -> float:
        """Return the mean square difference after `transform`, (3, 4), of the output's colours (R, G, B, 1)."""
        squares = np.einsum("ci,ij,cj->c", transform, self._moments, transform)
        squares += self._square - 2 * np.einsum("ci,ic->c", transform, self._mixed)
        return float(max(0.0, squares.sum()) / max(1, 3 * self._count))

    def effect(self, transform: NDArray[np.float64]) -> float:
        """Return the mean square of what `transform` changes in the output."""
        change = transform - np.eye(3, 4)
        return float(np.einsum("ci,ij,cj->", change, self._moments, change) / max(1, 3 * self._count))


def find_colour_fault(comparison: ColourComparison, format: FrameFormat) -> str:
    """Return a description of the fault in the colours of an output that is tagged as `format`, "" if there is none.

    If another matrix or range is the right one, interpreting the samples so reduces the difference by the effect of
    that change, whatever the codec has done; if it is not, it adds as much.
    """
    tagged = format.colour
    difference_as_tagged = comparison.difference(np.eye(3, 4))
    found = []
    for other in _alternatives(format):
        transform = _reinterpretation(tagged, other)
        effect, difference = comparison.effect(transform), comparison.difference(transform)
        if effect > _MIN_EFFECT and difference_as_tagged - difference > _MIN_GAIN * effect:
            found.append((difference, _name(other)))
    if found:
        difference, name = min(found)
        off = f"off by {difference_as_tagged**0.5:.1f} of 255, and by {difference**0.5:.1f} if interpreted as {name}"
        return f"the samples do not match their tags ({_name(tagged)}): {off}"
    offset = comparison.offset()
    limit = _MAX_RGB_OFFSET if format.pixel.rgb else _MAX_OFFSET
    if np.abs(offset).max() > limit:
        values = ", ".join(f"{name} {value:+.1f}" for name, value in zip(("red", "green", "blue"), offset, strict=True))
        return f"the colours are off by more than {limit:g} of 255 on average: {values}"
    return ""


def _alternatives(format: FrameFormat) -> list[Colour]:
    """Return the colours that samples of `format` could have instead of the tagged one."""
    if format.pixel.rgb:
        return []
    matrices = _MATRICES if format.pixel.chroma else (format.colour.matrix,)
    return [replace(format.colour, matrix=matrix, full_range=full) for matrix in matrices for full in (False, True)]


def _name(colour: Colour) -> str:
    return f"{MATRIX_NAMES.get(colour.matrix, colour.matrix)}, {'full' if colour.full_range else 'limited'} range"


def _reinterpretation(tagged: Colour, other: Colour) -> NDArray[np.float64]:
    """Return the transform of RGB of 0..255, (3, 4), that converts colours decoded as `tagged` to those of `other`."""
    back = np.linalg.inv(np.vstack([_to_rgb(tagged), [0, 0, 0, 1]]))
    return np.asarray(_to_rgb(other) @ back)


def _to_rgb(colour: Colour) -> NDArray[np.float64]:
    """Return the transform from 8-bit (Y, Cb, Cr, 1) to RGB of 0..255: (3, 4)."""
    c = conversion(colour, _PIXEL)
    chroma = np.array([[0, c.red_v], [c.green_u, c.green_v], [c.blue_u, 0]])
    constant = c.luma_bias + chroma.sum(axis=1) * c.chroma_bias
    return 255 * np.column_stack([np.full(3, c.luma_gain), chroma * c.chroma_gain, constant])
