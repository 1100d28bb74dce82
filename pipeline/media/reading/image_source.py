"""A source that reads still images."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.stream import VideoStream

from pipeline.flow.closing import Closing
from pipeline.media.reading.damage import Damage
from pipeline.media.reading.image_sequence import RATE, ImageSequence, open_images, read_image_file
from pipeline.media.reading.input_container import flush_decoder
from pipeline.media.reading.source import Packet


class ImageSource(Closing):
    """Open images; see `Source`. The iteration yields one packet for each.

    An image's number decides its time, so that a missing image leaves a gap.

    Args:
        images: The files. The stream and its format are those of the first readable one.
        rate: Frames per second; the time base is its inverse.
        strict: Raise InputError at the first damage.

    Raises:
        InputError: None of the images can be read.
    """

    def __init__(self, images: ImageSequence, rate: Fraction = RATE, strict: bool = False) -> None:
        self.path = images.path
        self.images = images
        self.damage = Damage(images.path, strict)
        self.rate, self.first_pts = rate, 0
        self.clock_jumps: Sequence[Fraction] = ()
        self.is_open_ended = False
        self.is_from_start = True
        self._stopped = False
        self._resources = contextlib.ExitStack()
        self.container: InputContainer = self._open()
        self.video: VideoStream = self.container.streams.video[0]

    def __iter__(self) -> Iterator[Packet]:
        for number, file in self.images.files.items():
            if self._stopped:
                return
            content = read_image_file(file)
            self.damage.add(damaged_frames=int(_is_truncated_jpeg(content)))
            packet = av.Packet(content or b"\0")  # an empty packet would end the stream
            packet.stream = self.video
            packet.time_base = 1 / self.rate
            packet.pts = packet.dts = self.images.tick(number)
            packet.duration = 1
            packet.is_keyframe = True
            yield packet

    def described(self, stream: Any) -> Any:
        return stream

    def stop(self) -> None:
        self._stopped = True

    def rewind(self, hwaccel: HWAccel | None = None) -> VideoStream:
        return self._open().streams.video[0]

    def on_close(self, callback: Callable[[], None]) -> None:
        self._resources.callback(callback)

    def missing_frames(self, packets: int, end: int) -> int:
        return 0  # a missing number may never have existed

    def close(self) -> None:
        self._resources.close()

    def _open(self) -> InputContainer:
        container = self._resources.enter_context(open_images(self.images, self.rate))
        self._resources.callback(flush_decoder, container.streams.video[0].codec_context)
        return container


def _is_truncated_jpeg(content: bytes) -> bool:
    """Return True if a JPEG ends within a scan, which FFmpeg does not report (ITU-T T.81, B.1.1.3: SOI, SOS, EOI)."""
    return content.startswith(b"\xff\xd8") and content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda")
