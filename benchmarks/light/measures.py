"""Error measures of an enlarged HDR frame: colour difference, hue, clipping, overshoot and banding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from light.methods import Planes, decode, encode
from light.scenes import BAND, PATCH, Scene, luminance
from light.transfer import Light, System, itp
from pipeline import FrameFormat, psnr

CODES = 1023
_BLACK, _WHITE = 64, 940  # of luma in limited range, 10 bit
_VISIBLE = 720  # BT.2124: lengths in ITP to colour differences
_COLOURED = 0.03  # length of (T, P) from which on a hue is visible: 20 colour differences from grey
_AROUND = 4  # samples each way whose range a sample may have
_MARGIN = 22  # samples of a field or ramp beside another, which are affected by the edge


class Measures(BaseModel):
    """One method on one scene. Codes are those of 10 bit, full range for R'G'B'."""

    psnr: float = Field(description="dB, of R'G'B'")
    delta_mean: float = Field(description="colour difference ITP of BT.2124, mean")
    delta_99: float = Field(description="colour difference that 1 % of the samples exceed")
    delta_max: float
    hue_mean: float = Field(description="degrees in ICtCp, mean size where there is colour")
    hue_99: float
    clipped: float = Field(
        description="% of R'G'B' samples outside 0..1, which displays clip; subsampled chroma causes some, too"
    )
    ends: float = Field(description="% of samples, of any plane, at the lowest or highest code")
    over: float = Field(description="maximum luma codes above the brightest sample around")
    over_light: float = Field(description="maximum cd/m2 above it")
    under: float = Field(description="maximum luma codes below the darkest sample around")
    flat: int | None = Field(None, description="maximum error in the middle of a flat field, of any plane, in codes")
    levels: float | None = Field(None, description="distinct luma codes on ramps, in % of those of the original")
    step: int | None = Field(None, description="largest luma step between neighbours on a ramp, codes")
    falls: float | None = Field(None, description="% of the steps on ramps, which all rise, that go down")
    fall: int | None = Field(None, description="largest of these, codes")


def measure(scene: Scene, planes: Planes, format: FrameFormat, system: System) -> Measures:
    """Compare a frame with the scene that it shows."""
    true = system.code(scene.light)
    rgb = decode(planes, format)
    light = system.light(np.clip(rgb, 0, 1))
    delta = _VISIBLE * np.linalg.norm(itp(light) - itp(scene.light), axis=-1)
    hue = hues(light, scene.light)
    found = Measures(
        psnr=psnr(np.clip(rgb, 0, 1), true, peak=1),
        delta_mean=float(delta.mean()),
        delta_99=float(np.percentile(delta, 99)),
        delta_max=float(delta.max()),
        hue_mean=float(hue.mean()) if hue.size else 0,
        hue_99=float(np.percentile(hue, 99)) if hue.size else 0,
        clipped=100 * float(_outside(rgb)),
        ends=100 * float(np.mean(np.isin(np.concatenate([plane.ravel() for plane in planes]), (0, CODES)))),
        **_overshoot(scene.light, light, planes[0], system),
    )
    if scene.kind == "flat":
        return found.model_copy(update={"flat": _error_in_flats(planes, encode(true, format))})
    return found.model_copy(update=_banding(planes[0], true)) if scene.kind == "ramp" else found


def hues(light: Light, true: Light) -> NDArray[np.float64]:
    """The error of the hue in degrees, of all samples that have a visible one."""
    a, b = (itp(x)[..., 1:] for x in (light, true))
    coloured = (np.linalg.norm(a, axis=-1) > _COLOURED) & (np.linalg.norm(b, axis=-1) > _COLOURED)
    a, b = a[coloured], b[coloured]
    cross, dot = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], (a * b).sum(-1)
    return np.asarray(np.degrees(np.abs(np.arctan2(cross, dot))))


def _outside(rgb: Light) -> float:
    slack = 0.5 / CODES
    return float(np.mean((rgb < -slack) | (rgb > 1 + slack)))


def _overshoot(true: Light, light: Light, luma: NDArray[np.uint16], system: System) -> dict[str, float]:
    """The overshoot beyond the range of the samples around, in luma codes and in light."""
    codes = _BLACK + (_WHITE - _BLACK) * luminance(system.code(true))
    _, brightest = _range_around(luminance(true))
    darkest_code, brightest_code = _range_around(codes)
    over = luma - brightest_code
    return {
        "over": max(0.0, float(over.max())),
        "over_light": max(0.0, float((luminance(light) - brightest).max())),
        "under": max(0.0, float((darkest_code - luma).max())),
    }


def _range_around(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import cv2

    square = np.ones((2 * _AROUND + 1, 2 * _AROUND + 1), np.uint8)
    return np.asarray(cv2.erode(samples, square)), np.asarray(cv2.dilate(samples, square))


def _error_in_flats(planes: Planes, true: Planes) -> int:
    sides = [PATCH, PATCH // 2, PATCH // 2]
    middles = [(slice(side // 2, None, side),) * 2 for side in sides]
    return max(
        int(np.abs(plane[middle].astype(int) - exact[middle]).max())
        for plane, exact, middle in zip(planes, true, middles, strict=True)
    )


def _banding(luma: NDArray[np.uint16], true: Light) -> dict[str, float]:
    """Banding: the luma along the middle row of each ramp."""
    rows = slice(BAND // 2, None, BAND), slice(_MARGIN, -_MARGIN)
    lines = luma[rows].astype(int)
    exact = np.rint(_BLACK + (_WHITE - _BLACK) * luminance(true[rows]))
    steps = np.diff(lines)
    return {
        "levels": 100 * sum(len(set(line)) for line in lines) / sum(len(set(line)) for line in exact),
        "step": int(np.abs(steps).max()),
        "falls": 100 * float(np.mean(steps < 0)),
        "fall": int(max(0, -steps.min())),
    }
