"""Audio that the result's container can't hold: decoded, and encoded anew as something that it can."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer

from pipeline.media.writing.container_support import reads_back, specified_layout
from pipeline.media.writing.stream_copy import Route

log = logging.getLogger(__name__)

LOSSLESS = ("flac", "alac", "wavpack", "truehd", "mlp", "tta")  # and pcm_*; what of DTS is lossless can't be told
# By the bits of a sample; the first that the container holds is taken.
_LOSSLESS_ENCODERS: dict[int | str, tuple[str, ...]] = {
    16: ("flac", "alac", "pcm_s16le", "pcm_s16be"),
    24: ("flac", "alac", "pcm_s24le", "pcm_s24be"),
    32: ("pcm_s32le", "pcm_s32be"),
    "float": ("pcm_f32le", "pcm_f32be"),
    "double": ("pcm_f64le", "pcm_f64be"),
}
_LOSSY_ENCODERS = ("aac", "libopus", "ac3", "mp2", "wmav2", "pcm_s16le")
_BIT_RATE = 80_000  # for each channel: 160 kb/s for a stereo pair, generous for AAC and Opus
_GAP = Fraction(5, 1000)  # seconds; more than times rounded to milliseconds are off, less than any codec's frame lasts
_OVERLAP = Fraction(40, 1000)  # what comes too early by less is taken for jitter
_SILENCE = 4096  # samples at once


class Reencoded(Route):
    """Decodes a stream and encodes it anew.

    Sound keeps its time: a gap becomes silence, and what lies twice in one place is cut. damaged: how many packets
    could not be decoded.
    """

    def __init__(self, stream: AudioStream, original: AudioStream, shift: Fraction) -> None:
        super().__init__(stream)
        self.damaged = 0
        self._decoder = original.codec_context
        self._encoder = stream.codec_context
        self._shift = shift
        self._resampler: AudioResampler | None = None
        self._like: tuple[Any, ...] = ()  # what the resampler takes
        self._end: Fraction | None = None  # seconds, of the last sample that was encoded

    def feed(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        for frame in self._decoded(packet):
            yield from self._place(frame)

    def finish(self) -> Iterator[av.Packet[Any]]:
        for frame in self._decoded(None):
            yield from self._place(frame)
        if self._end is not None:
            yield from self._change_input(None)
            yield from self._given(self._encoder.encode(None))

    def _decoded(self, packet: av.Packet[Any] | None) -> list[av.AudioFrame]:
        try:
            return self._decoder.decode(packet)
        except av.error.FFmpegError as error:
            log.debug("audio packet at %s: %s", packet and packet.pts, error)
            self.damaged += 1
            return []

    def _place(self, frame: av.AudioFrame) -> Iterator[av.Packet[Any]]:
        """Encode `frame` right after what was before, with silence between them, or without its beginning."""
        time = self._end if frame.pts is None or not frame.time_base else frame.pts * frame.time_base + self._shift
        if self._end is None or time is None:
            self._end = time or Fraction(0)
        elif time - self._end > _GAP:
            yield from self._silence(frame, round((time - self._end) * frame.sample_rate))
        elif self._end - time > _OVERLAP:
            surplus = round((self._end - time) * frame.sample_rate)
            if surplus >= frame.samples:
                return
            frame = _without_beginning(frame, surplus)
        yield from self._encode(frame)

    def _silence(self, frame: av.AudioFrame, samples: int) -> Iterator[av.Packet[Any]]:
        while samples > 0:
            count = min(samples, _SILENCE)
            silent = av.AudioFrame(format=frame.format.name, layout=frame.layout.name, samples=count)
            silent.sample_rate = frame.sample_rate
            for plane in silent.planes:
                plane.update(bytes([0x80 if frame.format.name.startswith("u8") else 0]) * plane.buffer_size)
            samples -= count
            yield from self._encode(silent)

    def _encode(self, frame: av.AudioFrame) -> Iterator[av.Packet[Any]]:
        like = frame.format.name, frame.layout.name, frame.sample_rate
        if like != self._like:
            yield from self._change_input(like)
        assert self._end is not None
        assert self._resampler is not None
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = round(self._end * frame.sample_rate)
        self._end += Fraction(frame.samples, frame.sample_rate)
        for resampled in self._resampler.resample(frame):
            yield from self._given(self._encoder.encode(resampled))

    def _change_input(self, like: tuple[Any, ...] | None) -> Iterator[av.Packet[Any]]:
        """Get what the resampler still holds, and have another, for frames `like` these."""
        if self._resampler is not None:
            for resampled in self._resampler.resample(None):
                yield from self._given(self._encoder.encode(resampled))
        context = self._encoder
        self._resampler = AudioResampler(context.format, context.layout, context.sample_rate)
        self._like = like or ()

    def _given(self, packets: list[av.Packet[Any]]) -> Iterator[av.Packet[Any]]:
        for packet in packets:
            packet.stream = self.stream
            yield packet


def encoded_copy(container: OutputContainer, original: AudioStream) -> AudioStream | None:
    """A stream in `container` for `original` encoded anew, without loss if it has none yet; None if no codec fits."""
    context = original.codec_context
    lossless = _LOSSLESS_ENCODERS[_depth(context)] if is_lossless(context.codec.canonical_name) else ()
    for name in (*lossless, *_LOSSY_ENCODERS):
        for layout in _layouts(context, name in _LOSSY_ENCODERS):
            if _suits(container.format.name, name, context, layout):
                return _added(container, name, context, layout)
    return None


def is_lossless(codec: str) -> bool:
    return codec in LOSSLESS or codec.startswith("pcm_")


def _depth(context: AudioCodecContext) -> int | str:
    """The bits of a sample, "float" or "double", as far as its codec and decoder tell."""
    sample, codec = context.format.name.rstrip("p"), context.codec.canonical_name
    if sample in ("flt", "dbl"):
        return "float" if sample == "flt" else "double"
    if sample == "s32":
        return 32 if "32" in codec else 24
    return 16


def _layouts(context: AudioCodecContext, may_mix: bool) -> Iterator[str]:
    layout = specified_layout(context.layout)
    yield layout
    if may_mix:
        yield from (name for name in ("7.1", "5.1", "stereo") if av.AudioLayout(name).nb_channels <= context.channels)


def _suits(muxer: str, name: str, original: AudioCodecContext, layout: str) -> bool:
    """Whether such an encoder opens, and `muxer` takes what it makes."""
    if not reads_back(muxer, av.Codec(name, "w").canonical_name):
        return False
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as trial:
            _added(trial, name, original, layout)
            trial.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def _added(container: OutputContainer, name: str, original: AudioCodecContext, layout: str) -> AudioStream:
    stream = container.add_stream(name, rate=_rate(name, original.sample_rate))
    assert isinstance(stream, AudioStream)
    context = stream.codec_context
    context.layout = layout
    context.format = _format(name, original.format.name.rstrip("p"))
    if name in _LOSSY_ENCODERS and not name.startswith("pcm"):
        context.bit_rate = _BIT_RATE * av.AudioLayout(layout).nb_channels
    return stream


def _rate(name: str, wanted: int) -> int:
    """The lowest rate that loses nothing, else the highest, of those that the encoder has."""
    rates = av.Codec(name, "w").audio_rates or [wanted]
    return min((rate for rate in rates if rate >= wanted), default=max(rates))


def _format(name: str, wanted: str) -> str:
    """The encoder's sample format that is `wanted`, whether planar or not, else its best."""
    formats = [format.name for format in av.Codec(name, "w").audio_formats or ()]
    return next((format for format in formats if format.rstrip("p") == wanted), formats[-1] if formats else wanted)


def _without_beginning(frame: av.AudioFrame, samples: int) -> av.AudioFrame:
    values: Any = frame.to_ndarray()
    cut = values[:, samples * (1 if frame.format.is_planar else frame.layout.nb_channels) :]
    rest = av.AudioFrame.from_ndarray(np.ascontiguousarray(cut), format=frame.format.name, layout=frame.layout.name)
    rest.sample_rate = frame.sample_rate
    return rest
