"""HDR's metadata: what is said of a whole film, which is carried over, and of each scene, which is not."""

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

_OTHERS = {  # by FFmpeg's names of what lies beside a frame
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
    "AMBIENT_VIEWING_ENVIRONMENT": "ambient viewing environment",
}
_RECORD = re.compile(r"DOVI configuration record: .*?profile: (\d+).*?compatibility id: (\d+)")
_ITS_OWN_COLOURS = 5  # the profile of Dolby Vision whose picture is IPT: no other decoder shows it right


@dataclass(frozen=True)
class Hdr:
    """What HDR10 says of a whole film (SMPTE ST 2086 and CTA-861.3); None: it doesn't say.

    primaries: CIE 1931 x, y of the mastering display's red, green, blue and white. luminance: the least and the most
    that it shows. light: MaxCLL and MaxFALL, of the brightest sample and, on average, of the brightest frame.
    All light is in cd/m2.
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
    """What is told with `frame`, by the stream or by its container; None if nothing is."""
    if frame is None:
        return None
    found = Hdr(*_mastering(frame), _light(frame))
    return None if found == Hdr() else found


def list_dynamic_hdr(path: Path, stream: VideoStream, frame: av.VideoFrame | None) -> tuple[str, ...]:
    """The names of what `stream`, whose first frame is `frame`, tells and no result can.

    Raises InputError for Dolby Vision that has no picture for other decoders beneath.
    """
    record = _RECORD.search(describe_stream(stream))
    profile, compatible = (int(record[1]), int(record[2])) if record else (_guessed_profile(frame), None)
    if profile == _ITS_OWN_COLOURS or (profile == 10 and compatible == 0):
        raise InputError(
            f"{path}: is Dolby Vision profile {profile}, whose colours only its own decoders can tell, and no HDR10 "
            "lies beneath: turn it into HDR10 first, such as by ffmpeg's filter libplacebo"
        )
    return tuple(_named(frame, profile))


def _named(frame: av.VideoFrame | None, profile: int | None) -> Iterator[str]:
    if profile is not None:
        yield f"Dolby Vision (profile {profile})"
    if frame is not None:
        yield from (name for kind, name in _OTHERS.items() if read_side_data(frame, kind) is not None)


def _guessed_profile(frame: av.VideoFrame | None) -> int | None:
    """The profile of Dolby Vision in a stream without a record of it, from its metadata, as FFmpeg guesses it.

    AVDOVIMetadata (libavutil/dovi_meta.h) begins with where its AVDOVIRpuDataHeader lies: a profile at byte 4, whether
    the picture has the full range at 10.
    """
    data = None if frame is None else read_side_data(frame, "DOVI_METADATA")
    if data is None:
        return None
    metadata = bytes(data)
    header = metadata[int(np.frombuffer(metadata, np.uintp, 1)[0]) :]
    return 8 if header[4] else 5 if header[10] else 0


def _mastering(frame: av.VideoFrame) -> tuple[Primaries | None, Range | None]:
    """Primaries and luminance, from FFmpeg's AVMasteringDisplayMetadata (libavutil/mastering_display_metadata.h).

    It is ten fractions of two integers: x, y of red, green, blue and white, least, most; then two flags. Some
    containers hold zeros where nobody knows.
    """
    data = read_side_data(frame, "MASTERING_DISPLAY_METADATA")
    if data is None:
        return None, None
    *numbers, has_primaries, has_luminance = np.frombuffer(data, np.int32).tolist()
    values = [Fraction(above, below or 1) for above, below in zip(numbers[::2], numbers[1::2], strict=True)]
    x_red, y_red, x_green, y_green, x_blue, y_blue, x_white, y_white, least, most = values
    primaries = (x_red, y_red), (x_green, y_green), (x_blue, y_blue), (x_white, y_white)
    return primaries if has_primaries and y_white else None, (least, most) if has_luminance and most else None


def _light(frame: av.VideoFrame) -> tuple[int, int] | None:
    """MaxCLL and MaxFALL, the two integers of FFmpeg's AVContentLightMetadata; zeros mean that nobody knows."""
    data = read_side_data(frame, "CONTENT_LIGHT_LEVEL")
    brightest, average = (0, 0) if data is None else np.frombuffer(data, np.uint32).tolist()
    return (brightest, average) if brightest or average else None
