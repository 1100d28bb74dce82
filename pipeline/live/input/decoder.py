"""Packets of a live source → frames on the output's clock, at once: each as soon as its packet allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import av
import av.error

from pipeline.frame import Frame
from pipeline.live.input.clock import TICKS, LiveClock
from pipeline.live.input.connection import Connection
from pipeline.live.process.messages import Opened, SerializedPacket, Streams
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.reading.media_info import VideoInfo

NO_KEY_FRAME = "before a key frame"
SOUND_ALONE = "sound without its picture"
UNDECODABLE = "undecodable"


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame of a live stream; its pts and duration are in 1/90000 s of the output's clock.

    video: what frames are, the same object while nothing changes. arrived: when its packet was read, by time.monotonic.
    """

    frame: Frame
    video: VideoInfo
    arrived: float


@dataclass(frozen=True, slots=True)
class Sound:
    """A packet of sound, at its time on the output's clock, in the time base of its stream.

    parcel: of stream 1 and on, in the order of LiveDecoder.sound: the picture is stream 0.
    """

    parcel: SerializedPacket


class LiveDecoder:
    """Decodes what each connection brings, in software: `open`, `feed` its parcels, `lose`, `open` the next.

    Frames come in the order of showing, as soon as they can: none is held back but for those that are shown before it.
    What can't be decoded is counted and left out; a decoder conceals what is damaged. Beside the picture, sound is
    passed on; everything else is left out.

    skipped: packets left out, by reason. damaged: how many frames show damage. clock: see LiveClock.
    """

    def __init__(self) -> None:
        self.clock = LiveClock()
        self.skipped: Counter[str] = Counter()
        self.damaged = 0
        self.sound: Streams | None = None
        self._connection: Connection | None = None

    @property
    def seconds_without_frame(self) -> float:
        """For how long packets of video have come, and no frame of them."""
        return self._connection.fruitless if self._connection else 0.0

    def open(self, opened: Opened) -> None:
        """Begin anew with the streams of a connection; `sound` is then those of its sound, None if there are none."""
        self.lose()
        assert opened.streams is not None
        self._connection = connection = Connection(opened.streams)
        self.sound = connection.sound
        self.clock.connect()

    def feed(self, parcel: SerializedPacket) -> Iterator[Shot | Sound]:
        """What follows from a parcel of the present connection."""
        connection = self._connection
        assert connection is not None
        if parcel.stream == connection.video.index:
            yield from self._shots(connection, parcel)
        elif parcel.stream in connection.sounds:
            yield from self._sounds(connection, parcel)

    def lose(self) -> list[Shot]:
        """The connection is no more: what its decoder held back."""
        connection, self._connection = self._connection, None
        if connection is None:
            return []
        shots = [self._shot(connection, picture) for picture in connection.rest()]
        connection.close()
        return shots

    def _shots(self, connection: Connection, parcel: SerializedPacket) -> Iterator[Shot]:
        if not connection.can_begin(parcel):
            self.skipped[NO_KEY_FRAME] += 1
            return
        try:
            pictures = connection.decode(parcel)
        except av.error.FFmpegError:
            self.skipped[UNDECODABLE] += 1
            return
        if not pictures and connection.answers:
            self.skipped[UNDECODABLE] += 1
        for picture in pictures:
            yield self._shot(connection, picture)

    def _shot(self, connection: Connection, picture: av.VideoFrame) -> Shot:
        self.damaged += picture.is_corrupt
        parcel, video = connection.parcel_of(picture), connection.seen(picture)
        pts = self.clock.frame(picture.pts, connection.time_base, parcel.at)
        ticks = round((picture.duration or parcel.duration) * connection.time_base * TICKS)
        planes = extract_planes(picture, video.format)
        frame = Frame(video.format, planes, pts, ticks or video.frame_duration, interlaced=picture.interlaced_frame)
        return Shot(frame, video, parcel.at)

    def _sounds(self, connection: Connection, parcel: SerializedPacket) -> Iterator[Sound]:
        stream, time_base = connection.sounds[parcel.stream]
        time = parcel.pts if parcel.dts is None else parcel.dts
        moved = None if time is None else self.clock.sound(stream, time, time_base, parcel.at)
        if time is None or moved is None:
            self.skipped[SOUND_ALONE] += 1
            return
        pts = None if parcel.pts is None else parcel.pts + moved
        yield Sound(replace(parcel, stream=stream, pts=pts, dts=time + moved))
