"""The messages between this process and its children, which open sources and outputs that may block for ever.

A child opens a source or an output in FFmpeg. Packets travel as SerializedPackets; the streams that they belong to are
described by the header of a NUT file, which FFmpeg writes and reads with all that decoders and muxers need.
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

# FFmpeg's NUT demuxer takes a header for complete when a syncpoint follows it (nut.h, SYNCPOINT_STARTCODE).
_SYNCPOINT = bytes.fromhex("4e4be4adeeca4569")

Fault = Literal["unreachable", "refused", "wrong password", "wrong path", "silent", "ended", "broken", "changed"]


@dataclass(frozen=True, slots=True)
class StreamHeader:
    """The streams of a container, as FFmpeg describes them: codecs, their extradata, sizes, time bases.

    Attributes:
        nut: The header of a NUT file.
        rates: Frames per second of each stream; None for audio, and where the rate is unknown.
    """

    nut: bytes
    rates: tuple[Fraction | None, ...]

    @classmethod
    def of(cls, streams: Iterable[Stream]) -> StreamHeader:
        """Describe `streams` of an open container, in order, with indices from 0 and time bases that NUT may change.

        Raises PyAV's errors if something that decoders need is unknown, such as the size of the frames.
        """
        streams = list(streams)
        buffer, container = open_nut()
        with container:
            for stream in streams:
                if stream.name == "rawvideo":
                    _add_raw(container, stream)
                else:
                    container.add_stream_from_template(stream, opaque=True)
            container.start_encoding()
            return cls.from_nut(buffer, [rate_of(stream) for stream in streams])

    @classmethod
    def from_nut(cls, buffer: io.BytesIO, rates: Iterable[Fraction | None]) -> StreamHeader:
        """The header that was written into `buffer`; see `open_nut`."""
        return cls(buffer.getvalue() + _SYNCPOINT, tuple(rates))

    @staticmethod
    def can_describe(stream: Stream) -> bool:
        """True if `stream` can be described and its packets passed on; NUT does not support a few codecs."""
        with open_nut()[1] as container:
            try:
                container.add_stream_from_template(stream, opaque=True)
            except ValueError:
                return False
        return True

    def open(self) -> InputContainer:
        """Open a container without packets that has these streams, as templates for decoders and muxers."""
        return av.open(io.BytesIO(self.nut), "r", format="nut", metadata_errors="replace")


def open_nut() -> tuple[io.BytesIO, OutputContainer]:
    """A NUT file in memory to add streams to, and its bytes, which hold the header after `start_encoding`."""
    buffer = io.BytesIO()
    return buffer, av.open(buffer, "w", format="nut")


def _add_raw(container: OutputContainer, stream: Any) -> None:
    """Add a stream of raw video like `stream`: FFmpeg copies templates without the tag of the pixel format."""
    added = container.add_stream("rawvideo", rate=rate_of(stream))
    added.width, added.height, added.pix_fmt = stream.width, stream.height, stream.pix_fmt
    added.time_base = stream.time_base


def rate_of(stream: Stream) -> Fraction | None:
    """Frames per second, as the container states it; None for audio, and where it states none."""
    return (stream.average_rate or stream.guessed_rate) if stream.type == "video" else None


@dataclass(frozen=True, slots=True)
class SerializedPacket:
    """A packet that can be sent to another process.

    Attributes:
        stream: Index in its StreamHeader.
        data: The coded bytes.
        pts: Presentation time in the time base of its stream; None if unknown.
        dts: Decoding time in the same time base; None if unknown.
        duration: In the same time base; 0 if unknown.
        is_keyframe: True if decoding can start here.
        at: When it was read or encoded, in seconds of time.monotonic, which all processes of a machine share.
        is_corrupt: True if the demuxer found it damaged.
        extradata: New parameters of the codec from this packet on; None if they do not change.
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
        """Serialize `packet`, which belongs to the stream with index `stream`."""
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

    @property
    def decoding_time(self) -> int | None:
        """dts, or pts where dts is unknown."""
        return self.pts if self.dts is None else self.dts

    def to_av(self, time_base: Fraction) -> av.Packet[Any]:
        """PyAV's packet again. time_base: that of its stream."""
        packet: av.Packet[Any] = av.Packet(self.data)
        packet.pts, packet.dts, packet.time_base = self.pts, self.dts, time_base
        packet.duration, packet.is_keyframe = self.duration, self.is_keyframe
        return packet


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """To a child: open this.

    Attributes:
        address: The complete address, with its secrets.
        format: FFmpeg's name of the format; None to guess it.
        options: FFmpeg's options.
        streams: The streams of an output; None for a source.
    """

    address: str = field(repr=False)
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict, repr=False)
    streams: StreamHeader | None = None


@dataclass(frozen=True, slots=True)
class SourceRequest(OpenRequest):
    """To the reading child: open this source.

    Attributes:
        audio: Read its audio too.
        paced: If it is a file or comes in segments, read it at the pace of its timestamps.
        always_paced: Read it at that pace in any case.
        camera: OpenCV's name of the device, in case FFmpeg can't open it; None if there is none.
        opening: Seconds in which the source must be open.
        silence: Seconds in which there must be a packet of video.
        host: Name and port that TCP will connect to; None if unknown.
        check_host: First connect to `host` for at most a second, as FFmpeg would wait longer.
    """

    audio: bool = True
    paced: bool = False
    always_paced: bool = False
    camera: int | str | None = None
    opening: float = 30.0
    silence: float = 10.0
    host: tuple[str, int] | None = None
    check_host: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionOpened:
    """From a child: the requested source or output is open.

    Attributes:
        streams: The streams of a source; None for an output.
        notes: Remarks for the user, a line each.
    """

    streams: StreamHeader | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """From a child: the request failed, or the connection ended.

    Attributes:
        fault: The kind of failure.
        reason: One line for the user, without any address.
    """

    fault: Fault
    reason: str


@dataclass(frozen=True, slots=True)
class PacketWritten:
    """From a child: the oldest SerializedPacket that it was sent has been handled.

    Attributes:
        is_written: True if the packet was written, False if it was skipped.
    """

    is_written: bool
