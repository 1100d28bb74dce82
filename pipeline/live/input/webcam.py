"""Webcams, by number or by name: through libavdevice, and by OpenCV where that can't."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, SettingsError
from pipeline.flow.closing import Closing
from pipeline.live.process.messages import SerializedPacket, Streams, nut

_TICKS = 90_000
_V4L2 = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Webcam:
    """format, file: what FFmpeg opens. camera: what OpenCV does, None where it knows no names."""

    format: str
    file: str
    camera: int | str | None


def webcam(name: str, platform: str = sys.platform, listed: Path = _V4L2) -> Webcam:
    """The camera of that number (from 0) or name, or part of a name, on this platform.

    listed: where Linux keeps the names. Raises SettingsError for an empty name, and where the platform has no cameras
    that could be asked for.
    """
    if not name:
        raise SettingsError("webcam: which one? Give its number or name, such as webcam:0")
    number = int(name) if name.isdecimal() else None
    if platform.startswith("linux"):
        file = f"/dev/video{number}" if number is not None else _found(name, listed)
        return Webcam("v4l2", file, file)
    if platform == "darwin":  # "none": no sound
        return Webcam("avfoundation", f"{name}:none", number)
    if platform == "win32":
        return Webcam("dshow", f"video={_nth(number) if number is not None else name}", number)
    raise SettingsError(f"webcam:{name}: no way to webcams is known on {platform}; give a device and its FFmpeg format")


def _found(name: str, listed: Path) -> str:
    """The device file of the camera called `name`; a camera may have several, the first of which has the pictures.

    Where there is none, which an unplugged camera is: a file that isn't there.
    """
    if name.startswith("/"):
        return name
    names = {}
    for entry in sorted(listed.glob("video*"), key=lambda path: int(path.name.removeprefix("video") or 0)):
        try:
            names[f"/dev/{entry.name}"] = (entry / "name").read_text().strip()
        except OSError:  # unplugged at this moment
            continue
    same = [file for file, called in names.items() if called.casefold() == name.casefold()]
    like = [file for file, called in names.items() if name.casefold() in called.casefold()]
    return next(iter(same + like), f"/dev/{name}")


def _nth(number: int) -> str:
    """DirectShow knows cameras by names only."""
    import av

    videos = [device.name for device in av.enumerate_input_devices("dshow") if "video" in device.media_types]
    return videos[number] if number < len(videos) else f"camera {number}"


class Grabbed(Closing):
    """A camera that OpenCV reads: raw bgr24 pictures, in 1/90000 s of when they came.

    Raises InputError where OpenCV is missing, or can't open it.
    """

    def __init__(self, camera: int | str) -> None:
        try:
            import cv2
        except ImportError as error:
            raise InputError('OpenCV is missing: pip install "opencv-python-headless"') from error
        self._capture = cv2.VideoCapture(camera)
        self._first = self._read()
        if self._first is None:
            self._capture.release()
            raise InputError("OpenCV can't open it either")
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        height, width = self._first.shape[:2]
        self.streams = raw_streams(width, height, "bgr24", Fraction(rate).limit_denominator(1001) if rate > 0 else None)
        self.notes = ("read by OpenCV, as FFmpeg can't open it",)

    def __iter__(self) -> Iterator[SerializedPacket]:
        """Each picture as it comes, until the camera gives none."""
        picture = self._first
        while picture is not None:
            at = time.monotonic()
            yield SerializedPacket(0, picture.tobytes(), round(at * _TICKS), None, 0, is_keyframe=True, at=at)
            picture = self._read()

    def close(self) -> None:
        self._capture.release()

    def _read(self) -> Any:
        there, picture = self._capture.read()
        return picture if there else None


def raw_streams(width: int, height: int, pix_fmt: str, rate: Fraction | None) -> Streams:
    """One stream of pictures that aren't coded, in 1/90000 s."""
    room, container = nut()
    stream = container.add_stream("rawvideo", rate=rate)
    stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
    stream.time_base = Fraction(1, _TICKS)
    container.start_encoding()
    return Streams.written(room, [rate])
