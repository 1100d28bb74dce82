"""Cropping that a container requests of players: Matroska's PixelCrop elements, and the box clap of mov and mp4 files.

Decoders yield the complete frame; FFmpeg's demuxers report the rectangle in the side data of the stream.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pipeline.frame import PixelFormat, Plane
from pipeline.media.reading.description import describe_stream

_PATTERN = re.compile(r"Frame Cropping: (\d+)/(\d+)/(\d+)/(\d+)")


@dataclass(frozen=True)
class Crop:
    """The samples that players leave out at each edge of a frame.

    Attributes:
        left: Columns of luma samples.
        right: Columns of luma samples.
        top: Rows of luma samples.
        bottom: Rows of luma samples.
    """

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what is left of a frame of that size."""
        return width - self.left - self.right, height - self.top - self.bottom

    def uncropped_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the complete frame, from those of the cropped one."""
        return width + self.left + self.right, height + self.top + self.bottom

    def apply(self, planes: tuple[Plane, ...], pixel: PixelFormat) -> tuple[Plane, ...]:
        """Views of the planes of a complete frame of `pixel` without its edges."""
        without_chroma = (0, 3) if pixel.chroma else (0, 1)  # indices of luma and alpha
        return tuple(
            self._window(plane, 0, 0, 1)
            if index in without_chroma
            else self._window(plane, pixel.sub_x, pixel.sub_y, 2 if pixel.interleaved else 1)
            for index, plane in enumerate(planes)
        )

    def _window(self, plane: Plane, sub_x: int, sub_y: int, samples: int) -> Plane:
        """A view of `plane` without its edges; `samples`: in each place of a row."""
        rows, columns = plane.shape[0], plane.shape[1] // samples
        across = slice((self.left >> sub_x) * samples, (columns - (self.right >> sub_x)) * samples)
        return plane[self.top >> sub_y : rows - (self.bottom >> sub_y), across]


def requested_crop(stream: Any) -> Crop | None:
    """The cropping that the container of the video `stream` requests, None if there is none."""
    match = _PATTERN.search(describe_stream(stream))
    return Crop(*map(int, match.groups())) if match else None


def read_crop(stream: Any, pixel: PixelFormat) -> Crop | None:
    """The cropping that can be applied to the frames of `stream`, None if there is none.

    Edges are rounded down to complete chroma samples, as FFmpeg's filter "crop" does by default, and to an even number
    of rows, so that fields keep their order. A rectangle that leaves nothing of the frame is ignored.
    """
    if (wanted := requested_crop(stream)) is None:
        return None
    across, down = 1 << pixel.sub_x, 2
    crop = Crop(
        left=wanted.left // across * across,
        right=wanted.right // across * across,
        top=wanted.top // down * down,
        bottom=wanted.bottom // down * down,
    )
    context = stream.codec_context
    is_empty = crop == Crop() or min(crop.size(context.width, context.height)) <= 0
    return None if is_empty else crop


def cropped_sample_aspect(stream: Any, crop: Crop | None) -> Fraction:
    """The sample aspect ratio of `stream` after the requested `crop`, not rounded; 1 if it is unknown.

    Of Matroska, FFmpeg derives it from the display size, which is that of the cropped frame (RFC 9559, 5.1.4.1.28.10).
    Some muxers write the size of the complete frame instead: then its samples are square.
    """
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    if crop is None or not stream.container.format.name.startswith("matroska"):
        return aspect
    width, height = stream.codec_context.width, stream.codec_context.height
    shown = crop.size(width, height)
    if min(shown) <= 0:
        return aspect
    return Fraction(1) if aspect * Fraction(*shown) == Fraction(width, height) else aspect
