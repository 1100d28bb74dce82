"""What passes between this process and its children, which open what may block for ever.

A child opens a source or an output in FFmpeg; packets travel as SerializedPackets, and the streams that they belong to
are described by the head of a NUT file, which FFmpeg writes and reads with everything that decoders and muxers need.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import av
from av.container import InputContainer, OutputContainer
from av.stream import Stream

# FFmpeg's reader of NUT takes a head for whole when it is followed by a syncpoint (nut.h, SYNCPOINT_STARTCODE).
_SYNCPOINT = bytes.fromhex("4e4be4adeeca4569")

Fault = Literal["unreachable", "refused", "wrong password", "wrong path", "silent", "ended", "broken", "changed"]


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of a container, as FFmpeg describes them: codecs, their extradata, sizes, time bases.

    head: that of a NUT file. rates: frames in a second of each stream, None where it is no video or that is unknown.
    """

    head: bytes
    rates: tuple[Fraction | None, ...]

    @classmethod
    def of(cls, streams: Iterable[Stream]) -> Streams:
        """Those of an open container, in their order, under new indices from 0, and in time bases that NUT may change.

        Raises PyAV's errors where something that decoders need isn't known, such as the size of a picture.
        """
        streams = list(streams)
        room, container = nut()
        for stream in streams:
            if stream.name == "rawvideo":
                _add_raw(container, stream)
            else:
                container.add_stream_from_template(stream, opaque=True)
        container.start_encoding()
        return cls.written(room, [rate_of(stream) for stream in streams])

    @classmethod
    def written(cls, room: io.BytesIO, rates: Iterable[Fraction | None]) -> Streams:
        """Those whose head was written into `room`; see `nut`."""
        return cls(room.getvalue() + _SYNCPOINT, tuple(rates))

    @staticmethod
    def can_hold(stream: Stream) -> bool:
        """Whether `stream` can be described, and its packets handed on; a few codecs are unknown to NUT."""
        try:
            nut()[1].add_stream_from_template(stream, opaque=True)
        except ValueError:
            return False
        return True

    def opened(self) -> InputContainer:
        """A container without packets that has these streams; decoders and muxers take them as templates."""
        return av.open(io.BytesIO(self.head), "r", format="nut")


def nut() -> tuple[io.BytesIO, OutputContainer]:
    """A NUT file in memory, to add streams to; its head is there after `start_encoding`."""
    room = io.BytesIO()
    return room, av.open(room, "w", format="nut")


def _add_raw(container: OutputContainer, stream: Any) -> None:
    """Add `stream`, of video that isn't coded: FFmpeg copies templates without the tag that tells their layout."""
    added = container.add_stream("rawvideo", rate=rate_of(stream))
    added.width, added.height, added.pix_fmt = stream.width, stream.height, stream.pix_fmt
    added.time_base = stream.time_base


def rate_of(stream: Stream) -> Fraction | None:
    """Frames in a second, as far as the container tells."""
    return (stream.average_rate or stream.guessed_rate) if stream.type == "video" else None


@dataclass(frozen=True, slots=True)
class SerializedPacket:
    """A packet. stream: index in its Streams. pts, dts, duration: in that stream's time base; dts None if unknown.

    at: when it was read, or made, in seconds of time.monotonic, which on one machine all processes share.
    extradata: what the codec has to know from here on, where that changes.
    """

    stream: int
    data: bytes
    pts: int | None
    dts: int | None
    duration: int
    is_keyframe: bool
    at: float
    is_corrupt: bool = False
    extradata: bytes | None = None

    @classmethod
    def of(cls, packet: av.Packet[Any], stream: int, at: float) -> SerializedPacket:
        extradata = bytes(packet.get_sidedata("new_extradata")) if packet.has_sidedata("new_extradata") else None
        return cls(
            stream=stream,
            data=bytes(packet),
            pts=packet.pts,
            dts=packet.dts,
            duration=packet.duration or 0,
            is_keyframe=packet.is_keyframe,
            at=at,
            is_corrupt=packet.is_corrupt,
            extradata=extradata,
        )

    def packet(self, time_base: Fraction) -> av.Packet[Any]:
        """The packet again, in `time_base`, that of its stream."""
        packet: av.Packet[Any] = av.Packet(self.data)
        packet.pts, packet.dts, packet.time_base = self.pts, self.dts, time_base
        packet.duration, packet.is_keyframe = self.duration, self.is_keyframe
        return packet


@dataclass(frozen=True, slots=True)
class Open:
    """To a child: open this. address: in full, with its secrets. format: FFmpeg's name, None to guess."""

    address: str = field(repr=False)
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict, repr=False)
    streams: Streams | None = None


@dataclass(frozen=True, slots=True)
class OpenSource(Open):
    """To the reading child. audio: whether it is wanted.

    paced: give packets at the pace of their clock, if it is a file or comes in pieces. always_paced: whatever it is.
    camera: OpenCV's name of the device, if FFmpeg can't open it.
    opening, silence: seconds in which there must be an answer, and a packet of video. host: name and port of whom TCP
    will call. knocks: call there first, and give up after a second, where FFmpeg would wait for longer.
    """

    audio: bool = True
    paced: bool = False
    always_paced: bool = False
    camera: int | str | None = None
    opening: float = 30.0
    silence: float = 10.0
    host: tuple[str, int] | None = None
    knocks: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """From a child: it is open. streams: of a source."""

    streams: Streams | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """From a child: it can't be opened, or goes on no more. reason: a line without any address."""

    fault: Fault
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """From a child: it is done with the oldest SerializedPacket that it was sent. kept: whether that went into the
    output.
    """

    kept: bool
