"""Combs: what two moments that are woven into one picture look like.

Where something moved between them, rows stick out of their column to either side. Fine detail does too; so a picture is
compared with those that its rows make with rows of the picture before. In film, these are combed and the picture
itself is not. Of fields, the ones that follow each other are nearer to each other: with the even rows ("top") first,
the even rows of a picture fit to the odd ones of the picture before as well as to its own.

FFmpeg's idet asks the like of sums over whole pictures, and takes fine textures that move for fields: it called each of
four films of test patterns interlaced, and two thirds of a telecined film's whole frames.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.frame import PixelFormat, Plane

Rows = NDArray[np.int16]

_COLUMNS = 256  # that are looked at, of a picture
_STICKING_OUT = 10  # of 255: more than noise and codecs make
_VISIBLE = 0.0005  # of all pixels
_CUT = 0.25  # of all pixels: fast pans have 0.17
_EXPLAINED = 0.5  # of how much two pictures differ: what is left where one is the other, moved
_LEAST = 0.03  # of the combs with the picture before: fields have 0.04 to 0.5, in 9 of 10 frames


def sample_rows(plane: Plane, pixel: PixelFormat) -> Rows:
    """The rows of a picture's first plane in 8 bit, some of its columns alone."""
    step = max(1, plane.shape[1] // _COLUMNS)
    return (plane[:, ::step] >> (pixel.shift + pixel.depth - 8)).astype(np.int16)


class Combing(NamedTuple):
    """Which share of pixels sticks out of its column, 0 to 1.

    own: in the picture. top, bottom: in what its even, or odd, rows make with the other ones of the picture before.
    What sticks out in all three stands still, and is not counted. scrolls: the picture before, moved up or down by a
    row, explains its even and its odd rows alike, as no fields do.
    """

    own: float
    top: float
    bottom: float
    scrolls: bool = False

    @classmethod
    def between(cls, before: Rows, picture: Rows) -> Self:
        """The combs of `picture`, compared with the one `before` it."""
        found = [_sticking_out(rows) for rows in (picture, _woven(picture, before), _woven(before, picture))]
        still = found[0] & found[1] & found[2]
        own, top, bottom = (float((each & ~still).mean()) for each in found)
        return cls(own, top, bottom, _scrolls(before, picture))

    @property
    def tells(self) -> bool:
        """Whether enough moves to tell anything."""
        shares = self[:3]
        return max(shares) - min(shares) > _VISIBLE

    @property
    def of_fields(self) -> bool:
        """Whether two moments are in the picture: the better order of its fields is nearer to it than to the worse one.

        Of the way from its own combs to those of the worse order, the two orders were apart by 0.65 to 1 in 9 of 10
        frames of fields, by 0 to 0.1 in film, and by up to 0.55 in test patterns: half of it is the limit.
        """
        near, far = sorted((self.top, self.bottom))
        return self.tells and not self.scrolls and self._is_visible and far - near > near - self.own

    @property
    def is_seen(self) -> bool:
        """Whether the picture is likely to be combed; after a cut, where the orders tell nothing, in doubt it is."""
        is_cut = min(self.top, self.bottom) > _CUT
        return self.of_fields or (is_cut and not self.scrolls and self._is_visible)

    @property
    def _is_visible(self) -> bool:
        return self.own > max(_VISIBLE, _LEAST * max(self.top, self.bottom))

    @property
    def top_first(self) -> bool:
        """Of fields: whether the even rows are the earlier ones."""
        return self.top < self.bottom


def _scrolls(before: Rows, picture: Rows) -> bool:
    """Whether `picture` is the one `before` it, a row higher or lower."""
    pairs = ((before[:-2], picture[1:-1]), (before[2:], picture[1:-1]))
    still = _apart(before[1:-1], picture[1:-1])
    return any(all(now < _EXPLAINED * then for now, then in zip(_apart(*pair), still, strict=True)) for pair in pairs)


def _apart(these: Rows, those: Rows) -> tuple[int, int]:
    """By how much two pictures differ in their even rows, and in their odd ones: sums."""
    differ = np.abs(these - those)
    return int(differ[0::2].sum(dtype=np.int64)), int(differ[1::2].sum(dtype=np.int64))


def _woven(even: Rows, odd: Rows) -> Rows:
    woven = even.copy()
    woven[1::2] = odd[1::2]
    return woven


def _sticking_out(rows: Rows) -> NDArray[np.bool_]:
    """Which pixels are brighter, or darker, than both that lie above and below."""
    above, below = rows[1:-1] - rows[:-2], rows[1:-1] - rows[2:]
    return np.asarray((np.minimum(above, below) > _STICKING_OUT) | (np.maximum(above, below) < -_STICKING_OUT))
