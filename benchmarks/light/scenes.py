"""HDR images of which every sample is known: drawn ones, and photographs whose lights are made as bright as real ones.

A scene is linear light of BT.2020 in cd/m2, twice as wide and high as the input of a network of scale 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from light.transfer import LUMINANCE, Light, System
from pipeline import InputError

WHITE = 203.0  # cd/m2 of diffuse white: ITU-R BT.2408
BRIGHTEST = 4000.0  # cd/m2 of lamps, if the system has them
PATCH, BAND = 48, 48  # side of a flat field and rows of a ramp, in pixels
_SUBSAMPLES = 4  # per sample, each way, that scenes are drawn in

TO_2020 = np.array(
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)  # linear BT.709 to BT.2020: ITU-R BT.2087

# Title of a photograph: the centre of its crop, (x, y) as fractions of its size. clear-x2 was not trained on the first
# four.
PHOTOGRAPHS = {
    "singaporean-cityscape": (0.72, 0.42),
    "san-francisco-skyline": (0.65, 0.62),
    "budgie-branch": (0.52, 0.25),
    "abstract-spiral": (0.62, 0.35),
    "spiral-firework": (0.53, 0.68),
}
_CROP = 960  # pixels of a photograph's crop, each way; it is halved because of its noise


@dataclass(frozen=True)
class Scene:
    """An image with known samples.

    Attributes:
        name: For tables.
        kind: Which measures apply: those of a "photograph", "flat", "ramp" or "edge".
        light: (H, W, 3) in cd/m2.
    """

    name: str
    kind: str
    light: Light


def scenes(system: System, photographs: Path | None) -> Iterator[Scene]:
    """All scenes, no brighter than the peak of `system`. photographs: their folder; None: without them."""
    bright = min(BRIGHTEST, system.peak)
    yield Scene("flat fields", "flat", flats(system.peak))
    yield Scene("ramps", "ramp", ramps(system))
    yield Scene("edges", "edge", edges(bright))
    yield Scene("zone plate", "edge", zone_plate(bright / 4))
    for title in PHOTOGRAPHS if photographs else ():
        for peak, wide in ((1000.0, False), (BRIGHTEST, True)):
            gamut = "2020" if wide else "709"
            if photographs and peak <= system.peak:
                yield Scene(f"{title}, {peak:g} cd/m2, {gamut}", "photograph", expand(photographs, title, peak, wide))


def halve(light: Light) -> Light:
    """The mean of each 2 x 2, like a camera of half the resolution."""
    height, width, _ = light.shape
    return np.asarray(light.reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3)))


def flats(peak: float) -> Light:
    """Fields of grey, skin and the purest colours of BT.709 and BT.2020 (columns), from dark to bright (rows)."""
    pure = [[bool(code & bit) for bit in (4, 2, 1)] for code in range(1, 7)]
    hues = np.array([*pure, [1, 1, 1], [1, 0.6, 0.45]], float)
    hues = np.concatenate([hues, hues[:6] @ TO_2020.T])
    brightness = [b for b in (0.1, 1, 10, 50, WHITE, 1000, 4000, 10_000) if b <= peak]
    field = np.array(brightness)[:, None, None] * hues
    return np.asarray(field.repeat(PATCH, 0).repeat(PATCH, 1))


def ramps(system: System) -> Light:
    """Ramps from left to right, linear in code values: the complete range, near black, and slow ones as of skies."""
    top = system.peak
    ends: list[tuple[float, float, tuple[float, float, float]]] = [
        (0.005, top, (1, 1, 1)),
        (0, 1, (1, 1, 1)),
        (90, 110, (1, 1, 1)),
        (top * 0.6, top * 0.8, (1, 1, 1)),
        (150, 180, (0.3, 0.55, 1)),
        (0.1, top / 10, (1, 0, 0)),
        (0.1, top / 10, (0, 0, 1)),
    ]
    rows = []
    for start, end, hue in ends:
        code = system.code(np.array([start, end])[:, None] * np.array(hue))
        share = np.linspace(0, 1, 800)[:, None]
        rows.append(system.light(code[0] * (1 - share) + code[1] * share))
    return np.stack(rows).repeat(BAND, 0)


def edges(bright: float) -> Light:
    """Hard vertical, slanted and round edges between black and `bright`, thin lines, lamps, and red on blue."""
    y, x = (np.mgrid[: 320 * _SUBSAMPLES, : 480 * _SUBSAMPLES] + 0.5) / _SUBSAMPLES
    light = np.full((*x.shape, 3), 0.005)
    for left, right in ((20, 50), (81, 110), (140, 142), (161, 162), (180, 181)):
        light[(x >= left) & (x < right) & (y < 150)] = bright
    light[(x >= 210) & (x < 330) & (y < 150) & (x - 210 + 3 * y > 200) & (x - 210 + 3 * y < 420)] = bright
    for index, radius in enumerate((0.7, 1.5, 3, 6, 12)):
        light[(x - 370) ** 2 + (y - 12 - 30 * index) ** 2 < radius**2] = bright
        light[(x - 430) ** 2 + (y - 12 - 30 * index) ** 2 < radius**2] = np.array([1, 0.2, 0]) * bright / 4
    below = y >= 160
    light[below & (x < 240)] = [0, 0, WHITE]
    light[below & (x >= 240)] = [0, 0, bright / 4]
    strokes = ((x // 3) % 7 == 1) | ((y // 3) % 9 == 2) | ((x + y) % 40 < 3)
    light[below & strokes & (x < 240)] = [WHITE, 0, 0]
    light[below & strokes & (x >= 240)] = [bright / 4, 0, 0]
    return _downsample(light)


def zone_plate(bright: float) -> Light:
    """A zone plate: rings that get finer outwards, between 1 cd/m2 and `bright`."""
    y, x = (np.mgrid[: 320 * _SUBSAMPLES, : 320 * _SUBSAMPLES] + 0.5) / _SUBSAMPLES - 160
    wave = 0.5 + 0.5 * np.cos(np.pi * (x**2 + y**2) / 640)
    return _downsample((1 + (bright - 1) * wave)[..., None].repeat(3, 2))


def _downsample(fine: Light) -> Light:
    height, width, _ = fine.shape
    return np.asarray(
        fine.reshape(height // _SUBSAMPLES, _SUBSAMPLES, width // _SUBSAMPLES, _SUBSAMPLES, 3).mean((1, 3))
    )


def expand(folder: Path, title: str, peak: float, wide: bool) -> Light:
    """A photograph as light: its white at `peak`, its mid-tones as of diffuse white at 203 cd/m2.

    Args:
        wide: Interpret its red, green and blue as those of BT.2020, which gives purer colours than photographs have.
    """
    linear = halve(_linear(_crop(folder, title)))
    linear = linear if wide else np.maximum(linear @ TO_2020.T, 0)
    brightest = linear.max(-1, keepdims=True)
    lifted = WHITE * brightest + (peak - WHITE) * np.clip((brightest - 0.5) / 0.5, 0, 1) ** 2 * brightest
    return np.asarray(linear * (lifted / np.maximum(brightest, 1e-9)))


def _crop(folder: Path, title: str) -> NDArray[np.uint8]:
    import cv2

    photograph = next((cv2.imread(str(path)) for path in sorted(folder.glob(f"*{title}*"))), None)
    if photograph is None:
        raise InputError(f"{folder}: no photograph {title} in it; use those of budgie-backgrounds")
    height, width, _ = photograph.shape
    x, y = (int(part * side) - _CROP // 2 for part, side in zip(PHOTOGRAPHS[title], (width, height), strict=True))
    x, y = min(max(x, 0), width - _CROP), min(max(y, 0), height - _CROP)
    return np.asarray(photograph[y : y + _CROP, x : x + _CROP, ::-1])


def _linear(image: NDArray[np.uint8]) -> Light:
    """sRGB's inverse curve: IEC 61966-2-1."""
    code = image / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def luminance(light: Light) -> Light:
    return np.asarray(light @ LUMINANCE)
