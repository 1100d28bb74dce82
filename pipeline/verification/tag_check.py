"""Compares how source and output describe their video: colour, HDR metadata, size, aspect ratio and rotation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from pipeline.colour.h273 import MATRIX_NAMES, PRIMARIES_NAMES, TRANSFER_NAMES
from pipeline.frame import Colour
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.media_info import VideoInfo
from pipeline.verification.frame_signature import scale_factor
from pipeline.verification.verdict import Fault

_NAMES = {"matrix": MATRIX_NAMES, "primaries": PRIMARIES_NAMES, "transfer": TRANSFER_NAMES}

_ROTATING = (0, 1, 3, 4)  # the numbers of a display matrix that rotate and mirror
_IDENTITY = (65536, 0, 0, 65536)
_ROUNDED_PIXELS = 2  # of the output's width
_MATRIX_ROUNDING = 64  # of 65,536: containers that store an angle
# The coarsest units of what stores HDR metadata: H.265 and mp4 files count chromaticities in 1/50,000 and luminance in
# 1/10,000 cd/m2, AV1 (section 6.7.4) the minimum luminance in 1/16,384 and the maximum in 1/256.
_CHROMATICITY, _MIN_LUMINANCE, _MAX_LUMINANCE = Fraction(1, 50_000), Fraction(1, 10_000), Fraction(1, 256)


def compare_tags(source: VideoInfo, output: VideoInfo) -> Iterator[Fault | str]:
    """Yield faults and remarks about how the output's video is described."""
    yield from _compare_colour(source, output)
    yield from _compare_display(source, output)
    if source.format.pixel.depth > output.format.pixel.depth:
        yield f"it has {output.format.pixel.depth} bits a sample, the source {source.format.pixel.depth}"
    if source.alpha and not output.alpha:
        yield "the source's transparency is dropped"


def _compare_colour(source: VideoInfo, output: VideoInfo) -> Iterator[Fault | str]:
    before, after = source.format.colour, output.format.colour
    if not any(video.format.pixel.rgb for video in (source, output)):
        if not output.tagged and not source.tagged:
            yield "its colour is untagged, as the source's: players guess"
        elif not output.tagged and source.format.pixel.chroma:  # of gray H.264, x264 does not write it
            yield Fault("colour", f"its colour matrix is not tagged; the source's is {MATRIX_NAMES.get(before.matrix)}")
    for name in _compared_properties(source, output):
        if getattr(before, name) != getattr(after, name):
            subject = f"{name.replace('full_', '')} {'are' if name == 'primaries' else 'is'}"
            yield Fault("colour", f"its {subject} {_value(after, name)}, the source's {_value(before, name)}")
    yield from (Fault("colour", line) for line in compare_hdr(source.hdr, output.hdr))


def _compared_properties(source: VideoInfo, output: VideoInfo) -> Iterator[str]:
    """Yield the names of the fields of Colour that have a meaning in both videos."""
    pixels = source.format.pixel, output.format.pixel
    yield from ("primaries", "transfer")
    if not any(pixel.rgb for pixel in pixels):
        yield "full_range"
        if all(pixel.chroma for pixel in pixels):
            yield "matrix"
    subsampled = all(pixel.sub_x for pixel in pixels), all(pixel.sub_y for pixel in pixels)
    phases = zip(source.format.colour.siting.phases, output.format.colour.siting.phases, subsampled, strict=True)
    if any(before != after for before, after, counts in phases if counts):
        yield "siting"


