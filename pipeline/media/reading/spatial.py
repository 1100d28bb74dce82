"""Stereoscopic layouts and spherical projections: how the samples of a frame are spread over two eyes, or a sphere."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av

from pipeline.media.reading.side_data import read_side_data

# Matroska's StereoMode (RFC 9559, section 18.10), as FFmpeg names them in the tag `stereo_mode`.
STEREO_MODES = (
    "mono left_right bottom_top top_bottom checkerboard_rl checkerboard_lr row_interleaved_rl row_interleaved_lr "
    "col_interleaved_rl col_interleaved_lr anaglyph_cyan_red right_left anaglyph_green_magenta block_lr block_rl"
).split()
INTERLEAVED = frozenset(mode for mode in STEREO_MODES if mode.startswith(("checkerboard", "row", "col")))
"""Modes in which neighbouring samples belong to different eyes, which no resampling keeps apart."""

STEREO_TAG = "stereo_mode"
UNKNOWN_MODE = "unknown"
# By AVStereo3D's type (libavutil/stereo3d.h), and whether the eyes are swapped.
_MODES = {
    (1, False): "left_right",
    (1, True): "right_left",
    (2, False): "top_bottom",
    (2, True): "bottom_top",
    (3, False): "block_lr",
    (3, True): "block_rl",
    (4, False): "checkerboard_lr",
    (4, True): "checkerboard_rl",
    (6, False): "row_interleaved_lr",
    (6, True): "row_interleaved_rl",
    (7, False): "col_interleaved_lr",
    (7, True): "col_interleaved_rl",
}
EQUIRECTANGULAR, TILED, CUBEMAP = "equirectangular", "equirectangular (tiled)", "cubemap"
_PROJECTIONS = (  # AVSphericalProjection, libavutil/spherical.h
    EQUIRECTANGULAR,
    CUBEMAP,
    TILED,
    "half equirectangular",
    "rectilinear",
    "fisheye",
    "parametric immersive",
)
_SPHERICAL = struct.Struct("=I3i5I")  # the fields of AVSphericalMapping


@dataclass(frozen=True)
class Projection:
    """The mapping of a frame to a sphere.

    Attributes:
        kind: FFmpeg's name of it.
        pose: Yaw, pitch and roll in degrees.
        bounds: Of a tile: the distance from the left, top, right and bottom of the complete projection, in parts of it.
        padding: Of a cubemap: samples that pad each edge of a face.
    """

    kind: str
    pose: tuple[Fraction, Fraction, Fraction] = (Fraction(0), Fraction(0), Fraction(0))
    bounds: tuple[Fraction, Fraction, Fraction, Fraction] = (Fraction(0), Fraction(0), Fraction(0), Fraction(0))
    padding: int = 0

    def resized(self, factor: Fraction) -> Projection:
        """The projection of frames that are `factor` times as wide."""
        return replace(self, padding=round(self.padding * factor))

    def __str__(self) -> str:
        return self.kind


def views(mode: str) -> tuple[int, int]:
    """How many views of a stereoscopic layout are side by side in a frame, and how many on top of each other."""
    if mode in ("left_right", "right_left") or mode.startswith("col_"):
        return 2, 1
    return (1, 2) if mode in ("top_bottom", "bottom_top") or mode.startswith("row_") else (1, 1)


def read_stereo_mode(stream: Any, first: av.VideoFrame | None) -> str | None:
    """The stereoscopic layout of a video, one of STEREO_MODES or UNKNOWN_MODE; None if it is not stereoscopic.

    Args:
        stream: The video stream.
        first: Its first frame, None if there is none.
    """
    tag = stream.metadata.get(STEREO_TAG)
    if tag in STEREO_MODES:
        return None if tag == STEREO_MODES[0] else tag
    data = None if first is None else read_side_data(first, "STEREO3D")
    if data is None:
        return None
    kind, flags = struct.unpack_from("=2i", bytes(data))
    return _MODES.get((kind, bool(flags & 1)), UNKNOWN_MODE) if kind else None


def read_projection(first: av.VideoFrame | None) -> Projection | None:
    """The projection in the side data of a video's first frame, None if there is none."""
    data = None if first is None else read_side_data(first, "SPHERICAL")
    if data is None:
        return None
    kind, *pose, left, top, right, bottom, padding = _SPHERICAL.unpack_from(bytes(data))
    name = _PROJECTIONS[kind] if kind < len(_PROJECTIONS) else f"projection {kind}"
    yaw, pitch, roll = (Fraction(angle, 1 << 16) for angle in pose)
    x1, y1, x2, y2 = (Fraction(part, 1 << 32) for part in (left, top, right, bottom))
    return Projection(name, (yaw, pitch, roll), (x1, y1, x2, y2), padding)
