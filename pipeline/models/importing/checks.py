"""Checks of a network that was rewritten to this project's conventions: what is wrong is refused, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.colour.resample import bicubic, resample_axis
from pipeline.errors import ModelError
from pipeline.models.importing import images
from pipeline.models.importing.conventions import Pixels
from pipeline.models.importing.trial import TrialError, rms

Upscale = Callable[[Pixels], Pixels]
"""Upscales (C, H, W) in 0..1 to (C, scale H, scale W). Raises TrialError."""

LARGEST_SHIFT = 0.25  # input pixels
_LARGEST_COLOUR_ERROR = 0.15  # of white, of a flat colour
_LARGEST_ERROR = 0.12  # root mean square, of white, of means over 4 x 4 input pixels
_LEAST_SPAN = 0.02  # of white
_BLOCK = 4
_REACH = 2  # largest displacement by whole pixels that is measured
_LEAST_SIDE = 16  # of images whose displacement is measured
_REFINEMENTS = 4
_LARGER = 3


@dataclass(frozen=True)
class Checked:
    """What the checks measured.

    Attributes:
        shift: How far the output is displaced to the right and to the bottom, in input pixels.
        error: Root mean square of the difference from the photograph before it was reduced, of white.
    """

    shift: tuple[float, float]
    error: float


def check_output(upscale: Upscale, channels: int, scale: int, height: int, width: int) -> Checked:
    """Upscale a flat colour, a ramp, flat colours and a photograph, of about `height` x `width`.

    Raises:
        ModelError: An output is not finite, a single colour, has wrong colours, or is displaced by more than a quarter
            of an input pixel.
    """
    flat = np.full((channels, height, width), 0.5, np.float32)
    ramp = images.ramp(height, width, channels)
    truth = images.photograph(scale * height, scale * width, channels)
    photograph = images.reduced(truth, scale)
    card = _filled(images.colour_card(channels), height, width)
    tried = {"a flat colour": flat, "a ramp": ramp, "flat colours": card, "a photograph": photograph}
    outputs = {name: _finite_output(upscale, image, name) for name, image in tried.items()}
    if float(np.ptp(outputs["a photograph"])) < _LEAST_SPAN:
        raise ModelError("its output is a single colour on a photograph")
    _check_colours(outputs["flat colours"], channels, scale)
    _check_coarsely(outputs["a ramp"], ramp, scale, "a ramp")
    _check_coarsely(outputs["a photograph"], photograph, scale, "a photograph")
    shift = _shift_of(outputs["a photograph"], photograph)
    if max(map(abs, shift)) > LARGEST_SHIFT:
        shift = _shift_on_large_image(upscale, channels, height, width) or shift
    if max(map(abs, shift)) > LARGEST_SHIFT:
        raise ModelError(
            f"its output is displaced by {shift[0]:.2f} pixels to the right and {shift[1]:.2f} to the bottom; "
            f"{LARGEST_SHIFT:g} of an input pixel is allowed"
        )
    return Checked(shift, rms(outputs["a photograph"] - truth))


def measured_shift(output: Pixels, reference: Pixels) -> tuple[float, float]:
    """How far `output` is displaced against `reference`, to the right and to the bottom, in pixels; 0 if it is tiny.

    The displacement by whole pixels with the least difference is refined by the gradient (B. Lucas, T. Kanade, "An
    iterative image registration technique with an application to stereo vision", IJCAI 1981).

    Args:
        output: (H, W).
        reference: (H, W).
    """
    if min(reference.shape) < _LEAST_SIDE:
        return 0.0, 0.0
    steps = [(y, x) for y in range(-_REACH, _REACH + 1) for x in range(-_REACH, _REACH + 1)]
    moved = [rms(_interior(np.asarray(np.roll(output, (-y, -x), (0, 1)) - reference))) for y, x in steps]
    down, across = map(float, steps[int(np.argmin(moved))])
    for _ in range(_REFINEMENTS):
        aligned = resample_axis(resample_axis(output, len(output), 0, 1, down), output.shape[1], 1, 1, across)
        rows, columns = (
            _interior(np.asarray(gradient)).ravel() for gradient in np.gradient(np.asarray(aligned + reference) / 2)
        )
        difference = _interior(np.asarray(reference - aligned)).ravel()
        (dy, dx), *_ = np.linalg.lstsq(np.stack([rows, columns], 1), difference, rcond=None)
        down, across = down + float(dy), across + float(dx)
    return across, down


def _shift_of(output: Pixels, photograph: Pixels) -> tuple[float, float]:
    """Displacement in input pixels."""
    gray = bicubic(output.mean(0).astype(np.float64), *photograph.shape[1:])
    return measured_shift(gray, photograph.mean(0).astype(np.float64))


def _shift_on_large_image(upscale: Upscale, channels: int, height: int, width: int) -> tuple[float, float] | None:
    """The displacement on an image three times as large, where details that a network invents count less.

    None if the network doesn't run on that size.
    """
    photograph = images.photograph(_LARGER * height, _LARGER * width, channels)
    try:
        return _shift_of(upscale(photograph), photograph)
    except TrialError:
        return None


def _finite_output(upscale: Upscale, image: Pixels, name: str) -> Pixels:
    try:
        output = upscale(image)
    except TrialError as error:
        raise ModelError(f"does not run on {name}: {error}") from error
    if not np.isfinite(output).all():
        raise ModelError(f"its output is not finite (NaN or infinite) on {name}")
    return output


def _filled(card: Pixels, height: int, width: int) -> Pixels:
    """`card` cut, or continued by its last pixels, to `height` x `width`."""
    _, rows, columns = card.shape
    extent = ((0, 0), (0, max(0, height - rows)), (0, max(0, width - columns)))
    return np.pad(card, extent, mode="edge")[:, :height, :width]


def _check_colours(output: Pixels, channels: int, scale: int) -> None:
    """Raise ModelError if the middle of a patch of the colour card has another colour."""
    side = images.PATCH * scale
    for index, colour in enumerate(images.flat_colours(channels)):
        row, column = divmod(index, 3)
        middle = output[:, row * side : (row + 1) * side, column * side : (column + 1) * side]
        middle = middle[:, side // 4 : -side // 4, side // 4 : -side // 4]
        if middle.size == 0 or middle.shape[2] < side // 4:  # a network for a smaller size
            continue
        mean = middle.mean((1, 2))
        if np.abs(mean - colour).max() > _LARGEST_COLOUR_ERROR:
            raise ModelError(
                f"its colours are wrong: {_colour_text(colour)} becomes {_colour_text(mean)}; "
                "`model_range` and `model_channels` overrule what was detected"
            )


def _colour_text(colour: Pixels | tuple[float, ...]) -> str:
    return f"({', '.join(f'{part:.2f}' for part in colour)})"


def _check_coarsely(output: Pixels, image: Pixels, scale: int, name: str) -> None:
    """Raise ModelError if `output` does not show `image`, details apart."""
    _, height, width = image.shape
    rows, columns = height // _BLOCK * _BLOCK, width // _BLOCK * _BLOCK
    expected = images.reduced(image[:, :rows, :columns], _BLOCK)
    error = rms(images.reduced(output[:, : rows * scale, : columns * scale], _BLOCK * scale) - expected)
    if error > _LARGEST_ERROR:
        raise ModelError(
            f"its output does not show its input: {name} differs by {error:.2f} of white (root mean square), "
            f"{_LARGEST_ERROR:g} is allowed; `model_range` and `model_channels` overrule what was detected"
        )


def _interior(image: Pixels) -> Pixels:
    inner = slice(2 * _REACH, -2 * _REACH)
    return image[inner, inner]
