"""The trial of a network: its conventions are found by running it on known images.

A network is run with each known value range, and the range is chosen with which the output is closest to the image
before it was reduced. The name of the file plays no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.models.importing import images
from pipeline.models.importing.conventions import BYTES, KNOWN_RANGES, SIGNED, UNIT, Overrides, Pixels, ValueRange

Run = Callable[[Pixels], Pixels]
"""Runs a network on values in its own range, (C, H, W) to (C, h, w). Raises TrialError."""

LARGEST_SCALE = 8
LARGEST_MULTIPLE = 64
_SMALL, _LARGE = 33, 65  # least sides of trial images; known convolutions without padding remove up to 28 on each side
_POWERS = (1, 2, 4, 8, 16, 32, 64)
_OTHERS = tuple(n for n in range(3, LARGEST_MULTIPLE) if n not in _POWERS)

_USUAL_RANGES = (UNIT, BYTES, SIGNED)
# Ratios of errors below which an interpretation is preferred to a more usual one. Measured with 17 public networks: the
# error of 0..255 for networks of 0..1 is at least 1.09 times that of 0..1, and conversely 1.38 times.
_SLIGHTLY_BETTER, _BETTER, _CLEARLY_BETTER = 0.98, 0.9, 0.5
_HINTED = 0.6  # a network of -1..1 may be as good on 0..1, which is a part of it: its last operator decides


class TrialError(Exception):
    """The network does not run on a tensor; the message is the runtime's, in one line."""


class _WrongSize(Exception):
    """The output has another size than that of an upscaler; the message names both sizes."""


@dataclass(frozen=True)
class Geometry:
    """How the size of the output follows from the size of the input.

    Attributes:
        scale: Factor by which width and height grow.
        missing: Output pixels that an axis lacks, compared with `scale` times the input.
        multiple: Sizes that the network accepts are multiples of it.
        height: Height of images for the trial.
        width: Width of images for the trial.
        is_fixed: True if the network accepts only that size.
    """

    scale: int
    missing: int
    multiple: int
    height: int
    width: int
    is_fixed: bool = False


@dataclass(frozen=True)
class Values:
    """The meaning of the values in both tensors.

    Attributes:
        input_range: Value range of the input.
        output_range: Value range of the output.
        reversed: True if the channels of the input are in the order blue, green, red.
        output_reversed: True if the channels of the output have the opposite order.
        error: Root mean square of the difference from the known image, of white.
    """

    input_range: ValueRange
    output_range: ValueRange
    reversed: bool
    output_reversed: bool
    error: float


def measure_geometry(run: Run, channels: int) -> Geometry:
    """Find the sizes that a network for any size accepts, and its scale. Raises ModelError."""
    refusal: TrialError | _WrongSize | None = None
    for side, multiples in ((_SMALL, _POWERS), (_LARGE, (*_POWERS, *_OTHERS))):
        for multiple in multiples:
            if isinstance(refusal, _WrongSize) and multiple not in _POWERS:
                break
            try:
                scale, missing = _scale_at(run, channels, side, multiple)
            except (TrialError, _WrongSize) as error:
                refusal = error
                continue
            if missing == 0 or side == _LARGE:
                return _for_values(scale, missing, multiple)
            break  # small images may have failed only because of the border
    if isinstance(refusal, _WrongSize):
        raise ModelError(f"{refusal}; factors that are whole numbers from 1 to {LARGEST_SCALE} are supported")
    raise ModelError(f"does not run on images of any size that was tried: {refusal}")


