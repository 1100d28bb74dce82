"""Still pictures, one or a numbered sequence of them, as a source of video."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import av
import av.error
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from pipeline.errors import InputError
from pipeline.flow.closing import Closing
from pipeline.frame import UNSPECIFIED, Colour, Siting
from pipeline.media.reading.damage import Damage

SUFFIXES = tuple(".png .jpg .jpeg .tif .tiff .bmp .webp".split())
RATE = Fraction(25)  # of a sequence that nobody gave one: FFmpeg's too
_STILL = tuple(f"{name}_pipe" for name in "png jpeg tiff bmp webp".split())
IMAGE_DEMUXERS = (*_STILL, "gif", "apng")  # FFmpeg's, of all that is picture by picture

_BT709, _BT601, _SRGB = 1, 6, 13  # H.273's codes

_NUMBER = re.compile(r"%(0\d+)?d")
_FIELD = re.compile(r"%%|%(0\d+)?d")


class FilePattern:
    """A name with a number in it, as printf has it: `frames/%05d.png`, `%d.png`; `%%` is a percent sign.

    Raises InputError where there is not exactly one number, or where it stands in the folder's name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        fields = [match for match in _FIELD.finditer(path.name) if match[0] != "%%"]
        if len(fields) != 1 or is_pattern(path.parent):
            raise InputError(f"{path}: one number, such as %05d, in the name of the files (not of their folder)")
        (number,) = fields
        self._head = path.name[: number.start()].replace("%%", "%")
        self._tail = path.name[number.end() :].replace("%%", "%")
        self._digits = int(number[1] or 0)

    def name(self, number: int) -> str:
        """The name of the file with that number."""
        return f"{self._head}{number:0{self._digits}d}{self._tail}"

    def file(self, number: int) -> Path:
        return self.path.with_name(self.name(number))

    def found(self) -> dict[int, Path]:
        """The files that are there, by number, ascending. Raises InputError if the folder can't be read."""
        shape = re.compile(re.escape(self._head) + r"(\d+)" + re.escape(self._tail), re.ASCII)
        try:
            names = [entry.name for entry in self.path.parent.iterdir()]
        except OSError as error:
            raise InputError(f"{self.path}: the folder {self.path.parent} can't be read ({error.strerror})") from error
        matches = (match for name in names if (match := shape.fullmatch(name)))
        numbers = sorted(number for match in matches if self.name(number := int(match[1])) == match[0])
        return {number: self.file(number) for number in numbers}


def is_pattern(path: Path) -> bool:
    """Whether `path` names pictures by number; a file that has this very name is meant itself."""
    return bool(_NUMBER.search(str(path).replace("%%", ""))) and not path.exists()


def is_image(path: Path) -> bool:
    """Whether `path` is called like a still picture."""
    return path.suffix.lower() in SUFFIXES


@dataclass(frozen=True)
class ImageSequence:
    """Files by their numbers, ascending. path: as the user named them."""

    path: Path
    files: Mapping[int, Path]

    @classmethod
    def find(cls, path: Path) -> Self:
        """The pictures that `path` means: a pattern's, or one. Raises InputError if there are none."""
        if not is_pattern(path):
            return cls(path, {1: path})
        pattern = FilePattern(path)
        files = pattern.found()
        if not files:
            raise InputError(f"{path}: no such pictures (looked for {pattern.file(0)}, {pattern.name(1)} and so on)")
        return cls(path, files)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        return tuple(self.files)

    @cached_property
    def step(self) -> int:
        """From a number to the next: 10 where there are 0, 10, 20, 40."""
        first, *others = self.numbers
        return math.gcd(*(number - first for number in others)) or 1

    def tick(self, number: int) -> int:
        """When the picture with that number is shown, counted in pictures."""
        return (number - self.numbers[0]) // self.step

    @property
    def length(self) -> int:
        """How many there would be if none were missing."""
        return self.tick(self.numbers[-1]) + 1

    @property
    def bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files.values())

    def gaps(self) -> str:
        """Which numbers are missing, in a line; "" if none."""
        missing = self.length - len(self.files)
        if not missing:
            return ""
        pairs = zip(self.numbers, self.numbers[1:], strict=False)
        first = next(number + self.step for number, after in pairs if after != number + self.step)
        if missing == 1:
            return f"number {first} is missing (of {self.numbers[0]} to {self.numbers[-1]})"
        return f"{missing} numbers are missing, the first {first} (of {self.numbers[0]} to {self.numbers[-1]})"

    def notes(self, rate: Fraction) -> list[str]:
        """What a user should know of a sequence, a line each."""
        lines = [self.gaps()] if self.gaps() else []
        if len(self.files) > 1:
            lines.append(f"its {len(self.files)} pictures are shown at {float(rate):g} a second")
        return lines


