"""Notes on sources whose size, pixel format, sample aspect ratio or colour tags change in mid-stream."""

from __future__ import annotations

from fractions import Fraction

import av

from pipeline.colour.h273 import MATRIX_NAMES
from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG
from pipeline.frame import UNSPECIFIED, plain_name

_RANGE_NAMES = {FULL_RANGE_TAG: "full range", LIMITED_RANGE_TAG: "limited range"}


class FormatChanges:
    """Compares each decoded frame with the one before.

    Attributes:
        notes: A line for each change, for users.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._size, self._pixel_format = "", ""
        self._tags: tuple[str, ...] = "", ""
        self._aspect: Fraction | None = None
        self._last: tuple[object, ...] = ()  # what is compared of the frame before

    def check(
        self, frame: av.VideoFrame, index: int, pixel_format: str | None, sample_aspect: Fraction | None = None
    ) -> None:
        """Note what changes at `frame`.

        Args:
            frame: The next frame.
            index: Its number, for the note.
            pixel_format: FFmpeg's name of its pixel format, None if unknown, as for frames in GPU memory.
            sample_aspect: Its sample aspect ratio, or that of a frame soon after it; None if unknown.
        """
        self._check_sample_aspect(sample_aspect, index)
        properties = frame.width, frame.height, pixel_format, frame.colorspace, frame.color_range
        if properties != self._last:
            self._last = properties
            self._check_format(f"{frame.width}x{frame.height}", plain_name(pixel_format or ""), index)
            self._check_tags(_colour_tags(frame), index)

    def _check_sample_aspect(self, aspect: Fraction | None, index: int) -> None:
        if aspect and aspect != self._aspect:
            if self._aspect:
                change = f"the source's sample aspect ratio changes from {self._aspect} to {aspect} near frame {index}"
                self.notes.append(f"{change}; the output has that of the beginning")
            self._aspect = aspect

    def _check_format(self, size: str, pixel_format: str, index: int) -> None:
        has_new_format = bool(pixel_format and self._pixel_format) and pixel_format != self._pixel_format
        if self._size and (size != self._size or has_new_format):
            now, before = f"{size} {pixel_format}".strip(), f"{self._size} {self._pixel_format}".strip()
            self.notes.append(f"the source changes from {before} to {now} at frame {index}")
        self._size, self._pixel_format = size, pixel_format

    def _check_tags(self, found: tuple[str, str], index: int) -> None:
        tags = tuple(now or before for now, before in zip(found, self._tags, strict=True))
        if any(before and now != before for now, before in zip(tags, self._tags, strict=True)):
            now, before = (", ".join(filter(None, each)) for each in (tags, self._tags))
            change = f"the source's colour tags change from {before} to {now} at frame {index}"
            self.notes.append(f"{change}; all frames are interpreted by the tags of the first")
        self._tags = tags


def _colour_tags(frame: av.VideoFrame) -> tuple[str, str]:
    """The names of the matrix and the range in the tags of `frame`, "" for what is not tagged."""
    matrix = int(frame.colorspace)
    name = "" if matrix == UNSPECIFIED else MATRIX_NAMES.get(matrix, str(matrix))
    return name, _RANGE_NAMES.get(int(frame.color_range), "")
