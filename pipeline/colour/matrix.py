"""Matrix coefficients and ranges: the numbers of the conversion between code values and RGB in 0..1.

Y'  = Kr R + Kg G + Kb B,  Cb = (B - Y') / (2 - 2 Kb),  Cr = (R - Y') / (2 - 2 Kr)     (ITU-T H.273, 8.3)
limited range:  Y = (219 Y' + 16) 2^(n-8),  C = (224 C + 128) 2^(n-8);  full range: (2^n - 1) Y', (2^n - 1) C + 2^(n-1)
RGB samples:    (2^n - 1) G, (2^n - 1) B, (2^n - 1) R in the places of Y, Cb and Cr, as for H.273's matrix 0

RGB is not clamped to 0..1, so that samples outside the gamut, which are legal, survive a round trip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pipeline.colour.h273 import MATRIX_NAMES
from pipeline.errors import InputError
from pipeline.frame import Colour, PixelFormat

# H.273 table 4: matrix code -> (Kr, Kb)
LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC 73.682
    5: (0.299, 0.114),  # BT.601, 625 lines
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020, non-constant luminance
}


class Levels(NamedTuple):
    """Quantization levels: a code value is a normalised value * scale + offset.

    Attributes:
        luma_scale: Scale of luma in 0..1.
        luma_offset: Code value of black.
        chroma_scale: Scale of chroma in -0.5..0.5.
        chroma_offset: Code value of zero chroma.
        highest: Largest code value.
    """

    luma_scale: float
    luma_offset: float
    chroma_scale: float
    chroma_offset: float
    highest: int


def levels(full_range: bool, depth: int) -> Levels:
    """Quantization levels of full or limited range at `depth` bits (H.273, 8.3)."""
    highest = (1 << depth) - 1
    if full_range:
        return Levels(highest, 0, highest, 1 << (depth - 1), highest)
    unit = 1 << (depth - 8)
    return Levels(219 * unit, 16 * unit, 224 * unit, 128 * unit, highest)


@dataclass(frozen=True)
class Conversion:
    """Coefficients of the conversion between code values and RGB in 0..1, at one depth, in both directions.

    To RGB:

        y = luma_gain Y + luma_bias,  u = chroma_gain U + chroma_bias,  v = chroma_gain V + chroma_bias
        R = y + red_v v,  G = y + green_u u + green_v v,  B = y + blue_u u

    From RGB:

        y = kr R + kg G + kb B
        Y = y luma_scale + luma_offset,  U = (B - y) u_scale + chroma_offset,  V = (R - y) v_scale + chroma_offset

    For RGB samples, G = y, B = u and R = v, and in the other direction luma_scale, u_scale and v_scale apply to G, B
    and R: the planes are independent of one another.

    Attributes:
        luma_gain: Normalised luma per code value.
        luma_bias: Normalised luma of code value 0.
        chroma_gain: Normalised chroma per code value.
        chroma_bias: Normalised chroma of code value 0.
        red_v: Share of Cr in red.
        green_u: Share of Cb in green.
        green_v: Share of Cr in green.
        blue_u: Share of Cb in blue.
        kr: Share of red in luma.
        kg: Share of green in luma.
        kb: Share of blue in luma.
        luma_scale: Code values per unit of luma.
        luma_offset: Code value of black.
        u_scale: Code values per unit of B - Y'.
        v_scale: Code values per unit of R - Y'.
        chroma_offset: Code value of zero chroma.
        highest: Largest code value.
    """

    luma_gain: float
    luma_bias: float
    chroma_gain: float
    chroma_bias: float
    red_v: float
    green_u: float
    green_v: float
    blue_u: float
    kr: float
    kg: float
    kb: float
    luma_scale: float
    luma_offset: float
    u_scale: float
    v_scale: float
    chroma_offset: float
    highest: int


def conversion(colour: Colour, pixel: PixelFormat) -> Conversion:
    """The conversion of samples of `pixel` in `colour`. Raises InputError for a matrix that is not linear."""
    if pixel.rgb:
        return _without_matrix(pixel.depth)
    kr, kg, kb = luma_weights(colour.matrix)
    level = levels(colour.full_range, pixel.depth)
    return Conversion(
        luma_gain=1 / level.luma_scale,
        luma_bias=-level.luma_offset / level.luma_scale,
        chroma_gain=1 / level.chroma_scale,
        chroma_bias=-level.chroma_offset / level.chroma_scale,
        red_v=2 - 2 * kr,
        green_u=-kb * (2 - 2 * kb) / kg,
        green_v=-kr * (2 - 2 * kr) / kg,
        blue_u=2 - 2 * kb,
        kr=kr,
        kg=kg,
        kb=kb,
        luma_scale=level.luma_scale,
        luma_offset=level.luma_offset,
        u_scale=level.chroma_scale / (2 - 2 * kb),
        v_scale=level.chroma_scale / (2 - 2 * kr),
        chroma_offset=level.chroma_offset,
        highest=level.highest,
    )


def luma_weights(matrix: int) -> tuple[float, float, float]:
    """Kr, Kg and Kb of a matrix, given its H.273 code. Raises InputError for a matrix that is not linear."""
    if matrix not in LUMA_WEIGHTS:
        name = MATRIX_NAMES.get(matrix, str(matrix))
        allowed = ", ".join(MATRIX_NAMES[code] for code in LUMA_WEIGHTS)
        raise InputError(f"the colour matrix {name} is not supported; {allowed} are: convert the video first")
    kr, kb = LUMA_WEIGHTS[matrix]
    return kr, 1 - kr - kb, kb


def _without_matrix(depth: int) -> Conversion:
    highest = (1 << depth) - 1
    return Conversion(
        luma_gain=1 / highest,
        luma_bias=0,
        chroma_gain=1 / highest,
        chroma_bias=0,
        red_v=1,
        green_u=0,
        green_v=0,
        blue_u=1,
        kr=0,
        kg=1,
        kb=0,
        luma_scale=highest,
        luma_offset=0,
        u_scale=highest,
        v_scale=highest,
        chroma_offset=0,
        highest=highest,
    )