def _compare_display(source: VideoInfo, output: VideoInfo) -> Iterator[Fault | str]:
    """Compare display size and rotation: by the source's tag, or with rotated frames and no tag."""
    before, after = (Orientation.from_matrix(video.display_matrix) for video in (source, output))
    if before is None or after is None:
        matrices = [_rotation_numbers(video.display_matrix) for video in (source, output)]
        if any(abs(a - b) > _MATRIX_ROUNDING for a, b in zip(*matrices, strict=True)):
            yield Fault("rotation", f"its display matrix is {matrices[1]}, the source's {matrices[0]}")
    elif after not in (before, Orientation()):
        yield Fault("rotation", f"players show it {after}, the source {before}")
    expected, actual = _DisplayShape.of(source, before), _DisplayShape.of(output, after)
    across, down = _scale_factors(expected, actual)
    if across != down and len(set(_scale_factors(expected, actual.transposed))) == 1:
        sizes = f"{actual.width}x{actual.height}, the source {expected.width}x{expected.height}"
        yield Fault("rotation", f"its width and height are swapped: players show it {sizes}")
        return
    # Sizes are rounded to complete chroma samples, up to a pixel on each side.
    is_proportional = across == down or abs(across / down - 1) * actual.width <= _ROUNDED_PIXELS
    if not is_proportional or across < 1:
        yield f"it is {across:.4g} times as wide and {down:.4g} times as high as the source"
    sample_aspect = expected.sample_aspect * Fraction(1 if is_proportional else down / across).limit_denominator(10_000)
    tolerance = 1 if across == down else _ROUNDED_PIXELS
    if abs(actual.sample_aspect / sample_aspect - 1) * actual.width > tolerance:
        yield Fault("aspect", f"its sample aspect ratio is {actual.sample_aspect}, not {sample_aspect}")


class _DisplayShape(NamedTuple):
    """Size and sample aspect ratio of a video as players show it, in pixels."""

    width: int
    height: int
    sample_aspect: Fraction

    @classmethod
    def of(cls, video: VideoInfo, orientation: Orientation | None) -> _DisplayShape:
        coded = cls(video.format.width, video.format.height, video.sample_aspect)
        return coded.transposed if orientation and orientation.transposed else coded

    @property
    def transposed(self) -> _DisplayShape:
        return _DisplayShape(self.height, self.width, 1 / self.sample_aspect)


def _scale_factors(source: _DisplayShape, output: _DisplayShape) -> tuple[float, float]:
    return scale_factor(source.width, output.width), scale_factor(source.height, output.height)


def _value(colour: Colour, name: str) -> str:
    if name == "full_range":
        return "full" if colour.full_range else "limited"
    code = getattr(colour, name)
    return colour.siting.value if name == "siting" else _NAMES[name].get(code, str(code))


def _rotation_numbers(matrix: tuple[int, ...] | None) -> tuple[int, ...]:
    return _IDENTITY if matrix is None else tuple(matrix[place] for place in _ROTATING)


def compare_hdr(source: Hdr | None, output: Hdr | None) -> Iterator[str]:
    """Yield a line for each part of the source's HDR metadata that is missing or differs in the output."""
    before, after = source or Hdr(), output or Hdr()
    lost = [name for name, value, other in _parts(before, after) if value and not other]
    if lost:
        yield f"HDR metadata of the source is missing: {', '.join(lost)}"
    if before.primaries and after.primaries:
        points = zip(sum(before.primaries, ()), sum(after.primaries, ()), strict=True)
        if any(abs(a - b) > _CHROMATICITY for a, b in points):
            yield f"its mastering display's primaries differ: {Hdr(after.primaries)}, not {Hdr(before.primaries)}"
    if before.luminance and after.luminance:
        low, high = (abs(a - b) for a, b in zip(before.luminance, after.luminance, strict=True))
        if low > _MIN_LUMINANCE or high > _MAX_LUMINANCE:
            values = Hdr(luminance=after.luminance), Hdr(luminance=before.luminance)
            yield "its mastering display's luminance is {}, not {}".format(*values)
    if before.light and after.light and before.light != after.light:
        yield f"its light levels are {Hdr(light=after.light)}, not {Hdr(light=before.light)}"


def _parts(before: Hdr, after: Hdr) -> Iterator[tuple[str, object, object]]:
    yield "mastering display primaries", before.primaries, after.primaries
    yield "mastering display luminance", before.luminance, after.luminance
    yield "light levels", before.light, after.light
