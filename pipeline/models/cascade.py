"""Cascades: networks that run one after the other, described as one network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from math import ceil, gcd, lcm, prod

from pipeline.errors import ModelError
from pipeline.models.spec import HeightWidth, ModelSpec

_MOST_STEPS = 8
# A pass costs the square of the factors before it. Up to this factor, resampling replaces a further pass.
_RESAMPLED = Fraction(5, 4)


def cascade(models: Sequence[ModelSpec]) -> ModelSpec:
    """Describe networks that run one after the other as one network; a single one is returned as it is.

    Both tensors of the cascade have the type, order and value range of its first network. What holds for each network
    at its own place (receptive field, sizes) is stated in pixels of the cascade's input.

    Raises:
        ModelError: The networks can't follow each other.
    """
    steps = [step for model in models for step in (model.steps or (model,))]
    if len(steps) == 1:
        return steps[0]
    _check(steps)
    first, scales = steps[0], list(_scales(steps))
    return replace(
        first,
        name=_joined(step.name for step in steps),
        sha256=hashlib.sha256(" ".join(step.sha256 for step in steps).encode()).hexdigest(),
        scale=prod(step.scale for step in steps),
        size=_size(steps, scales),
        size_multiple=lcm(*(_unit(step.size_multiple, scale) for step, scale in zip(steps, scales, strict=True))),
        stride=lcm(*(_unit(step.stride, scale) for step, scale in zip(steps, scales, strict=True))),
        receptive_field_radius=_radius(steps, scales),
        parameters=sum(step.parameters for step in steps),
        licence=", ".join(dict.fromkeys(step.licence for step in steps)),
        precision="/".join(dict.fromkeys(step.precision for step in steps)),
        max_channels=max(step.max_channels for step in steps),
        description="a cascade of networks",
        reference=None,
        steps=tuple(steps),
    )


def repeated(model: ModelSpec, enlargement: Fraction) -> ModelSpec:
    """Repeat the last network of `model` until an enlargement is reached.

    Another pass costs several times as much as all before it, so a rest of up to 5/4 is left to the resampler.

    Args:
        model: A network or a cascade.
        enlargement: Output pixels per input pixel: the product of the factors of width and height.

    Raises:
        ModelError: The network can't follow itself.
    """
    steps = [*(model.steps or (model,))]
    last = steps[-1]
    while (
        last.scale > 1
        and len(steps) < _MOST_STEPS
        and enlargement > (_RESAMPLED * prod(step.scale for step in steps)) ** 2
    ):
        steps.append(last)
    return cascade(steps)


def _check(steps: Sequence[ModelSpec]) -> None:
    if len(steps) > _MOST_STEPS:
        raise ModelError(f"`model`: a cascade of {len(steps)} networks; {_MOST_STEPS} are allowed")
    luma = next((step for step in steps if step.channels == 1), None)
    colour = next((step for step in steps if step.channels != 1), None)
    if luma and colour:
        raise ModelError(
            f"`model`: {luma.name} upscales luma alone and {colour.name} upscales RGB, so they can't form a cascade: "
            "use networks of one kind"
        )


def _scales(steps: Sequence[ModelSpec]) -> Iterator[int]:
    """The factor of the networks before each step."""
    scale = 1
    for step in steps:
        yield scale
        scale *= step.scale


def _unit(multiple: int, scale: int) -> int:
    """The input lengths of the cascade whose `scale`-fold is a multiple of `multiple` are multiples of this."""
    return multiple // gcd(multiple, scale)


def _radius(steps: Sequence[ModelSpec], scales: Sequence[int]) -> int | None:
    radius = 0
    for step, scale in zip(steps, scales, strict=True):
        if step.receptive_field_radius is None:
            return None
        radius += ceil(Fraction(step.receptive_field_radius, scale))
    return radius


def _size(steps: Sequence[ModelSpec], scales: Sequence[int]) -> HeightWidth | None:
    """The single size that the cascade accepts, (H, W); None if it accepts several."""
    sizes = {
        (Fraction(step.size[0], scale), Fraction(step.size[1], scale)): step
        for step, scale in zip(steps, scales, strict=True)
        if step.size
    }
    if not sizes:
        return None
    (height, width), *others = sizes
    if others or height.denominator > 1 or width.denominator > 1:
        step = [*sizes.values()][-1]
        assert step.size
        raise ModelError(
            f"`model`: {step.name} accepts only images of {step.size[1]}x{step.size[0]}, which the networks before it "
            "do not give: use it alone, or a network that accepts other sizes"
        )
    return int(height), int(width)


def _joined(names: Iterable[str]) -> str:
    """Names in a row, a repeated one with its count: "denoise, clear-x2 twice"."""
    counts = ((name, len([*group])) for name, group in groupby(names))
    times = {1: "", 2: " twice"}
    return ", ".join(f"{name}{times.get(count, f' {count} times')}" for name, count in counts)
