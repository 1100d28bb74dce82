"""Webcams, by number or name: through libavdevice, or through OpenCV if that fails."""

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
from pipeline.live.process.messages import SerializedPacket, StreamHeader, open_nut

_TICKS = 90_000
_V4L2 = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Webcam:
    """The parameters to open a webcam.

    Attributes:
        format: FFmpeg's input format.
        file: What FFmpeg opens.
        camera: What OpenCV opens; None if it can't open cameras by name.
    """

    format: str
    file: str
    camera: int | str | None


def find_webcam(name: str, platform: str = sys.platform, names_dir: Path = _V4L2) -> Webcam:
    """The webcam of that number (from 0), name or part of a name.

    Args:
        name: Number or name.
        platform: As sys.platform.
        names_dir: The folder in which Linux lists the names of cameras.

    Raises:
        SettingsError: the name is empty, or webcams are not supported on the platform.
    """
    if not name:
        raise SettingsError("webcam: the number or name is missing; give one, such as webcam:0")
    number = int(name) if name.isdecimal() else None
    if platform.startswith("linux"):
        file = f"/dev/video{number}" if number is not None else _device_file(name, names_dir)
        return Webcam("v4l2", file, file)
    if platform == "darwin":  # "none": no audio
        return Webcam("avfoundation", f"{name}:none", number)
    if platform == "win32":
        return Webcam("dshow", f"video={_directshow_name(number) if number is not None else name}", number)
    raise SettingsError(f"webcam:{name}: webcams are not supported on {platform}; give a device and its `format`")


def _device_file(name: str, names_dir: Path) -> str:
    """The device file of the camera called `name`; of several files, the first one has the video.

    If there is no such camera, as it may be unplugged: a file that does not exist.
    """
    if name.startswith("/"):
        return name
    names = {}
    for entry in sorted(names_dir.glob("video*"), key=lambda path: int(path.name.removeprefix("video") or 0)):
        try:
            names[f"/dev/{entry.name}"] = (entry / "name").read_text().strip()
        except OSError:  # unplugged at this moment
            continue
    exact = [file for file, full_name in names.items() if full_name.casefold() == name.casefold()]
    partial = [file for file, full_name in names.items() if name.casefold() in full_name.casefold()]
    return next(iter(exact + partial), f"/dev/{name}")


def _directshow_name(number: int) -> str:
    """The name of a camera by its number: DirectShow opens cameras by name only."""
    import av

    videos = [device.name for device in av.enumerate_input_devices("dshow") if "video" in device.media_types]
    return videos[number] if number < len(videos) else f"camera {number}"


class OpenCvCamera(Closing):
    """A camera read by OpenCV: raw bgr24 frames, timestamped in 1/90000 s by their arrival.

    Raises InputError if OpenCV is missing or can't open it.

    Attributes:
        streams: Its video.
        notes: Remarks for the user.
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
            raise InputError("OpenCV can't open the camera either")
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        height, width = self._first.shape[:2]
        fps = Fraction(rate).limit_denominator(1001) if rate > 0 else None
        self.streams = raw_video_header(width, height, "bgr24", fps)
        self.notes = ("read by OpenCV, as FFmpeg can't open the camera",)

    def __iter__(self) -> Iterator[SerializedPacket]:
        """Each frame as it comes, until the camera delivers no more."""
        frame = self._first
        while frame is not None:
            at = time.monotonic()
            yield SerializedPacket(0, frame.tobytes(), round(at * _TICKS), None, 0, is_keyframe=True, at=at)
            frame = self._read()

    def close(self) -> None:
        self._capture.release()

    def _read(self) -> Any:
        succeeded, frame = self._capture.read()
        return frame if succeeded else None


def raw_video_header(width: int, height: int, pix_fmt: str, rate: Fraction | None) -> StreamHeader:
    """The header of one stream of raw video, in 1/90000 s. rate: frames per second; None if unknown."""
    buffer, container = open_nut()
    with container:
        stream = container.add_stream("rawvideo", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.time_base = Fraction(1, _TICKS)
        container.start_encoding()
        return StreamHeader.from_nut(buffer, [rate])