def _scale_at(run: Run, channels: int, side: int, multiple: int) -> tuple[int, int]:
    """Scale and missing pixels, if these are the same for two images whose sides are multiples of `multiple`.

    Raises TrialError if the network fails on them, and _WrongSize for other outputs.
    """
    count = -(-side // multiple) | 1  # odd, so that the height is no multiple of 2 * multiple
    height, width = multiple * count, multiple * (count + 1)
    rows, columns = _output_shape(run, channels, height, width)
    others = _output_shape(run, channels, width, height + 4 * multiple)
    factor = (columns - rows) / multiple
    scale = round(factor)
    missing = scale * height - rows
    consistent = others == (columns, rows + 4 * multiple * scale) and missing >= 0 < rows
    if scale != factor or not consistent or not 1 <= scale <= LARGEST_SCALE:
        raise _WrongSize(f"enlarges {width}x{height} to {columns}x{rows}")
    return scale, missing


def _for_values(scale: int, missing: int, multiple: int) -> Geometry:
    """The geometry, with a size for images whose output shows enough."""
    count = -(-(_SMALL + missing // scale) // multiple)
    return Geometry(scale, missing, multiple, multiple * count, multiple * (count + 1))


def fixed_geometry(run: Run, channels: int, height: int, width: int) -> Geometry:
    """The geometry of a network that accepts a single size. Raises ModelError."""
    try:
        rows, columns = _output_shape(run, channels, height, width)
    except TrialError as error:
        raise ModelError(f"does not run on {width}x{height}, the size that it declares: {error}") from error
    scale = -(-rows // height)
    missing = scale * height - rows
    if not 1 <= scale <= LARGEST_SCALE or scale * width - columns != missing or missing >= rows:
        raise ModelError(
            f"enlarges {width}x{height} to {columns}x{rows}; "
            f"factors that are whole numbers from 1 to {LARGEST_SCALE} are supported"
        )
    return Geometry(scale, missing, 1, height, width, is_fixed=True)


def measure_values(
    run: Run, channels: int, geometry: Geometry, overrides: Overrides, hint: ValueRange | None = None
) -> Values:
    """Find the value ranges and the order of channels.

    Args:
        run: The network.
        channels: 3 or 1.
        geometry: Its geometry.
        overrides: What the user states.
        hint: The range of the output as the graph shows it, if it does.

    Raises:
        ModelError: The network does not run, or its output is not finite with any range.
    """
    truth = images.photograph(geometry.height * geometry.scale, geometry.width * geometry.scale, channels)
    image, truth = images.reduced(truth, geometry.scale), cropped(truth, geometry.missing)
    # A run at the only size may take seconds.
    candidates: tuple[ValueRange, ...] = _USUAL_RANGES if geometry.is_fixed else KNOWN_RANGES
    if overrides.range:
        candidates = (ValueRange.parse(overrides.range),)
    found: list[Values] = []
    for candidate in candidates:
        if candidate.suits(channels):
            found += _interpretations(run, image, truth, candidate, overrides.channels == "bgr")
    found = [each for each in found if np.isfinite(each.error)]
    if not found:
        raise ModelError("its output is not finite (NaN or infinite) on a photograph")
    chosen = min(found, key=lambda values: _score(values, hint))
    if channels == 3 and overrides.channels is None and not chosen.reversed:
        for other in _interpretations(run, image, truth, chosen.input_range, True):
            if other.output_range == chosen.output_range and other.error < _CLEARLY_BETTER * chosen.error:
                return other
    return chosen


def cropped(image: Pixels, missing: int) -> Pixels:
    """`image` without the border of `missing` pixels along each axis, half of them on each side."""
    before = missing // 2
    _, height, width = image.shape
    return image[:, before : height - (missing - before), before : width - (missing - before)]


def rms(difference: NDArray[Any]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))


def _output_shape(run: Run, channels: int, height: int, width: int) -> tuple[int, int]:
    shape = run(images.ramp(height, width, channels)).shape
    return shape[1], shape[2]


def _interpretations(
    run: Run, image: Pixels, truth: Pixels, input_range: ValueRange, reverse: bool
) -> Iterator[Values]:
    """The output for one range of the input, with each meaning that it may have."""
    ordered, expected = (image[::-1], truth[::-1]) if reverse else (image, truth)
    known = input_range.reversed() if reverse else input_range
    try:
        with np.errstate(all="ignore"):
            output = run(np.ascontiguousarray(known.encode(ordered)))
    except TrialError:
        return
    for output_range in dict.fromkeys((known, *_USUAL_RANGES)):
        decoded = output_range.decode(output)
        for output_reversed in (False, True)[: len(image)]:
            difference = (decoded[::-1] if output_reversed else decoded) - expected
            yield Values(known, output_range, reverse, output_reversed, rms(difference))


def _score(values: Values, hint: ValueRange | None) -> float:
    """The error, weighted by how usual an interpretation is: an unusual one must be clearly better."""
    usual = values.input_range in _USUAL_RANGES
    weight = (1.0 if values.input_range == UNIT else _SLIGHTLY_BETTER) if usual else _BETTER
    if values.input_range != values.output_range or values.output_reversed:
        weight *= _CLEARLY_BETTER
    if hint is not None and values.output_range != hint:
        weight *= _HINTED
    return values.error / weight
