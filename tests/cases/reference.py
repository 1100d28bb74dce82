"""A float64 model of colour conversion: H.273's matrices and ranges, and the documented filters of chroma.

Along an axis where two luma samples share a chroma sample, chroma i is sited at luma 2i, 2i + 1/2 or 2i + 1. Chroma is
upsampled by linear interpolation. It is downsampled by [1 2 1] / 4 where it is sited on a luma sample, and by the mean
of two where it is between them; edges are repeated. The code is independent of the package and of FFmpeg.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.cases.samples import UNSPECIFIED, Layout, Tags

Samples = NDArray[np.floating]

_WEIGHTS = {  # H.273 table 4: Kr, Kb
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
_Sitings = dict[str | None, float]
_FROM_LEFT: _Sitings = {
    "left": 0.0,
    "topleft": 0.0,
    "bottomleft": 0.0,
    "center": 0.5,
    "top": 0.5,
    "bottom": 0.5,
}
_FROM_TOP: _Sitings = {
    "topleft": 0.0,
    "top": 0.0,
    "left": 0.5,
    "center": 0.5,
    "bottomleft": 1.0,
    "bottom": 1.0,
}
_SD = 1024, 576
_WIDE = (16, 18)  # transfers, PQ and HLG, that only come with BT.2020


def resolve_tags(tags: Tags, pixel: str, size: tuple[int, int], codec: str = "") -> Tags:
    """Fills in unspecified tags as players do: matrix by the size, limited range, chroma on the left."""
    matrix = tags.matrix
    if matrix in (UNSPECIFIED, 0):
        sd = size[0] <= _SD[0] and size[1] <= _SD[1]
        matrix = (5 if size[1] == _SD[1] else 6) if sd else 1
        matrix = 9 if tags.primaries == 9 or tags.transfer in _WIDE else matrix
    full = pixel.startswith("yuvj") if tags.full is None else tags.full
    centred = codec in ("mjpeg", "mpeg1video")
    return replace(tags, matrix=matrix, full=full, siting=tags.siting or ("center" if centred else "left"))


def encode_rgb(rgb: Samples, layout: Layout, tags: Tags) -> list[Samples]:
    """Converts RGB of 0..1, (3, H, W), to unrounded samples: a plane for each of the layout's kinds but alpha."""
    if layout.kinds.startswith("RGB"):
        return list(rgb * layout.highest)
    kr, kb = _WEIGHTS[tags.matrix]
    red, green, blue = rgb
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    scale, black, swing, middle = _levels(layout, tags)
    planes = [luma * scale + black]
    if "U" in layout.kinds:
        chroma = (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)
        planes += [_down(plane * swing + middle, layout, tags) for plane in chroma]
    return planes


def decode_rgb(planes: tuple[NDArray[np.int64], ...], layout: Layout, tags: Tags) -> Samples:
    """Converts the samples in `planes` to RGB, 0..1 but not clamped, (3, H, W)."""
    if layout.kinds.startswith("RGB"):
        return np.stack(planes[:3]) / layout.highest
    scale, black, swing, middle = _levels(layout, tags)
    luma = (planes[0] - black) / scale
    if "U" not in layout.kinds:
        return np.stack([luma] * 3)
    u, v = (_up((plane - middle) / swing, luma.shape, layout, tags) for plane in planes[1:3])
    kr, kb = _WEIGHTS[tags.matrix]
    red, blue = luma + (2 - 2 * kr) * v, luma + (2 - 2 * kb) * u
    return np.stack([red, (luma - kr * red - kb * blue) / (1 - kr - kb), blue])


def enlarge(samples: Samples, scale: int) -> Samples:
    """Enlarges (H, W) samples by bicubic interpolation (Keys 1981, a = -1/2), edges repeated, as alpha is."""
    for _ in range(2):
        samples = (_keys(samples.shape[0], scale) @ samples).T
    return samples


def _levels(layout: Layout, tags: Tags) -> tuple[float, float, float, float]:
    """The scale and offset of luma, and of chroma (H.273, 8.3)."""
    if tags.full:
        return layout.highest, 0, layout.highest, 1 << (layout.bits - 1)
    unit = 2.0 ** (layout.bits - 8)
    return 219 * unit, 16 * unit, 224 * unit, 128 * unit


def _up(chroma: Samples, shape: tuple[int, ...], layout: Layout, tags: Tags) -> Samples:
    chroma = _interpolated(chroma, shape[0], _FROM_TOP[tags.siting]) if layout.sub_y else chroma
    return _interpolated(chroma.T, shape[1], _FROM_LEFT[tags.siting]).T if layout.sub_x else chroma


def _interpolated(chroma: Samples, length: int, first: float) -> Samples:
    """Along the first axis, from samples at `first`, `first` + 2, ... to samples at 0, 1, ... `length`."""
    at = np.clip((np.arange(length) - first) / 2, 0, len(chroma) - 1)
    low = np.floor(at).astype(int)
    share = (at - low)[:, None]
    high = np.minimum(low + 1, len(chroma) - 1)
    return np.asarray((1 - share) * chroma[low] + share * chroma[high])


def _down(chroma: Samples, layout: Layout, tags: Tags) -> Samples:
    for _ in range(layout.sub_y):
        chroma = _halved(chroma, _FROM_TOP[tags.siting])
    for _ in range(layout.sub_x):
        chroma = _halved(chroma.T, _FROM_LEFT[tags.siting]).T
    return chroma


def _halved(samples: Samples, first: float) -> Samples:
    """Along the first axis, to samples at `first`, `first` + 2, ..."""
    at = np.arange(0, len(samples), 2) + first
    taps = {-1: 0.25, 0: 0.5, 1: 0.25} if first.is_integer() else {-0.5: 0.5, 0.5: 0.5}
    parts = [weight * samples[np.clip(at + tap, 0, len(samples) - 1).astype(int)] for tap, weight in taps.items()]
    return np.asarray(sum(parts))


def _keys(length: int, scale: int) -> Samples:
    """The matrix that enlarges `length` samples by `scale`."""
    at = (np.arange(length * scale) + 0.5) / scale - 0.5
    weights = np.zeros((length * scale, length))
    for tap in range(-1, 3):
        nearest = np.floor(at).astype(int) + tap
        x = np.abs(at - nearest)
        near = 1.5 * x**3 - 2.5 * x**2 + 1
        far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        np.add.at(weights, (np.arange(len(at)), np.clip(nearest, 0, length - 1)), np.where(x <= 1, near, far))
    return weights
