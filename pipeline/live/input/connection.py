"""One connection of a live source: its streams, and the decoder of its video."""

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
from pipeline.live.process.messages import SerializedPacket, StreamHeader, open_nut
from pipeline.media.reading.description import read_siting_tag
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.video_info import build_video_info
from pipeline.system import host

_DEFAULT_RATE = Fraction(25)
_MAX_RATE = 1000  # frames per second; higher rates are time bases
_KEY_SECONDS = 10.0  # to wait for a key frame; encoders with gradual refresh send none
_HIDDEN_FRAMES = ("vp8", "mpeg4")  # codecs with packets that are never shown
_MAX_THREADS = 4  # for the slices of a frame; cameras seldom send more


class Connection(Closing):
    """Decodes the first video stream of a connection in software.

    Raises InputError if there is no video, or no decoder for it.

    Attributes:
        video: The video stream.
        time_base: Time base of the video's packets.
        audio: The audio streams; None if there are none.
        audio_streams: By index in the source, the index of an audio stream in the output, from 1, and its time base.
    """

    def __init__(self, streams: StreamHeader) -> None:
        with contextlib.ExitStack() as on_error:
            self._container = on_error.enter_context(streams.open())
            videos = self._container.streams.video
            if not videos:
                raise InputError("it has no video, only audio")
            if videos[0].codec_context is None:
                raise InputError("its video can't be decoded: no decoder for the codec")
            self.video = videos[0]
            self.time_base = self.video.time_base or TIME_BASE
            audio = list(self._container.streams.audio)
            self.audio_streams = {
                stream.index: (number, stream.time_base or TIME_BASE) for number, stream in enumerate(audio, 1)
            }
            self.audio = StreamHeader.of(audio) if audio else None
            self._rate = streams.rates[self.video.index]
            self._has_no_b_frames = not self.video.codec_context.has_b_frames
            self._decoder = self._configure(self.video.codec_context)
            on_error.pop_all()
        self._info: VideoInfo | None = None
        self._properties: tuple[Any, ...] = ()  # of the frames that _info describes
        self._first_at = self._last_at = 0.0  # when the first and the last packet of video came
        self._frame_at = 0.0  # when the last packet came that gave a frame
        self._has_started = False
        self._last_packet: SerializedPacket | None = None

    @property
    def seconds_without_frame(self) -> float:
        """For how many seconds, from a key frame on, packets of video have come without a frame."""
        return self._last_at - self._frame_at

    @property
    def decodes_at_once(self) -> bool:
        """True if each packet is known to give a frame at once; packets with one field do not."""
        is_progressive = self._info is not None and not self._info.scan.interlaced
        return self._has_no_b_frames and is_progressive and self.video.codec_context.name not in _HIDDEN_FRAMES

    def can_start(self, packet: SerializedPacket) -> bool:
        """True from the first key frame on; before it, packets can't be decoded."""
        self._last_at = packet.at
        self._first_at = self._first_at or packet.at
        if not self._has_started:
            self._frame_at = packet.at
            self._has_started = packet.is_keyframe or packet.at - self._first_at > _KEY_SECONDS
        return self._has_started

    def decode(self, packet: SerializedPacket) -> list[av.VideoFrame]:
        """The frames that follow from `packet`, in the order of showing. Raises PyAV's errors; more may be fed then."""
        flushed = self._replace_decoder(packet.extradata) if packet.extradata else []
        av_packet = packet.to_av(self.time_base)
        av_packet.opaque = self._last_packet = packet  # FFmpeg attaches it to the frame
        try:
            frames = [*flushed, *self._decoder.decode(av_packet)]
        except av.error.FFmpegError:
            self._has_started = self._info is not None  # frames that refer to a failed first one are of no use either
            raise
        if frames:
            self._frame_at = packet.at
        return frames

    def flush(self) -> list[av.VideoFrame]:
        """The frames that were held back for the order of showing."""
        with contextlib.suppress(av.error.FFmpegError):
            return self._decoder.decode(None)
        return []

    def packet_of(self, frame: av.VideoFrame) -> SerializedPacket:
        """The packet that `frame` was decoded from."""
        packet = frame.opaque if isinstance(frame.opaque, SerializedPacket) else self._last_packet
        assert packet is not None
        return packet

    def describe(self, frame: av.VideoFrame) -> VideoInfo:
        """The description of `frame`: the same object for all alike. After one interlaced frame, all count as such."""
        context = self._decoder
        interlaced = frame.interlaced_frame or bool(self._info and self._info.scan.interlaced)
        tags = frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc
        size = frame.width, frame.height, frame.format.name
        properties = *size, *tags, context.sample_aspect_ratio, interlaced
        if self._info is None or properties != self._properties:
            self._properties, self._info = properties, self._video_info(frame)
        return self._info

    def close(self) -> None:
        self._container.close()

    def _video_info(self, frame: av.VideoFrame) -> VideoInfo:
        context, own = self._decoder, self.video.sample_aspect_ratio
        siting = self._siting(self.packet_of(frame))
        video = build_video_info(self.video, context, context, frame, self._frame_rate(), siting)
        return replace(video, time_base=TIME_BASE, sample_aspect=context.sample_aspect_ratio or own or Fraction(1))

    def _siting(self, packet: SerializedPacket) -> Siting | None:
        """The siting of chroma; None if unknown. FFmpeg reports it for files only, so `packet` is read as one."""
        with contextlib.suppress(av.error.FFmpegError, ValueError):  # ValueError: a codec that NUT does not know
            buffer, container = open_nut()
            with container:
                av_packet = packet.to_av(self.time_base)
                av_packet.stream = container.add_stream_from_template(self.video, opaque=True)
                container.mux(av_packet)
            buffer.seek(0)
            with av.open(buffer, format="nut", metadata_errors="replace") as file:
                return read_siting_tag(file.streams.video[0])
        return None

    def _frame_rate(self) -> Fraction:
        for rate in (self._rate, self._decoder.framerate):
            if rate and rate <= _MAX_RATE:
                return rate
        return _DEFAULT_RATE

    def _replace_decoder(self, extradata: bytes) -> list[av.VideoFrame]:
        """Create a decoder with new parameters of the codec; the frames that the old one held back."""
        flushed = self.flush()
        decoder = av.CodecContext.create(self.video.codec_context.name, "r")
        assert isinstance(decoder, VideoCodecContext)
        decoder.extradata = extradata
        self._decoder = self._configure(decoder)
        return flushed

    def _configure(self, decoder: VideoCodecContext) -> VideoCodecContext:
        """Configure `decoder` for low delay: threads for frames would hold frames back, and some decoders do anyway.

        With low_delay, MPEG-2's decoder would return the frames of a stream with B-frames in the wrong order.
        """
        decoder.thread_type = "SLICE"
        decoder.thread_count = min(host.cores(), _MAX_THREADS)
        decoder.flags |= Flags.copy_opaque | Flags.output_corrupt | (Flags.low_delay if self._has_no_b_frames else 0)
        return decoder
