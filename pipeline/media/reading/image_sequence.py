"""Still images, one or a numbered sequence of them: how they are found, opened and interpreted."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Self

import av
import av.error
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import InputError
from pipeline.frame import UNSPECIFIED, Colour, Siting
from pipeline.media.reading.png_chunks import without_bombs
from pipeline.media.reading.text_tags import UNDECODED, decode_tags

SUFFIXES = tuple(".png .jpg .jpeg .tif .tiff .bmp .webp".split())
RATE = Fraction(25)  # frames per second of a sequence by default, as FFmpeg's
_STILL_DEMUXERS = tuple(f"{name}_pipe" for name in "png jpeg tiff bmp webp".split())
IMAGE_DEMUXERS = (*_STILL_DEMUXERS, "gif", "apng")  # FFmpeg's, of images and animations

_BT709, _BT601, _SRGB = 1, 6, 13  # H.273's codes

_NUMBER = re.compile(r"%(0\d+)?d")
_PRINTF_FIELD = re.compile(r"%%|%(0\d+)?d")


class FilePattern:
    """A file name with one printf-style number, such as "frames/%05d.png" or "%d.png"; "%%" is a percent sign.

    Raises:
        InputError: There is not exactly one number, or it is in the folder's name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        fields = [match for match in _PRINTF_FIELD.finditer(path.name) if match[0] != "%%"]
        if len(fields) != 1 or is_pattern(path.parent):
            raise InputError(f"{path}: a pattern has one number, such as %05d, in the file's name, not in its folder's")
        (number,) = fields
        self._head = path.name[: number.start()].replace("%%", "%")
        self._tail = path.name[number.end() :].replace("%%", "%")
        self._digits = int(number[1] or 0)

    def name(self, number: int) -> str:
        """The name of the file with that number."""
        return f"{self._head}{number:0{self._digits}d}{self._tail}"

    def file(self, number: int) -> Path:
        """The path of the file with that number."""
        return self.path.with_name(self.name(number))

    def find_files(self) -> dict[int, Path]:
        """The existing files by number, ascending.

        Raises:
            InputError: The folder can't be read.
        """
        shape = re.compile(re.escape(self._head) + r"(\d+)" + re.escape(self._tail), re.ASCII)
        try:
            names = [entry.name for entry in self.path.parent.iterdir()]
        except OSError as error:
            raise InputError(f"{self.path}: the folder {self.path.parent} can't be read ({error.strerror})") from error
        matches = (match for name in names if (match := shape.fullmatch(name)))
        numbers = sorted(number for match in matches if self.name(number := int(match[1])) == match[0])
        return {number: self.file(number) for number in numbers}


def is_pattern(path: Path) -> bool:
    """Return True if `path` is a pattern of numbered files, and no existing file has this very name."""
    return bool(_NUMBER.search(str(path).replace("%%", ""))) and not os.path.exists(path)


def is_image(path: Path) -> bool:
    """Return True if the suffix of `path` is that of a still image."""
    return path.suffix.lower() in SUFFIXES


@dataclass(frozen=True)
class ImageSequence:
    """Image files with their numbers.

    Attributes:
        path: The file or pattern as the user named it.
        files: The files by number, ascending; a single image has number 1.
    """

    path: Path
    files: Mapping[int, Path]

    @classmethod
    def find(cls, path: Path) -> Self:
        """The images of a pattern, or the single image `path`.

        Raises:
            InputError: No file matches the pattern.
        """
        if not is_pattern(path):
            return cls(path, {1: path})
        pattern = FilePattern(path)
        files = pattern.find_files()
        if not files:
            looked_for = f"{pattern.file(0)}, {pattern.name(1)} and so on"
            raise InputError(f"{path}: no such images (looked for {looked_for})")
        return cls(path, files)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the files, ascending."""
        return tuple(self.files)

    @cached_property
    def step(self) -> int:
        """The distance of regular numbers: 10 for 0, 10, 20, 40."""
        first, *others = self.numbers
        return math.gcd(*(number - first for number in others)) or 1

    def tick(self, number: int) -> int:
        """The time of the image with that number, in frame durations from the first."""
        return (number - self.numbers[0]) // self.step

    @property
    def length(self) -> int:
        """The number of images, missing ones included."""
        return self.tick(self.numbers[-1]) + 1

    @property
    def bytes(self) -> int:
        """The total size of the files."""
        return sum(file.stat().st_size for file in self.files.values())

    def describe_gaps(self) -> str:
        """The missing numbers, in one line; "" if there are none."""
        missing = self.length - len(self.files)
        if not missing:
            return ""
        pairs = zip(self.numbers, self.numbers[1:], strict=False)
        first = next(number + self.step for number, after in pairs if after != number + self.step)
        if missing == 1:
            return f"number {first} is missing (of {self.numbers[0]} to {self.numbers[-1]})"
        return f"{missing} numbers are missing, the first {first} (of {self.numbers[0]} to {self.numbers[-1]})"

    def notes(self, rate: Fraction) -> list[str]:
        """Remarks for users, a line each; `rate`: frames per second."""
        gaps = self.describe_gaps()
        lines = [gaps] if gaps else []
        if len(self.files) > 1:
            lines.append(f"its {len(self.files)} images are played at {float(rate):g} frames/s")
        return lines


def open_images(images: ImageSequence, rate: Fraction = RATE) -> InputContainer:
    """Open the first readable image as a container of video, its format recognised by content.

    Args:
        images: The files.
        rate: Frames per second of the container.

    Raises:
        InputError: None of them can be read as an image.
    """
    # FFmpeg gets the content, not the name, in which it would interpret numbers, protocols and patterns.
    options = {"format_whitelist": ",".join(_STILL_DEMUXERS), "framerate": str(rate)}
    for file in images.files.values():
        with contextlib.suppress(av.error.FFmpegError):
            data = io.BytesIO(read_image_file(file))
            return decode_tags(av.open(data, "r", options=options, metadata_errors=UNDECODED))
    raise InputError(f"{images.path}: is not an image that can be read; {', '.join(SUFFIXES)} are")


def read_image_file(file: Path) -> bytes:
    """The content of a file, without what would fill the memory (png_chunks.py).

    Raises:
        InputError: It can't be read.
    """
    try:
        return without_bombs(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file}: can't be read ({error.strerror})") from error


def image_colour(context: VideoCodecContext, resolved: Colour) -> Colour:
    """The colour of an image: full-range sRGB (IEC 61966-2-1) for everything that is not tagged.

    Lossy WebP is BT.601 of limited range (RFC 6386, 9.2). The chroma of WebP, as libwebp reads it, and of TIFF
    (TIFF 6.0, YCbCrPositioning) is sited at the centre, as in JPEG.

    Args:
        context: The codec context of the image.
        resolved: Its colour by the rules of video, `colour.tags.resolve_colour`.
    """
    is_yuv = str(context.pix_fmt).startswith("yuv")
    is_untagged = context.color_primaries == UNSPECIFIED and context.color_trc == UNSPECIFIED
    return replace(
        resolved,
        matrix=_BT601 if context.name == "webp" else resolved.matrix,
        full_range=resolved.full_range or not is_yuv,
        primaries=_BT709 if is_untagged else resolved.primaries,
        transfer=_SRGB if is_untagged else resolved.transfer,
        siting=Siting.CENTRE if is_yuv else resolved.siting,
    )
