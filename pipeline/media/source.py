"""The source of a line: a file's packets, in the order in which they lie there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.stream import VideoStream

from pipeline.media.borders import reading
from pipeline.media.probe import main_video, open_input

_SLACK_SECONDS = 0.5  # how far the last frame may end before the duration that was promised
_ROUGHLY = 0.95  # how much of a number of frames must come that is only roughly right


class FileSource:
    """An open file. Iterate it, once, for the packets of its main video and of the streams in `also`.

    accel: what decodes them, if not the processor.
    """

    def __init__(self, path: Path, also: frozenset[int] = frozenset(), accel: HWAccel | None = None) -> None:
        self.path = path
        self.container: InputContainer = open_input(path, accel)
        try:
            self.video: VideoStream = main_video(path, self.container)
        except BaseException:
            self.container.close()
            raise
        self._wanted = also | {self.video.index}

    def __iter__(self) -> Iterator[av.Packet[Any]]:
        streams = [stream for stream in self.container.streams if stream.index in self._wanted]
        with reading(self.path, "in its middle"):
            for packet in self.container.demux(streams):
                if packet.size:  # PyAV ends each stream with an empty packet
                    yield packet

    def lack(self, packets: int, end: int) -> str:
        """What the container promised of the video and did not give, "" if nothing.

        packets: how many came. end: when the last frame ended, in the stream's time base.
        """
        exact = self.container.format.name.startswith("mov")  # others count in their header, and not always well
        if packets < self.video.frames * (1 if exact else _ROUGHLY):
            return f"{packets} of {self.video.frames} frames are there"
        promised = _seconds(self.video.metadata.get("DURATION", ""))
        if promised is not None and self.video.time_base is not None:
            missing = promised - float(end * self.video.time_base)
            if missing > _SLACK_SECONDS:
                return f"the last {missing:.1f} of {promised:.1f} s are missing"
        return ""

    def close(self) -> None:
        # Freeing a decoder holds the GIL and waits for its threads, and a thread with something to log wants the GIL,
        # where the caller has turned PyAV's logging on. Without work they have nothing to say.
        if self.video.codec_context.is_open:
            self.video.codec_context.flush_buffers()
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _seconds(duration: str) -> float | None:
    """Matroska's tag of a stream's duration, "00:01:02.500000000", in seconds; None if it is none."""
    parts = duration.split(":")
    try:
        return sum(float(part) * 60**power for power, part in enumerate(reversed(parts))) if len(parts) == 3 else None
    except ValueError:
        return None
