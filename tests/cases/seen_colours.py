"""What plain FFmpeg finds of colour in a file: samples, tags, HDR metadata. It shares no code with the tool."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.logging
import numpy as np
from numpy.typing import NDArray

from tests.cases import samples, seen, truth
from tests.cases.samples import Layout, Tags

_RANGES = {1: False, 2: True}  # FFmpeg's AVCOL_RANGE_MPEG and _JPEG
_SITED = re.compile(r"Video: [^\n]*?\([^()\n]*\b((?:top|bottom)?left|center|top|bottom)\)")
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders leave it out


@dataclass(frozen=True)
class Picture:
    """The samples of a frame, whole numbers in a plane for each of `layout.kinds`, and how players turn it.

    tags: the stream's. turn: the display matrix, nine numbers, empty if there is none. codec: what it was decoded by.
    """

    layout: Layout
    tags: Tags
    planes: tuple[NDArray[np.int64], ...]
    turn: tuple[int, ...]
    codec: str

    @property
    def size(self) -> tuple[int, int]:
        return self.planes[0].shape[1], self.planes[0].shape[0]

    @property
    def meant(self) -> Tags:
        """The tags without gaps."""
        return truth.meant(self.tags, self.layout.name, self.size, self.codec)

    @property
    def opaque(self) -> NDArray[np.int64] | None:
        """The samples of alpha."""
        return self.planes[-1] if self.layout.alpha else None


@dataclass(frozen=True)
class Hdr:
    """HDR10's static metadata. display: red, green, blue and white (x, y each), then darkest and brightest in cd/m2.

    light: MaxCLL and MaxFALL, cd/m2.
    """

    display: tuple[Fraction, ...] | None = None
    light: tuple[int, int] | None = None


def pictures(path: Path, wanted: Iterable[int]) -> dict[int, Picture]:
    """Those of the frames, by their place in the file or among numbered pictures, that `wanted` names."""
    left, found, at = set(wanted), dict[int, Picture](), 0
    for name in seen.files(path):
        with av.open(f"file:{name}") as container:
            index = seen.largest(container)
            for frame in [] if index is None else _decoded(container, container.streams[index]):
                if at in left:
                    found[at] = _picture(frame, container.streams[index])
                at += 1
                if found.keys() == left:
                    return found
    return found


def first(path: Path) -> Picture | None:
    """The first frame of a file, or of numbered pictures; None where there is none."""
    try:
        return pictures(path, [0]).get(0)
    except (av.error.FFmpegError, OSError):
        return None


def hdr(path: Path) -> Hdr:
    """What the first frame tells of the display that it was made on, and how bright it gets."""
    with av.open(f"file:{path}") as container:
        side = next(container.decode(video=0)).side_data
        display, light = side.get("MASTERING_DISPLAY_METADATA"), side.get("CONTENT_LIGHT_LEVEL")
        return Hdr(_mastering(bytes(display)) if display else None, _light(bytes(light)) if light else None)


def _mastering(raw: bytes) -> tuple[Fraction, ...]:
    """FFmpeg's AVMasteringDisplayMetadata (libavutil/mastering_display_metadata.h): ten rationals, two flags."""
    numbers = struct.unpack("=20i", raw[:80])
    return tuple(Fraction(a, b or 1) for a, b in zip(numbers[0::2], numbers[1::2], strict=True))


def _light(raw: bytes) -> tuple[int, int]:
    """FFmpeg's AVContentLightMetadata: MaxCLL, MaxFALL."""
    most, average = struct.unpack("=2I", raw[:8])
    return most, average


def _picture(frame: av.VideoFrame, stream: Any) -> Picture:
    if frame.format.has_palette:
        frame = frame.reformat(format="rgba")
    about = samples.layout(frame.format.name)
    return Picture(
        about,
        _tags(frame, stream, about),
        tuple(samples.planes(frame)),
        seen.turn(frame),
        stream.codec_context.name,
    )


def _decoded(container: Any, stream: Any) -> Iterable[av.VideoFrame]:
    codec = _WITH_ALPHA.get(stream.codec_context.codec.canonical_name)
    if codec is None or stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) != "1":
        yield from seen.decoded(container, stream)
        return
    decoder = av.CodecContext.create(codec, "r")
    for packet in container.demux(stream):
        yield from decoder.decode(packet if packet.size else None)


def _tags(frame: av.VideoFrame, stream: Any, about: Layout) -> Tags:
    context = stream.codec_context
    codes = (int(code) for code in (context.colorspace, context.color_primaries, context.color_trc))
    full = _RANGES.get(int(frame.color_range))
    return Tags(*codes, full, _siting(stream) if about.sub_x or about.sub_y else None)


def _siting(stream: Any) -> str | None:
    """Where FFmpeg's own description of the stream puts chroma; it tells that at its level "verbose"."""
    level = av.logging.get_level()
    with av.open(os.devnull, "w", format="null") as container:
        container.add_stream_from_template(stream, opaque=True)
        av.logging.set_libav_level(av.logging.VERBOSE)
        av.logging.set_level(av.logging.VERBOSE)
        try:
            described = _SITED.search(container.dumps_format())
        finally:
            av.logging.set_level(level)
            av.logging.set_libav_level(av.logging.INFO)
    return described[1] if described else None
