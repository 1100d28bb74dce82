"""The interface of a source: what the decoder and the sink need to know of it, and its packets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.stream import VideoStream

from pipeline.media.reading.damage import Damage

Packet: TypeAlias = "av.Packet[Any]"  # a string, as PyAV's class can't be subscripted at run time


class Source(Protocol):
    """An open source. Iterate it, once, for its packets in the order in which they are stored.

    Attributes:
        path: As the user named it.
        container: Its streams, chapters and metadata.
        video: The stream that is upscaled.
        rate: Its average frames per second.
        first_pts: The pts of its first frame, as far as known before decoding, in `video.time_base`.
        damage: The faults found so far.
        is_from_start: It is read from its beginning, so that copied audio has its lead-in.
    """

    path: Path
    container: InputContainer
    video: VideoStream
    rate: Fraction
    first_pts: int
    damage: Damage
    is_from_start: bool

    @property
    def clock_jumps(self) -> Sequence[Fraction]:
        """The jumps of its clock so far, in seconds. Timestamps of its packets are already repaired."""

    @property
    def is_open_ended(self) -> bool:
        """True if its container declares no length, as transport streams and raw streams do."""

    def described(self, stream: Any) -> Any:
        """Return `stream`, one of the container's, or another one with its parameters, if it lacks them."""

    def __iter__(self) -> Iterator[Packet]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def stop(self) -> None:
        """End the iteration at the next packet."""

    def rewind(self, hwaccel: HWAccel | None = None) -> VideoStream | None:
        """Open the source again; None if it can be read only once.

        Only the decoder of the returned stream is of use: no packets are read through it.

        Args:
            hwaccel: Hardware that decodes the video, None for software.
        """

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the source is closed, before the decoders that `rewind` opened until now are closed."""

    def missing_frames(self, packets: int, end: int) -> int:
        """The number of frames that the container declares and the iteration did not yield.

        Args:
            packets: How many packets of the video it yielded.
            end: When the last frame ended, in `video.time_base`.
        """
