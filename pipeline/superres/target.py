"""The size of the output and the passes of the network that lead to it, from the settings and the source."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from pipeline.config.settings import Upscaling
from pipeline.config.target_fields import MAX_SIDE, Size
from pipeline.errors import SettingsError
from pipeline.frame import FrameFormat
from pipeline.models.cascade import repeated
from pipeline.models.spec import ModelSpec

SQUARE = Fraction(1)  # the sample aspect ratio of square pixels

_MAX_TERM = 2**16 - 1  # of a sample aspect ratio: H.264 and H.265 store 16 bits of each


@dataclass(frozen=True)
class Target:
    """The stored size of upscaled frames.

    Attributes:
        width: In pixels.
        height: In pixels.
        sample_aspect: Width of a pixel divided by its height.
    """

    width: int
    height: int
    sample_aspect: Fraction

    @property
    def transposed(self) -> Target:
        """The same for frames whose rows are columns."""
        return Target(self.height, self.width, 1 / self.sample_aspect)


@dataclass(frozen=True)
class Shape:
    """The shape of source frames.

    Attributes:
        width: In pixels.
        height: In pixels.
        sample_aspect: Width of a pixel divided by its height.
        units: The output's width and height are rounded to multiples of these, so that chroma samples are complete.
    """

    width: int
    height: int
    sample_aspect: Fraction
    units: Size = (1, 1)

    @classmethod
    def of(cls, format: FrameFormat, sample_aspect: Fraction) -> Shape:
        """The shape of frames of `format`."""
        return cls(format.width, format.height, sample_aspect, (1 << format.pixel.sub_x, 1 << format.pixel.sub_y))

    @property
    def transposed(self) -> Shape:
        """The same for frames whose rows are columns."""
        return Shape(self.height, self.width, 1 / self.sample_aspect, self.units[::-1])

    @property
    def display_aspect(self) -> Fraction:
        """Width of the frame divided by its height, as players show it."""
        return self.sample_aspect * self.width / self.height


def plan_target(settings: Upscaling, source: Shape, factor: int, transposed: bool = False) -> Target:
    """The size of the upscaled frames.

    Args:
        settings: Its `scale`, `size`, `height` and `fit`, of which one at most is set.
        source: The shape of the frames that are upscaled.
        factor: Factor of the network, which is used where nothing is set.
        transposed: Players rotate the frames by a quarter turn, by a tag: `size`, `height` and `fit` are sizes as
            players show the video.

    Raises:
        SettingsError: The output would be too large.
    """
    if settings.scale is None and settings.size is None and settings.height is None and settings.fit is None:
        return Target(source.width * factor, source.height * factor, source.sample_aspect)
    shown = source.transposed if transposed else source
    target = _shown_target(settings, shown)
    if max(target.width, target.height) > MAX_SIDE:
        raise SettingsError(
            f"the output would be {target.width}x{target.height}; {MAX_SIDE} pixels are allowed on a side: set a "
            "smaller `scale` or `height`"
        )
    return target.transposed if transposed else target


def plan_passes(model: ModelSpec, source: FrameFormat, target: Target) -> ModelSpec:
    """The model whose output has about the size of `target` or is larger: `model`, its last network repeated if needed.

    Raises:
        ModelError: The network can't follow itself.
    """
    return repeated(model, Fraction(target.width * target.height, source.width * source.height))


def target_label(settings: Upscaling, factor: int) -> str:
    """The part of an output's name that tells its size: x2 or x1.5, 2160p, or 3840x2160."""
    box = settings.size or settings.fit
    if box:
        return f"{box[0]}x{box[1]}"
    if settings.height:
        return f"{settings.height}p"
    return f"x{float(factor if settings.scale is None else settings.scale):g}"


def _shown_target(settings: Upscaling, source: Shape) -> Target:
    across, down = source.units
    if settings.scale is not None:
        width, height = _rounded(source.width * settings.scale, across), _rounded(source.height * settings.scale, down)
        return Target(width, height, source.sample_aspect)
    if settings.size:
        return Target(*settings.size, _kept_aspect(source, *settings.size))
    shape = source.display_aspect
    if settings.height:
        return Target(_rounded(settings.height * shape, across), settings.height, SQUARE)
    assert settings.fit
    box_width, box_height = max(across, settings.fit[0] // across * across), max(down, settings.fit[1] // down * down)
    if box_width > box_height * shape:
        return Target(_rounded(box_height * shape, across, box_width), box_height, SQUARE)
    return Target(box_width, _rounded(box_width / shape, down, box_height), SQUARE)


def _rounded(length: Fraction, unit: int, most: int = MAX_SIDE * MAX_SIDE) -> int:
    """The multiple of `unit` nearest to `length`, at least one, and not above `most` where that is possible."""
    nearest = unit * floor(length / unit + Fraction(1, 2))
    return max(unit, min(nearest, most // unit * unit))


def _kept_aspect(source: Shape, width: int, height: int) -> Fraction:
    """The sample aspect ratio with which a frame of this size is shown in the source's shape.

    It is the source's own, or that of square pixels, if the shape differs by less than two pixels.
    """
    exact = source.display_aspect * height / width
    for simple in (source.sample_aspect, SQUARE):
        if abs(exact / simple - 1) * width < 2:
            return simple
    stored = min(max(exact, Fraction(1, _MAX_TERM)), Fraction(_MAX_TERM))
    return stored.limit_denominator(_MAX_TERM // min(floor(stored) + 1, _MAX_TERM))
