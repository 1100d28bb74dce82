"""Ways to enlarge an HDR frame: by a network that meets the code values in one form or another, or by a resampler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from light.scenes import TO_2020, halved
from light.transfer import HLG, HLG_PEAK, PEAK, PQ, Light, System
from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.hdr_limit import limit_overshoot
from pipeline.colour.resample import bicubic
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Plane
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu.network import CpuNetwork
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.gpu.validation import reference_output

_BT2020, _DISPLAY_GAMMA = 9, 2.4  # H.273's code of both matrix and primaries; the gamma of BT.1886

RESAMPLED, AS_CODED, LIMITED, UPREZ = "resampled", "as coded", "as coded, limited", "uprez"

Planes = Sequence[Plane]
Change = Callable[[Light], Light]


@dataclass(frozen=True)
class Way:
    """What a network is fed instead of code values: `to` makes it of light in cd/m2, `back` undoes that."""

    name: str
    to: Change
    back: Change


def _gamma(peak: float) -> Way:
    return Way(
        f"gamma 2.4, {peak:,.0f} cd/m2",
        lambda light: np.sign(light) * (np.abs(light) / peak) ** (1 / _DISPLAY_GAMMA),
        lambda code: np.sign(code) * np.abs(code) ** _DISPLAY_GAMMA * peak,
    )


def ways(system: System) -> list[Way]:
    """Forms in which a network may be shown `system`, beside its code values as they are."""
    narrow = np.linalg.inv(TO_2020)
    other = HLG if system is PQ else PQ
    gammas = [_gamma(PEAK), _gamma(HLG_PEAK)] if system is PQ else [_gamma(HLG_PEAK)]
    return [
        *gammas,
        Way(f"{other.name}'s curve", other.code, other.light),
        Way(
            "BT.709's primaries",
            lambda light: system.code(light @ narrow.T),
            lambda code: system.light(code) @ TO_2020.T,
        ),
    ]


def frame_format(width: int, height: int, system: System) -> FrameFormat:
    """4:2:0 of 10 bit in limited range, as HDR10 and HLG are delivered."""
    colour = Colour(_BT2020, False, primaries=_BT2020, transfer=system.transfer)
    return FrameFormat(width, height, PIXEL_FORMATS["yuv420p10le"], colour)


def coded(rgb: NDArray[Any], format: FrameFormat) -> Planes:
    """R'G'B', (H, W, 3), as samples."""
    planes = format.split(np.empty(format.bytes, np.uint8))
    from_rgb(rgb.transpose(2, 0, 1), format, planes)
    return planes


def decoded(planes: Planes, format: FrameFormat) -> Light:
    """R'G'B', (H, W, 3), of samples."""
    rgb = np.empty((3, format.height, format.width))
    to_rgb(planes, format, rgb)
    return rgb.transpose(1, 2, 0)


class Enlarger:
    """A scene of linear light, at half its size and coded, and then enlarged again in every way.

    in_light: how it was made smaller: the mean of each 2 x 2 in linear light, as a camera does; or, as most software
    does, by antialiased bicubic on code values.
    """

    def __init__(self, light: Light, system: System, in_light: bool) -> None:
        height, width, _ = light.shape
        self.system = system
        self.result = frame_format(width, height, system)
        self.source = frame_format(width // 2, height // 2, system)
        small = system.code(halved(light)) if in_light else bicubic(system.code(light), height // 2, width // 2)
        self.samples = coded(small, self.source)
        self.rgb = decoded(self.samples, self.source)

    def every(self, model: ModelSpec) -> Iterator[tuple[str, Planes]]:
        """Each way by its name, and the frame that it makes."""
        yield RESAMPLED, coded(bicubic(self.rgb, self.result.height, self.result.width), self.result)
        yield AS_CODED, coded(through(model, self.rgb), self.result)
        for way in ways(self.system):
            between = self.system.code(way.back(through(model, way.to(self.system.light(self.rgb)))))
            yield way.name, coded(between, self.result)
            yield f"{way.name}, limited", coded(self._limited(between), self.result)
        yield LIMITED, coded(self._limited(through(model, self.rgb)), self.result)
        yield UPREZ, self.by_session(model)

    def by_session(self, model: ModelSpec) -> Planes:
        with OnnxSession(CpuNetwork(model), self.source, self.result) as session:
            return session.collect(session.submit(Frame(self.source, tuple(self.samples), 0))).planes

    def _limited(self, rgb: Light) -> Light:
        """`rgb`, within the range of the 3 x 3 pixels that it was made of."""
        result = rgb.copy()
        limit_overshoot(result.transpose(2, 0, 1), self.rgb.transpose(2, 0, 1))
        return result


def through(model: ModelSpec, picture: Light) -> Light:
    """What the network makes of a picture, (H, W, 3)."""
    given = reference_output(model, np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32))
    return np.asarray(given[0].transpose(1, 2, 0), np.float64)
