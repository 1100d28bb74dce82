"""The conventions of a network: what its author made it expect and give."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.models.spec import HeightWidth

Pixels = NDArray[Any]  # (C, H, W)

_NUMBER = r"-?\d+(?:\.\d+)?"
_BOUNDS = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # as in torchvision's models
_DIV2K_MEAN = (0.4488, 0.4371, 0.4040)  # as in the networks of EDSR


@dataclass(frozen=True)
class ValueRange:
    """The values of black and of white in a tensor.

    Attributes:
        name: As `model_range` accepts it.
        black: Value of black: one number, or one for each of red, green and blue.
        white: Value of white, likewise.
    """

    name: str
    black: tuple[float, ...]
    white: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The range of this name, or from `BLACK..WHITE`, such as -1..1. Raises ModelError."""
        for known in KNOWN_RANGES:
            if text == known.name:
                return cls(known.name, known.black, known.white)
        match = _BOUNDS.fullmatch(text)
        if not match or float(match[1]) >= float(match[2]):
            named = ", ".join(known.name for known in KNOWN_RANGES)
            raise ModelError(f"`model_range` {text}: should be one of {named}, or BLACK..WHITE, such as 16..235")
        return cls(text, (float(match[1]),), (float(match[2]),))

    def encode(self, image: Pixels) -> Pixels:
        """Values of this range from values in 0..1."""
        return np.asarray(self._black + image * (self._white - self._black))

    def decode(self, tensor: Pixels) -> Pixels:
        """Values in 0..1, not clamped, from values of this range."""
        return np.asarray((tensor - self._black) / (self._white - self._black))

    def reversed(self) -> ValueRange:
        """This range for channels in the opposite order."""
        return ValueRange(self.name, self.black[::-1], self.white[::-1])

    def suits(self, channels: int) -> bool:
        """False if this is a range of three different channels, and there is one."""
        return len(self.black) in (1, channels)

    @property
    def _black(self) -> Pixels:
        return np.array(self.black, np.float32)[:, None, None]

    @property
    def _white(self) -> Pixels:
        return np.array(self.white, np.float32)[:, None, None]


def _standardised(name: str, mean: tuple[float, ...], deviation: tuple[float, ...]) -> ValueRange:
    pairs = list(zip(mean, deviation, strict=True))
    return ValueRange(name, tuple(-m / d for m, d in pairs), tuple((1 - m) / d for m, d in pairs))


UNIT = ValueRange("0..1", (0.0,), (1.0,))
BYTES = ValueRange("0..255", (0.0,), (255.0,))
SIGNED = ValueRange("-1..1", (-1.0,), (1.0,))
KNOWN_RANGES = (
    UNIT,
    BYTES,
    SIGNED,
    ValueRange("-0.5..0.5", (-0.5,), (0.5,)),
    _standardised("imagenet", _IMAGENET_MEAN, _IMAGENET_DEVIATION),
    _standardised("div2k", _DIV2K_MEAN, (1.0, 1.0, 1.0)),
)
"""The ranges that a trial distinguishes, the most common first."""

CHANNEL_ORDERS = ("rgb", "bgr", "y")
LAYOUTS = ("nchw", "nhwc")


@dataclass(frozen=True)
class Overrides:
    """What the user states of a network, which is then not detected. None: detect it.

    Attributes:
        range: Value range of the input: name of one of KNOWN_RANGES, or BLACK..WHITE.
        channels: One of CHANNEL_ORDERS.
        layout: One of LAYOUTS.
    """

    range: str | None = None
    channels: str | None = None
    layout: str | None = None

    def over(self, others: Overrides) -> Overrides:
        """These, and `others` for what these leave open."""
        return Overrides(*(getattr(self, f.name) or getattr(others, f.name) for f in fields(self)))


@dataclass(frozen=True)
class Conventions:
    """The conventions of a network.

    Attributes:
        scale: Factor by which width and height grow, 1 to 8.
        channels: Meaning of the channels of the input: "rgb", "bgr", or "y" for luma alone.
        output_reversed: True if the output has the opposite order of channels.
        input_range: Value range of the input.
        output_range: Value range of the output.
        input_dtype: Element type of the input, as NumPy names it.
        output_dtype: Element type of the output.
        layout: "nchw" or "nhwc".
        size_multiple: Height and width of the input must be multiples of it, 1 to 64.
        size: (H, W) if the network accepts a single size, otherwise None.
        declared_size: (H, W) if the file declares a single size, which the network may nevertheless not need.
        border: Input pixels by which each side is continued before the network, because its output lacks a border.
        excess: Output pixels that are then removed from each side.
    """

    scale: int
    channels: str
    output_reversed: bool
    input_range: ValueRange
    output_range: ValueRange
    input_dtype: str
    output_dtype: str
    layout: str
    size_multiple: int
    size: HeightWidth | None
    declared_size: HeightWidth | None
    border: int = 0
    excess: int = 0

    def to_json(self) -> dict[str, Any]:
        """The fields, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_json`. Raises TypeError or KeyError for other values."""
        ranges = {
            name: ValueRange(value["name"], tuple(value["black"]), tuple(value["white"]))
            for name, value in values.items()
            if name in ("input_range", "output_range")
        }
        sizes = {name: tuple(values[name]) if values[name] else None for name in ("size", "declared_size")}
        return cls(**values | ranges | sizes)