def open_images(pictures: ImageSequence, rate: Fraction = RATE) -> InputContainer:
    """The first of `pictures` that can be read, as a container of video, known by its content. Raises InputError."""
    # FFmpeg gets no name: it would read numbers, protocols and patterns into it.
    options = {"format_whitelist": ",".join(_STILL), "framerate": str(rate)}
    for file in pictures.files.values():
        with contextlib.suppress(av.error.FFmpegError):
            return av.open(io.BytesIO(read_image_file(file)), "r", options=options)
    raise InputError(f"{pictures.path}: is no picture that can be read; {', '.join(SUFFIXES)} are")


def _is_cut_off(data: bytes) -> bool:
    """Whether a JPEG ends within its scan, which FFmpeg does not mind (ITU-T T.81, B.1.1.3: SOI, SOS, EOI)."""
    return data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")


def read_image_file(file: Path) -> bytes:
    """All of a file. Raises InputError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: can't be read ({error.strerror})") from error


def image_colour(context: VideoCodecContext, resolved: Colour) -> Colour:
    """The colour of a picture, as its tags were `resolved`: sRGB (IEC 61966-2-1) of full range where they say nothing.

    Lossy WebP is BT.601 of limited range (RFC 6386, 9.2). Its chroma, and that of TIFF (TIFF 6.0, YCbCrPositioning),
    sits midway as JPEG's does: libwebp reads it so.
    """
    yuv = str(context.pix_fmt).startswith("yuv")
    untagged = context.color_primaries == UNSPECIFIED and context.color_trc == UNSPECIFIED
    return replace(
        resolved,
        matrix=_BT601 if context.name == "webp" else resolved.matrix,
        full_range=resolved.full_range or not yuv,
        primaries=_BT709 if untagged else resolved.primaries,
        transfer=_SRGB if untagged else resolved.transfer,
        siting=Siting.CENTRE if yuv else resolved.siting,
    )


class ImageSource(Closing):
    """Pictures, opened. Iterate it, once, for a packet of each; its time is its number, so that a gap stays one.

    The stream is that of the first picture; time counts in 1/`rate`.
    """

    def __init__(self, pictures: ImageSequence, rate: Fraction = RATE, strict: bool = False) -> None:
        self.path = pictures.path
        self.images = pictures
        self.damage = Damage(pictures.path, strict)
        self.rate, self.first_pts = rate, 0
        self.clock_jumps: Sequence[Fraction] = ()
        self.is_open_ended = False
        self._over = False
        self._opened = [open_images(pictures, rate)]
        self.container: InputContainer = self._opened[0]
        self.video: VideoStream = self.container.streams.video[0]

    def __iter__(self) -> Iterator[av.Packet[Any]]:
        for number, file in self.images.files.items():
            if self._over:
                return
            data = read_image_file(file)
            self.damage.add(damaged_frames=int(_is_cut_off(data)))
            packet = av.Packet(data or b"\0")  # an empty packet would be the end
            packet.stream = self.video
            packet.time_base = 1 / self.rate
            packet.pts = packet.dts = self.images.tick(number)
            packet.duration = 1
            packet.is_keyframe = True
            yield packet

    def stop(self) -> None:
        self._over = True

    def rewind(self) -> VideoStream:
        self._opened.append(open_images(self.images, self.rate))
        return self._opened[-1].streams.video[0]

    def missing_frames(self, packets: int, end: int) -> int:
        return 0  # a number that is missing was perhaps never there

    def close(self) -> None:
        for container in self._opened:
            decoder = container.streams.video[0].codec_context
            if decoder.is_open:
                decoder.flush_buffers()  # its threads may not be freed at work
            container.close()
