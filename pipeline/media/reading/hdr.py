"""HDR metadata: static metadata of a complete video, which is carried over, and dynamic metadata, which is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from pipeline.errors import InputError
from pipeline.media.reading.description import describe_stream
from pipeline.media.reading.side_data import read_side_data

Point = tuple[Fraction, Fraction]
Primaries = tuple[Point, Point, Point, Point]
Range = tuple[Fraction, Fraction]

_DYNAMIC = {  # by FFmpeg's names of frame side data
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
    "AMBIENT_VIEWING_ENVIRONMENT": "ambient viewing environment",
}
_DOVI_RECORD = re.compile(r"DOVI configuration record: .*?profile: (\d+).*?compatibility id: (\d+)")
_IPT_PROFILE = 5  # of Dolby Vision: its base layer is IPT, which other decoders show in wrong colours


@dataclass(frozen=True)
class Hdr:
    """HDR10's static metadata (SMPTE ST 2086 and CTA-861.3).

    Attributes:
        primaries: CIE 1931 x, y of the mastering display's red, green, blue and white; None if unknown.
        luminance: The mastering display's minimum and maximum, in cd/m2; None if unknown.
        light: MaxCLL and MaxFALL, the maximum of a sample and the maximum of a frame's average, in cd/m2; None if
            unknown.
    """

    primaries: Primaries | None = None
    luminance: Range | None = None
    light: tuple[int, int] | None = None

    def __str__(self) -> str:
        parts = []
        if self.primaries:
            points = (f"{float(x):.4g} {float(y):.4g}" for x, y in self.primaries)
            parts.append("primaries {}, {}, {}, white {}".format(*points))
        if self.luminance:
            parts.append("{:.4g} to {:.6g} cd/m2".format(*map(float, self.luminance)))
        if self.light:
            parts.append("MaxCLL {}, MaxFALL {}".format(*self.light))
        return ", ".join(parts)


def read_hdr(frame: av.VideoFrame | None) -> Hdr | None:
    """The static metadata in the side data of `frame`, from the bitstream or the container; None if there is none."""
    if frame is None:
        return None
    hdr = Hdr(*_read_mastering_display(frame), _read_light_levels(frame))
    return None if hdr == Hdr() else hdr


def list_dynamic_hdr(path: Path, stream: VideoStream, frame: av.VideoFrame | None) -> tuple[str, ...]:
    """The names of the dynamic metadata of `stream`, which can't be carried over.

    Args:
        path: The source, for error messages.
        stream: Its video.
        frame: Its first frame, None if there is none.

    Raises:
        InputError: It is Dolby Vision without a base layer for other decoders.
    """
    record = _DOVI_RECORD.search(describe_stream(stream))
    profile, compatibility = (int(record[1]), int(record[2])) if record else (_guess_dovi_profile(frame), None)
    if profile == _IPT_PROFILE or (profile == 10 and compatibility == 0):
        raise InputError(
            f"{path}: is Dolby Vision profile {profile} without an HDR10 base layer, whose colours only Dolby's own "
            "decoders reproduce: convert it to HDR10 first, for instance with FFmpeg's filter libplacebo"
        )
    return tuple(_dynamic_names(frame, profile))


def _dynamic_names(frame: av.VideoFrame | None, dovi_profile: int | None) -> Iterator[str]:
    if dovi_profile is not None:
        yield f"Dolby Vision (profile {dovi_profile})"
    if frame is not None:
        yield from (name for kind, name in _DYNAMIC.items() if read_side_data(frame, kind) is not None)


def _guess_dovi_profile(frame: av.VideoFrame | None) -> int | None:
    """The Dolby Vision profile of a stream without a configuration record, guessed as FFmpeg does; None if it is none.

    AVDOVIMetadata (libavutil/dovi_meta.h) begins with the offset of its AVDOVIRpuDataHeader, which has a profile at
    byte 4 and the full-range flag of the base layer at byte 10.
    """
    data = None if frame is None else read_side_data(frame, "DOVI_METADATA")
    if data is None:
        return None
    metadata = bytes(data)
    header = metadata[int(np.frombuffer(metadata, np.uintp, 1)[0]) :]
    return 8 if header[4] else 5 if header[10] else 0


def _read_mastering_display(frame: av.VideoFrame) -> tuple[Primaries | None, Range | None]:
    """Primaries and luminance, from FFmpeg's AVMasteringDisplayMetadata (libavutil/mastering_display_metadata.h).

    It has ten fractions of two 32-bit integers: x, y of red, green, blue and white, minimum and maximum luminance;
    then two flags. Some containers store zeros for unknown values.
    """
    data = read_side_data(frame, "MASTERING_DISPLAY_METADATA")
    if data is None:
        return None, None
    *numbers, has_primaries, has_luminance = np.frombuffer(data, np.int32).tolist()
    values = [Fraction(above, below or 1) for above, below in zip(numbers[::2], numbers[1::2], strict=True)]
    x_red, y_red, x_green, y_green, x_blue, y_blue, x_white, y_white, minimum, maximum = values
    primaries = (x_red, y_red), (x_green, y_green), (x_blue, y_blue), (x_white, y_white)
    return primaries if has_primaries and y_white else None, (minimum, maximum) if has_luminance and maximum else None


def _read_light_levels(frame: av.VideoFrame) -> tuple[int, int] | None:
    """MaxCLL and MaxFALL, the two 32-bit integers of FFmpeg's AVContentLightMetadata; zeros mean unknown."""
    data = read_side_data(frame, "CONTENT_LIGHT_LEVEL")
    max_cll, max_fall = (0, 0) if data is None else np.frombuffer(data, np.uint32).tolist()
    return (max_cll, max_fall) if max_cll or max_fall else None
