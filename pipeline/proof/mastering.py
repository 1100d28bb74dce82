"""Does a result say of its light what its source does?"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pipeline.media.reading.hdr import Hdr

# What the coarsest of those that hold them round to: H.265 and mp4 files count chromaticities in 1/50,000 and light in
# 1/10,000 cd/m2, AV1 (section 6.7.4) the least light in 1/16,384 and the most in 1/256.
_CHROMATICITY, _LEAST, _MOST = Fraction(1, 50_000), Fraction(1, 10_000), Fraction(1, 256)


def compare_hdr(source: Hdr | None, result: Hdr | None) -> Iterator[str]:
    """What is missing or changed, a line each; what only the result says is not."""
    before, after = source or Hdr(), result or Hdr()
    lost = [name for name, value, other in _parts(before, after) if value and not other]
    if lost:
        yield f"it does not tell the source's HDR metadata: {', '.join(lost)}"
    if before.primaries and after.primaries:
        points = zip(sum(before.primaries, ()), sum(after.primaries, ()), strict=True)
        if any(abs(a - b) > _CHROMATICITY for a, b in points):
            yield f"its mastering display's primaries are others: {Hdr(after.primaries)}, not {Hdr(before.primaries)}"
    if before.luminance and after.luminance:
        least, most = (abs(a - b) for a, b in zip(before.luminance, after.luminance, strict=True))
        if least > _LEAST or most > _MOST:
            told = Hdr(luminance=after.luminance), Hdr(luminance=before.luminance)
            yield "its mastering display shows {}, not {}".format(*told)
    if before.light and after.light and before.light != after.light:
        yield f"its light levels are {Hdr(light=after.light)}, not {Hdr(light=before.light)}"


def _parts(before: Hdr, after: Hdr) -> Iterator[tuple[str, object, object]]:
    yield "the mastering display's primaries", before.primaries, after.primaries
    yield "its luminance", before.luminance, after.luminance
    yield "light levels", before.light, after.light
