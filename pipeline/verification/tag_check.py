"""Does the picture of a result say of itself what that of its source does: colour, size, aspect, rotation?"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from pipeline.colour.h273 import MATRIX_NAMES, PRIMARIES_NAMES, TRANSFER_NAMES
from pipeline.frame import Colour
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.media_info import VideoInfo
from pipeline.verification.frame_signature import scale_of
from pipeline.verification.verdict import Fault

_NAMES = {"matrix": MATRIX_NAMES, "primaries": PRIMARIES_NAMES, "transfer": TRANSFER_NAMES}

_TURNS = (0, 1, 3, 4)  # those of a display matrix's nine numbers that turn and mirror
_UPRIGHT = (65536, 0, 0, 65536)
_ROUNDED = 64  # of 65,536: containers that store an angle
# What the coarsest of those that hold them round to: H.265 and mp4 files count chromaticities in 1/50,000 and light in
# 1/10,000 cd/m2, AV1 (section 6.7.4) the least light in 1/16,384 and the most in 1/256.
_CHROMATICITY, _LEAST, _MOST = Fraction(1, 50_000), Fraction(1, 10_000), Fraction(1, 256)


def compare_tags(source: VideoInfo, result: VideoInfo) -> Iterator[Fault | str]:
    """Faults and remarks of the picture's description."""
    yield from _colour(source, result)
    yield from _shape(source, result)
    if source.format.pixel.depth > result.format.pixel.depth:
        yield f"it has {result.format.pixel.depth} bits a sample, the source {source.format.pixel.depth}"
    if source.alpha and not result.alpha:
        yield "the source's transparency is not in it"


def _colour(source: VideoInfo, result: VideoInfo) -> Iterator[Fault | str]:
    before, after = source.format.colour, result.format.colour
    pixels = source.format.pixel, result.format.pixel
    wanted = ["primaries", "transfer"]
    if not any(pixel.rgb for pixel in pixels):
        wanted += ["full_range"] + ["matrix"] * all(pixel.chroma for pixel in pixels)
        if not result.tagged and not source.tagged:
            yield "like the source it does not say what its colours mean: players will guess"
        elif not result.tagged and source.format.pixel.chroma:  # of gray H.264, x264 does not write it
            yield Fault("colour", f"its colour matrix is not tagged; the source's is {MATRIX_NAMES.get(before.matrix)}")
    subsampled = all(pixel.sub_x for pixel in pixels), all(pixel.sub_y for pixel in pixels)
    sited = zip(before.siting.phases, after.siting.phases, subsampled, strict=True)
    wanted += ["siting"] * any(then != now for then, now, counts in sited if counts)
    for name in wanted:
        then, now = getattr(before, name), getattr(after, name)
        if then != now:
            told = f"{name.replace('full_', '')} {'are' if name == 'primaries' else 'is'}"
            yield Fault("colour", f"its {told} {_value(after, name)}, the source's {_value(before, name)}")
    yield from (Fault("colour", line) for line in compare_hdr(source.hdr, result.hdr))


def _shape(source: VideoInfo, result: VideoInfo) -> Iterator[Fault | str]:
    """How large it is shown, and how it is turned: by the source's tag, or with its pixels turned and by none."""
    before, after = (Orientation.from_matrix(video.display_matrix) for video in (source, result))
    if before is None or after is None:
        turned = [_turn(video.display_matrix) for video in (source, result)]
        if any(abs(a - b) > _ROUNDED for a, b in zip(*turned, strict=True)):
            yield Fault("rotation", f"players turn it by the matrix {turned[1]}, the source by {turned[0]}")
    elif after not in (before, Orientation()):
        yield Fault("rotation", f"players show it {after}, the source {before}")
    wanted, shown = _Shape.of(source, before), _Shape.of(result, after)
    across, down = _enlargement(wanted, shown)
    if across != down and len(set(_enlargement(wanted, shown.on_its_side))) == 1:
        sizes = f"{shown.width}x{shown.height}, the source {wanted.width}x{wanted.height}"
        yield Fault("rotation", f"it lies on its side: players show it {sizes}")
    elif across != down or across < 1:
        yield f"it is {across:.4g} times as wide and {down:.4g} times as high as the source"
    expected = wanted.sample_aspect * Fraction(down / across).limit_denominator(10_000)
    if across == down and abs(shown.sample_aspect / expected - 1) * shown.width > 1:  # pixel that it is wider
        yield Fault("aspect", f"its pixels are {shown.sample_aspect} as wide as high, not {expected}")


class _Shape(NamedTuple):
    """Of a picture as players show it."""

    width: int
    height: int
    sample_aspect: Fraction

    @classmethod
    def of(cls, video: VideoInfo, orientation: Orientation | None) -> _Shape:
        coded = cls(video.format.width, video.format.height, video.sample_aspect)
        return coded.on_its_side if orientation and orientation.transposed else coded

    @property
    def on_its_side(self) -> _Shape:
        return _Shape(self.height, self.width, 1 / self.sample_aspect)


def _enlargement(source: _Shape, result: _Shape) -> tuple[float, float]:
    return scale_of(source.width, result.width), scale_of(source.height, result.height)


def _value(colour: Colour, name: str) -> str:
    if name == "full_range":
        return "full" if colour.full_range else "limited"
    code = getattr(colour, name)
    return colour.siting.value if name == "siting" else _NAMES[name].get(code, str(code))


def _turn(matrix: tuple[int, ...] | None) -> tuple[int, ...]:
    return _UPRIGHT if matrix is None else tuple(matrix[place] for place in _TURNS)


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
