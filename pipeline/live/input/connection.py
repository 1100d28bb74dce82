"""One connection of a live source: its streams, and what decodes its pictures while it lasts."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import av.error
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import InputError
from pipeline.flow.closing import Closing
from pipeline.frame import Siting
from pipeline.live.input.clock import TIME_BASE
from pipeline.live.process.messages import SerializedPacket, Streams, nut
from pipeline.media.reading.description import read_siting_tag
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.video_info import build_video_info
from pipeline.system import host

_USUAL_RATE = Fraction(25)
_FASTEST = 1000  # frames in a second; rates above are time bases in disguise
_KEY_SECONDS = 10.0  # to wait for a key frame: some encoders have none, and renew a part of the picture at a time
_WITH_UNSEEN = ("vp8", "mpeg4")  # codecs with packets that are never shown
_MOST_THREADS = 4  # for the slices of a picture; cameras seldom send more


class Connection(Closing):
    """The first video of `streams`, decoded in software; it may be fed and asked until it is closed.

    time_base: of the video's parcels. sounds: for each stream of sound, by its index, its number in the output, from 1,
    and its time base. sound: those streams, None if there are none. fruitless: seconds in which packets of video came,
    from a key frame on, and no picture of them. Raises InputError where there is no video, or no decoder for it.
    """

    def __init__(self, streams: Streams) -> None:
        self._container = streams.opened()
        videos = self._container.streams.video
        if not videos or videos[0].codec_context is None:
            self._container.close()
            raise InputError("its video can't be decoded: no such codec" if videos else "it has no video, only sound")
        self.video = videos[0]
        self.time_base = self.video.time_base or TIME_BASE
        audio = list(self._container.streams.audio)
        self.sounds = {each.index: (number, each.time_base or TIME_BASE) for number, each in enumerate(audio, 1)}
        self.sound = Streams.of(audio) if audio else None
        self._rate = streams.rates[self.video.index]
        self._at_once = not self.video.codec_context.has_b_frames
        self._decoder = self._prepared(self.video.codec_context)
        self._info: VideoInfo | None = None
        self._look: tuple[Any, ...] = ()
        self._began = self._last = self._fruit = 0.0
        self._has_begun = False
        self._fed: SerializedPacket | None = None

    @property
    def fruitless(self) -> float:
        return self._last - self._fruit

    @property
    def answers(self) -> bool:
        """Whether each packet is known to become a picture at once; one of two fields does not."""
        is_whole = self._info is not None and not self._info.scan.interlaced
        return self._at_once and is_whole and self.video.codec_context.name not in _WITH_UNSEEN

    def can_begin(self, parcel: SerializedPacket) -> bool:
        """Whether pictures may follow from `parcel`; before the first key frame they are of no use."""
        self._last = parcel.at
        self._began = self._began or parcel.at
        if not self._has_begun:
            self._fruit = parcel.at
            self._has_begun = parcel.is_keyframe or parcel.at - self._began > _KEY_SECONDS
        return self._has_begun

    def decode(self, parcel: SerializedPacket) -> list[av.VideoFrame]:
        """What follows from `parcel`, in the order of showing. Raises PyAV's errors; more may be fed then."""
        ended = self._renewed(parcel.extradata) if parcel.extradata else []
        packet = parcel.packet(self.time_base)
        packet.opaque = self._fed = parcel  # FFmpeg hands it on to the picture
        try:
            pictures = [*ended, *self._decoder.decode(packet)]
        except av.error.FFmpegError:
            self._has_begun = self._info is not None  # what refers to a first frame that failed is of no use either
            raise
        if pictures:
            self._fruit = parcel.at
        return pictures

    def rest(self) -> list[av.VideoFrame]:
        """What was held back for the order of showing."""
        with contextlib.suppress(av.error.FFmpegError):
            return self._decoder.decode(None)
        return []

    def parcel_of(self, picture: av.VideoFrame) -> SerializedPacket:
        """What `picture` came in."""
        parcel = picture.opaque if isinstance(picture.opaque, SerializedPacket) else self._fed
        assert parcel is not None
        return parcel

    def seen(self, picture: av.VideoFrame) -> VideoInfo:
        """What pictures are: the same object for all that look alike. Once there were fields, there may be more."""
        context = self._decoder
        fields = picture.interlaced_frame or bool(self._info and self._info.scan.interlaced)
        tags = picture.colorspace, picture.color_range, picture.color_primaries, picture.color_trc
        size = picture.width, picture.height, picture.format.name
        look = *size, *tags, context.sample_aspect_ratio, fields
        if self._info is None or look != self._look:
            self._look, self._info = look, self._described(picture)
        return self._info

    def close(self) -> None:
        self._container.close()

    def _described(self, picture: av.VideoFrame) -> VideoInfo:
        context, own = self._decoder, self.video.sample_aspect_ratio
        siting = self._siting(self.parcel_of(picture))
        video = build_video_info(self.video, context, context, picture, self._frame_rate(), siting)
        return replace(video, time_base=TIME_BASE, sample_aspect=context.sample_aspect_ratio or own or Fraction(1))

    def _siting(self, parcel: SerializedPacket) -> Siting | None:
        """Where chroma is sited. FFmpeg tells it of a file, so `parcel` is looked at as one."""
        with contextlib.suppress(av.error.FFmpegError, ValueError):  # ValueError: a codec that NUT does not know
            room, container = nut()
            with container:
                packet = parcel.packet(self.time_base)
                packet.stream = container.add_stream_from_template(self.video, opaque=True)
                container.mux(packet)
            room.seek(0)
            with av.open(room, format="nut") as looked_at:
                return read_siting_tag(looked_at.streams.video[0])
        return None

    def _frame_rate(self) -> Fraction:
        for rate in (self._rate, self._decoder.framerate):
            if rate and rate <= _FASTEST:
                return rate
        return _USUAL_RATE

    def _renewed(self, extradata: bytes) -> list[av.VideoFrame]:
        """Go on with another decoder, for what the codec has to know now; what the one before held back."""
        ended = self.rest()
        decoder = av.CodecContext.create(self.video.codec_context.name, "r")
        assert isinstance(decoder, VideoCodecContext)
        decoder.extradata = extradata
        self._decoder = self._prepared(decoder)
        return ended

    def _prepared(self, decoder: VideoCodecContext) -> VideoCodecContext:
        """`decoder`, told to hold nothing back: threads for frames would, and some do of themselves.

        Told so of a stream with B-frames, MPEG-2's would give them in the wrong order.
        """
        decoder.thread_type = "SLICE"
        decoder.thread_count = min(host.cores(), _MOST_THREADS)
        decoder.flags |= Flags.copy_opaque | Flags.output_corrupt | (Flags.low_delay if self._at_once else 0)
        return decoder
