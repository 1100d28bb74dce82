"""HDR's metadata in the stream itself: the parameters that encoders take it by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from pipeline.media.reading.hdr import Hdr

# What H.264 and H.265 count in (H.265, D.3.28): 1/50,000 of a chromaticity, 1/10,000 cd/m2.
_CHROMATICITY, _LUMINANCE = 50_000, 10_000


def hdr_parameters(codec: str, hdr: Hdr) -> tuple[str, list[str]] | None:
    """The option of FFmpeg's encoder `codec`, and the parameters in it, that write `hdr`; None if none does.

    NVENC writes what frames carry if its context was told beforehand that they would, which PyAV can't.
    """
    names = _NAMES.get(codec)
    if names is None:
        return None
    option, mastering, light, number = names
    parameters = list(_parameters(hdr, mastering, light, number))
    return (option, parameters) if parameters else None


def _parameters(hdr: Hdr, mastering: str, light: str, number: Callable[[Fraction, int], str]) -> Iterator[str]:
    if hdr.primaries and hdr.luminance:  # one can't be said without the other
        red, green, blue, white = (f"({number(x, _CHROMATICITY)},{number(y, _CHROMATICITY)})" for x, y in hdr.primaries)
        least, most = (number(value, _LUMINANCE) for value in hdr.luminance)
        yield f"{mastering}=G{green}B{blue}R{red}WP{white}L({most},{least})"
    if hdr.light:
        yield f"{light}={hdr.light[0]},{hdr.light[1]}"


def _counted(value: Fraction, parts: int) -> str:
    return str(round(value * parts))


def _plain(value: Fraction, parts: int) -> str:
    return f"{float(value):.7f}"


_NAMES = {  # by encoder: its option, what it calls mastering display and light levels, and how it counts
    "libx264": ("x264-params", "mastering-display", "cll", _counted),
    "libx265": ("x265-params", "master-display", "max-cll", _counted),
    "libsvtav1": ("svtav1-params", "mastering-display", "content-light", _plain),
}
