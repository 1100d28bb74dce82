"""Decodes the packets of a live source into frames on the output's clock, each as soon as its packet allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import av
import av.error

from pipeline.frame import Frame
from pipeline.live.input.clock import TICKS, LiveClock
from pipeline.live.input.connection import Connection
from pipeline.live.process.messages import ConnectionOpened, SerializedPacket, StreamHeader
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.reading.media_info import VideoInfo

NO_KEY_FRAME = "before a key frame"
AUDIO_ALONE = "audio without video"
UNDECODABLE = "undecodable"


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """A decoded frame of a live stream, with the description of its streams.

    Attributes:
        frame: The frame; pts and duration are in 1/90000 s of the output's clock.
        video: What its frames are; the same object while nothing changes.
        audio: The audio streams of its connection; None if there are none.
        arrived: When its packet was read, in seconds of time.monotonic.
    """

    frame: Frame
    video: VideoInfo
    audio: StreamHeader | None
    arrived: float


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """A packet of audio on the output's clock, in the time base of its stream.

    Attributes:
        packet: Of stream 1 and on, in the order of LiveFrame.audio; stream 0 is the video.
    """

    packet: SerializedPacket


class LiveDecoder:
    """Decodes each connection of a source in software: `open`, `feed` its packets, `lose`, `open` the next.

    Frames come in the order of showing, as soon as they can: a frame is only held back for others that are shown before
    it. Packets that can't be decoded are counted and dropped; damage within a frame is concealed by the decoder. Audio
    is passed along; other streams are dropped.

    Attributes:
        clock: The output's clock.
        skipped: Dropped packets, by reason.
        damaged: The number of frames with visible damage.
        audio: The audio streams of the current or last connection; None if there are none.
    """

    def __init__(self) -> None:
        self.clock = LiveClock()
        self.skipped: Counter[str] = Counter()
        self.damaged = 0
        self.audio: StreamHeader | None = None
        self._connection: Connection | None = None

    @property
    def seconds_without_frame(self) -> float:
        """For how many seconds packets of video have come without a frame."""
        return self._connection.seconds_without_frame if self._connection else 0.0

    def open(self, opened: ConnectionOpened) -> None:
        """Start with the streams of a new connection. Raises InputError if there is no video that can be decoded."""
        self.lose()
        assert opened.streams is not None
        self._connection = connection = Connection(opened.streams)
        self.audio = connection.audio
        self.clock.connect()

    def feed(self, packet: SerializedPacket) -> Iterator[LiveFrame | AudioPacket]:
        """The frames and audio packets that follow from a packet of the current connection."""
        connection = self._connection
        assert connection is not None
        if packet.stream == connection.video.index:
            yield from self._video(connection, packet)
        elif packet.stream in connection.audio_streams:
            yield from self._audio(connection, packet)

    def lose(self) -> list[LiveFrame]:
        """Close the current connection, if any; the frames that its decoder held back."""
        connection, self._connection = self._connection, None
        if connection is None:
            return []
        with connection:
            return [self._live_frame(connection, frame) for frame in connection.flush()]

    def _video(self, connection: Connection, packet: SerializedPacket) -> Iterator[LiveFrame]:
        if not connection.can_start(packet):
            self.skipped[NO_KEY_FRAME] += 1
            return
        try:
            frames = connection.decode(packet)
        except av.error.FFmpegError:
            self.skipped[UNDECODABLE] += 1
            return
        if not frames and connection.decodes_at_once:
            self.skipped[UNDECODABLE] += 1
        for frame in frames:
            yield self._live_frame(connection, frame)

    def _live_frame(self, connection: Connection, av_frame: av.VideoFrame) -> LiveFrame:
        self.damaged += av_frame.is_corrupt
        packet, video = connection.packet_of(av_frame), connection.describe(av_frame)
        pts = self.clock.frame(av_frame.pts, connection.time_base, packet.at)
        ticks = round((av_frame.duration or packet.duration) * connection.time_base * TICKS)
        planes = extract_planes(av_frame, video.format)
        frame = Frame(video.format, planes, pts, ticks or video.frame_duration, interlaced=av_frame.interlaced_frame)
        return LiveFrame(frame, video, connection.audio, packet.at)

    def _audio(self, connection: Connection, packet: SerializedPacket) -> Iterator[AudioPacket]:
        stream, time_base = connection.audio_streams[packet.stream]
        time = packet.decoding_time
        shift = None if time is None else self.clock.audio(stream, time, time_base, packet.at)
        if time is None or shift is None:
            self.skipped[AUDIO_ALONE] += 1
            return
        pts = None if packet.pts is None else packet.pts + shift
        yield AudioPacket(replace(packet, stream=stream, pts=pts, dts=time + shift))
