"""Reads samples, colour tags and HDR metadata of a file with plain FFmpeg; shares no code with the package."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.logging
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from tests.cases import probe, reference, samples
from tests.cases.samples import Layout, Tags

_RANGES = {1: False, 2: True}  # FFmpeg's AVCOL_RANGE_MPEG and _JPEG
_SITING = re.compile(r"Video: [^\n]*?\([^()\n]*\b((?:top|bottom)?left|center|top|bottom)\)")
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders leave it out


@dataclass(frozen=True)
class FrameSamples:
    """The samples of a frame and their meaning.

    Attributes:
        layout: how they are stored.
        tags: the stream's colour tags.
        planes: integers, a plane for each of `layout.kinds`.
        display_matrix: nine numbers; empty if there is none.
        codec: the decoder's name.
    """

    layout: Layout
    tags: Tags
    planes: tuple[NDArray[np.int64], ...]
    display_matrix: tuple[int, ...]
    codec: str

    @property
    def size(self) -> tuple[int, int]:
        return self.planes[0].shape[1], self.planes[0].shape[0]

    @property
    def resolved_tags(self) -> Tags:
        """The tags, with unspecified ones filled in."""
        return reference.resolve_tags(self.tags, self.layout.name, self.size, self.codec)

    def cropped(self, edges: samples.Edges) -> FrameSamples:
        """Returns the frame without its edges."""
        layout = self.layout
        subsampled = [(layout.sub_x, layout.sub_y) if kind in "UV" else (0, 0) for kind in layout.kinds]
        pairs = zip(self.planes, subsampled, strict=True)
        return replace(self, planes=tuple(samples.cropped(plane, edges, *sub) for plane, sub in pairs))

    @property
    def alpha_plane(self) -> NDArray[np.int64] | None:
        return self.planes[-1] if self.layout.alpha else None


@dataclass(frozen=True)
class HdrMetadata:
    """HDR10's static metadata.

    Attributes:
        display: x and y of red, green, blue and white, then minimum and maximum luminance in cd/m2.
        light: MaxCLL and MaxFALL in cd/m2.
    """

    display: tuple[Fraction, ...] | None = None
    light: tuple[int, int] | None = None


def frames_at(path: Path, places: Iterable[int]) -> dict[int, FrameSamples]:
    """Returns the frames at these places of the file, or of numbered images."""
    left, found, at = set(places), dict[int, FrameSamples](), 0
    for name in probe.files_of(path):
        with av.open(f"file:{name}") as container:
            index = probe.largest_video(container)
            for frame in [] if index is None else _decode(container, container.streams[index]):
                if at in left and index is not None:
                    found[at] = _frame_samples(frame, container.streams[index])
                at += 1
                if found.keys() == left:
                    return found
    return found


def first_frame(path: Path) -> FrameSamples | None:
    """Returns the first frame of a file, or of numbered images; None where there is none."""
    try:
        return frames_at(path, [0]).get(0)
    except (av.error.FFmpegError, OSError):
        return None


def hdr_metadata(path: Path) -> HdrMetadata:
    """Returns the mastering display and the light levels of the first frame."""
    with av.open(f"file:{path}") as container:
        side: Any = next(container.decode(video=0)).side_data
        display, light = side.get("MASTERING_DISPLAY_METADATA"), side.get("CONTENT_LIGHT_LEVEL")
        return HdrMetadata(_mastering(bytes(display)) if display else None, _light(bytes(light)) if light else None)


def _mastering(raw: bytes) -> tuple[Fraction, ...]:
    """FFmpeg's AVMasteringDisplayMetadata (libavutil/mastering_display_metadata.h): ten rationals, two flags."""
    numbers = struct.unpack("=20i", raw[:80])
    return tuple(Fraction(a, b or 1) for a, b in zip(numbers[0::2], numbers[1::2], strict=True))


def _light(raw: bytes) -> tuple[int, int]:
    """FFmpeg's AVContentLightMetadata: MaxCLL, MaxFALL."""
    most, average = struct.unpack("=2I", raw[:8])
    return most, average


def _frame_samples(frame: av.VideoFrame, stream: Any) -> FrameSamples:
    if frame.format.has_palette:
        frame = frame.reformat(format="rgba")
    layout = samples.layout(frame.format.name)
    planes = tuple(samples.planes(frame))
    tags = _tags(frame, stream, layout)
    return FrameSamples(layout, tags, planes, probe.display_matrix(frame), stream.codec_context.name)


def _decode(container: InputContainer, stream: Any) -> Iterable[av.VideoFrame]:
    codec = _WITH_ALPHA.get(stream.codec_context.codec.canonical_name)
    if codec is None or stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) != "1":
        yield from probe.decode(container, stream)
        return
    decoder: Any = av.CodecContext.create(codec, "r")
    for packet in container.demux(stream):
        yield from decoder.decode(packet if packet.size else None)


def _tags(frame: av.VideoFrame, stream: Any, layout: Layout) -> Tags:
    context = stream.codec_context
    matrix, primaries, transfer = (
        int(code) for code in (context.colorspace, context.color_primaries, context.color_trc)
    )
    siting = _siting(stream) if layout.sub_x or layout.sub_y else None
    return Tags(matrix, primaries, transfer, _RANGES.get(int(frame.color_range)), siting)


def spatial(path: Path) -> str:
    """Returns FFmpeg's description of the stereoscopic layout or the projection of the largest video; "" for none."""
    with av.open(f"file:{path}") as container:
        index = probe.largest_video(container)
        described = "" if index is None else _describe(container.streams[index])
    found = re.search(r"(?:Stereo 3D|Spherical Mapping): [^\n]*", described)
    return found[0].strip() if found else ""


def _siting(stream: Any) -> str | None:
    """The chroma siting in FFmpeg's own description of the stream."""
    described = _SITING.search(_describe(stream))
    return described[1] if described else None


def _describe(stream: Any) -> str:
    """FFmpeg's own description of the stream at log level "verbose"."""
    level = av.logging.get_level()
    container: Any
    with av.open(os.devnull, "w", format="null") as container:
        container.add_stream_from_template(stream, opaque=True)
        av.logging.set_libav_level(av.logging.VERBOSE)
        av.logging.set_level(av.logging.VERBOSE)
        try:
            return str(container.dumps_format())
        finally:
            av.logging.set_level(level)
            av.logging.set_libav_level(av.logging.INFO)
