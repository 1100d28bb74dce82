"""Methods to enlarge an HDR frame: by a network on some encoding of the light, or by resampling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from light.scenes import TO_2020, halve
from light.transfer import HLG, HLG_PEAK, PEAK, PQ, Light, System
from pipeline import (
    PIXEL_FORMATS,
    Colour,
    Frame,
    FrameFormat,
    ModelSpec,
    Plane,
    SessionRequest,
    Settings,
    bicubic,
    from_rgb,
    limit_overshoot,
    open_session,
    run_reference,
    to_rgb,
)

_BT2020, _DISPLAY_GAMMA = 9, 2.4  # H.273's code of both matrix and primaries; the gamma of BT.1886

RESAMPLED, AS_CODED, LIMITED, UPREZ = "resampled", "as coded", "as coded, limited", "uprez"

Planes = Sequence[Plane]
Curve = Callable[[Light], Light]


@dataclass(frozen=True)
class Encoding:
    """A form of a network's input other than code values.

    Attributes:
        name: For tables.
        encode: From light in cd/m2 to that form, black at 0 and white at 1.
        decode: The inverse.
    """

    name: str
    encode: Curve
    decode: Curve


def _gamma(peak: float) -> Encoding:
    return Encoding(
        f"gamma 2.4, {peak:,.0f} cd/m2",
        lambda light: np.sign(light) * (np.abs(light) / peak) ** (1 / _DISPLAY_GAMMA),
        lambda code: np.sign(code) * np.abs(code) ** _DISPLAY_GAMMA * peak,
    )


def encodings(system: System) -> list[Encoding]:
    """The forms in which a network is given `system`, beside its code values as they are."""
    narrow = np.linalg.inv(TO_2020)
    other = HLG if system is PQ else PQ
    gammas = [_gamma(PEAK), _gamma(HLG_PEAK)] if system is PQ else [_gamma(HLG_PEAK)]
    return [
        *gammas,
        Encoding(f"{other.name}'s curve", other.code, other.light),
        Encoding(
            "BT.709's primaries",
            lambda light: system.code(light @ narrow.T),
            lambda code: system.light(code) @ TO_2020.T,
        ),
    ]


def frame_format(width: int, height: int, system: System) -> FrameFormat:
    """10-bit 4:2:0 in limited range, as HDR10 and HLG are delivered."""
    colour = Colour(_BT2020, False, primaries=_BT2020, transfer=system.transfer)
    return FrameFormat(width, height, PIXEL_FORMATS["yuv420p10le"], colour)


def encode(rgb: NDArray[Any], format: FrameFormat) -> Planes:
    """The planes of R'G'B', (H, W, 3), nominal range 0..1."""
    planes = format.split(np.empty(format.bytes, np.uint8))
    from_rgb(rgb.transpose(2, 0, 1), format, planes)
    return planes


def decode(planes: Planes, format: FrameFormat) -> Light:
    """R'G'B' of planes, (H, W, 3) float64, nominal range 0..1."""
    rgb = np.empty((3, format.height, format.width))
    to_rgb(planes, format, rgb)
    return rgb.transpose(1, 2, 0)


class Enlarger:
    """A scene of linear light, halved in size and encoded, and enlarged again by every method.

    Args:
        light: The scene, (H, W, 3) in cd/m2.
        system: PQ or HLG.
        in_light: Halve by the mean of each 2 x 2 in linear light, as a camera does; else, as most software does, by
            antialiased bicubic on code values.
    """

    def __init__(self, light: Light, system: System, in_light: bool) -> None:
        height, width, _ = light.shape
        self.system = system
        self.result = frame_format(width, height, system)
        self.source = frame_format(width // 2, height // 2, system)
        small = system.code(halve(light)) if in_light else bicubic(system.code(light), height // 2, width // 2)
        self.samples = encode(small, self.source)
        self.rgb = decode(self.samples, self.source)

    def all_methods(self, model: ModelSpec) -> Iterator[tuple[str, Planes]]:
        """The name of each method, and the frame that it makes."""
        yield RESAMPLED, encode(bicubic(self.rgb, self.result.height, self.result.width), self.result)
        yield AS_CODED, encode(apply_network(model, self.rgb), self.result)
        for form in encodings(self.system):
            enlarged = form.decode(apply_network(model, form.encode(self.system.light(self.rgb))))
            code = self.system.code(enlarged)
            yield form.name, encode(code, self.result)
            yield f"{form.name}, limited", encode(self._limit(code), self.result)
        yield LIMITED, encode(self._limit(apply_network(model, self.rgb)), self.result)
        yield UPREZ, upscale_frame(model, self.samples, self.source, self.result)

    def _limit(self, rgb: Light) -> Light:
        """`rgb` within the range of the 3 x 3 input pixels around each output pixel."""
        result = rgb.copy()
        limit_overshoot(result.transpose(2, 0, 1), self.rgb.transpose(2, 0, 1))
        return result


def upscale_frame(model: ModelSpec, planes: Planes, source: FrameFormat, result: FrameFormat) -> Planes:
    """One frame through the project's session on the CPU."""
    request = SessionRequest("onnx", model, source, Settings.load(None, backend="onnx"), result)
    with open_session(request) as session:
        return tuple(session.collect(session.submit(Frame(source, tuple(planes), 0))).planes)


def apply_network(model: ModelSpec, image: Light) -> Light:
    """The network's output for an image, (H, W, 3)."""
    output = run_reference(model, np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32))
    return np.asarray(output[0].transpose(1, 2, 0), np.float64)
