"""Static HDR metadata in the bitstream: the private parameters by which encoders write it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pipeline.media.encoding.codecs import encoder_spec
from pipeline.media.encoding.encoder_spec import HdrParameters
from pipeline.media.reading.hdr import Hdr

# The units of H.264 and H.265 (H.265, D.3.28): 1/50,000 of a chromaticity, 1/10,000 cd/m2.
_CHROMATICITY, _LUMINANCE = 50_000, 10_000


def hdr_parameters(encoder: str, hdr: Hdr) -> list[str]:
    """The private parameters `name=value` with which FFmpeg's encoder `encoder` writes `hdr`; none if it can't.

    NVENC writes the metadata that frames carry if its context announces it before it is opened, which PyAV can't.
    """
    names = encoder_spec(encoder).hdr
    return list(_parameters(hdr, names)) if names else []


def _parameters(hdr: Hdr, names: HdrParameters) -> Iterator[str]:
    if hdr.primaries and hdr.luminance:  # encoders take neither without the other
        points = (f"({_number(x, _CHROMATICITY, names)},{_number(y, _CHROMATICITY, names)})" for x, y in hdr.primaries)
        red, green, blue, white = points
        minimum, maximum = (_number(value, _LUMINANCE, names) for value in hdr.luminance)
        yield f"{names.mastering}=G{green}B{blue}R{red}WP{white}L({maximum},{minimum})"
    if hdr.light:
        yield f"{names.light}={hdr.light[0]},{hdr.light[1]}"


def _number(value: Fraction, units: int, names: HdrParameters) -> str:
    return str(round(value * units)) if names.counted else f"{float(value):.7f}"
