"""Re-encodes audio that the container of the output does not support, losslessly where the source is lossless."""

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

from pipeline.media.pcm import is_pcm
from pipeline.media.reading.source import Packet
from pipeline.media.writing.container_support import reads_back, specified_layout
from pipeline.media.writing.stream_copy import Route

log = logging.getLogger(__name__)

LOSSLESS = ("flac", "alac", "wavpack", "truehd", "mlp", "tta")  # and pcm_*; lossless DTS is not distinguishable
# By the bits of a sample, in order of preference.
_LOSSLESS_ENCODERS: dict[int | str, tuple[str, ...]] = {
    16: ("flac", "alac", "pcm_s16le", "pcm_s16be"),
    24: ("flac", "alac", "pcm_s24le", "pcm_s24be"),
    32: ("pcm_s32le", "pcm_s32be"),
    "float": ("pcm_f32le", "pcm_f32be"),
    "double": ("pcm_f64le", "pcm_f64be"),
}
_LOSSY_ENCODERS = ("aac", "libopus", "ac3", "mp2", "wmav2", "pcm_s16le")
_BIT_RATE = 80_000  # bits a second for each channel: 160 kb/s for stereo, transparent with AAC and Opus
_MIN_GAP = Fraction(5, 1000)  # seconds: above the error of times rounded to milliseconds, below any codec's frame
_MIN_OVERLAP = Fraction(40, 1000)  # seconds; smaller overlaps are jitter
_SILENCE_SAMPLES = 4096  # samples in a frame of silence


class ReencodeRoute(Route):
    """Decodes a stream and encodes it again, in sync: gaps are filled with silence, overlaps are cut."""

    def __init__(self, stream: AudioStream, original: AudioStream, shift: Fraction) -> None:
        """Re-encode a stream.

        Args:
            stream: The stream of the output, whose encoder is configured.
            original: The stream of the source.
            shift: Added to all timestamps, in seconds.
        """
        super().__init__(stream)
        self._decoder = original.codec_context
        self._encoder = stream.codec_context
        self._shift = shift
        self._resampler: AudioResampler | None = None
        self._input_properties: tuple[str, str, int] | None = (
            None  # sample format, layout and rate that the resampler accepts
        )
        self._end: Fraction | None = None  # end of the last encoded sample in seconds

    def feed(self, packet: Packet) -> Iterator[Packet]:
        for frame in self._decoded(packet):
            yield from self._encode_in_sync(frame)

    def finish(self) -> Iterator[Packet]:
        for frame in self._decoded(None):
            yield from self._encode_in_sync(frame)
        if self._end is not None:
            yield from self._change_input(None)
            yield from self._assign(self._encoder.encode(None))

    def _decoded(self, packet: Packet | None) -> list[av.AudioFrame]:
        try:
            return self._decoder.decode(packet)
        except av.error.FFmpegError as error:
            log.debug("audio packet at %s: %s", packet and packet.pts, error)
            self.damaged += 1
            return []

    def _encode_in_sync(self, frame: av.AudioFrame) -> Iterator[Packet]:
        """Encode `frame` at its time: after silence, or without its beginning, if the last frame does not end there."""
        time = self._end if frame.pts is None or not frame.time_base else frame.pts * frame.time_base + self._shift
        if self._end is None or time is None:
            self._end = time or Fraction(0)
        elif time - self._end > _MIN_GAP:
            yield from self._silence(frame, round((time - self._end) * frame.sample_rate))
        elif self._end - time > _MIN_OVERLAP:
            surplus = round((self._end - time) * frame.sample_rate)
            if surplus >= frame.samples:
                return
            frame = _without_beginning(frame, surplus)
        yield from self._encode(frame)

    def _silence(self, frame: av.AudioFrame, samples: int) -> Iterator[Packet]:
        while samples > 0:
            count = min(samples, _SILENCE_SAMPLES)
            silent = av.AudioFrame(format=frame.format.name, layout=frame.layout.name, samples=count)
            silent.sample_rate = frame.sample_rate
            for plane in silent.planes:
                plane.update(bytes([0x80 if frame.format.name.startswith("u8") else 0]) * plane.buffer_size)
            samples -= count
            yield from self._encode(silent)

    def _encode(self, frame: av.AudioFrame) -> Iterator[Packet]:
        properties = frame.format.name, frame.layout.name, frame.sample_rate
        if properties != self._input_properties:
            yield from self._change_input(properties)
        assert self._end is not None
        assert self._resampler is not None
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = round(self._end * frame.sample_rate)
        self._end += Fraction(frame.samples, frame.sample_rate)
        for resampled in self._resampler.resample(frame):
            yield from self._assign(self._encoder.encode(resampled))

    def _change_input(self, properties: tuple[str, str, int] | None) -> Iterator[Packet]:
        """Drain the resampler, and create one for frames of these `properties`."""
        if self._resampler is not None:
            for resampled in self._resampler.resample(None):
                yield from self._assign(self._encoder.encode(resampled))
        context = self._encoder
        self._resampler = AudioResampler(context.format, context.layout, context.sample_rate)
        self._input_properties = properties

    def _assign(self, packets: list[Packet]) -> Iterator[Packet]:
        for packet in packets:
            packet.stream = self.stream
            yield packet


def add_encoded_stream(container: OutputContainer, original: AudioStream) -> AudioStream | None:
    """Add a stream to `container` for re-encoding `original`, lossless if that is.

    Returns:
        The stream, whose encoder is configured and not yet open; None if the container supports no suitable codec.
    """
    context = original.codec_context
    lossless = _LOSSLESS_ENCODERS[_depth(context)] if is_lossless(context.codec.canonical_name) else ()
    for name in (*lossless, *_LOSSY_ENCODERS):
        for layout in _layouts(context, name in _LOSSY_ENCODERS):
            if _can_encode(container.format.name, name, context, layout):
                return _add_stream(container, name, context, layout)
    return None


def is_lossless(codec: str) -> bool:
    """Return True if FFmpeg's codec `codec` is always lossless."""
    return codec in LOSSLESS or is_pcm(codec)


def _depth(context: AudioCodecContext) -> int | str:
    """Return the bits of a sample, "float" or "double", as far as codec and decoder show it."""
    sample, codec = context.format.name.rstrip("p"), context.codec.canonical_name
    if sample in ("flt", "dbl"):
        return "float" if sample == "flt" else "double"
    if sample == "s32":
        return 32 if "32" in codec else 24
    return 16


def _layouts(context: AudioCodecContext, may_mix: bool) -> Iterator[str]:
    """Yield the channel layout of the source; then, if channels may be mixed, smaller ones."""
    layout = specified_layout(context.layout)
    yield layout
    if may_mix:
        yield from (name for name in ("7.1", "5.1", "stereo") if av.AudioLayout(name).nb_channels <= context.channels)


def _can_encode(muxer: str, name: str, original: AudioCodecContext, layout: str) -> bool:
    """Return True if the encoder `name` opens and `muxer` accepts its packets."""
    if not reads_back(muxer, av.Codec(name, "w").canonical_name):
        return False
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as trial:
            _add_stream(trial, name, original, layout)
            trial.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def _add_stream(container: OutputContainer, name: str, original: AudioCodecContext, layout: str) -> AudioStream:
    stream = container.add_stream(name, rate=_rate(name, original.sample_rate))
    assert isinstance(stream, AudioStream)
    context = stream.codec_context
    context.layout = layout
    context.format = _format(name, original.format.name.rstrip("p"))
    if name in _LOSSY_ENCODERS and not name.startswith("pcm"):
        context.bit_rate = _BIT_RATE * av.AudioLayout(layout).nb_channels
    return stream


def _rate(name: str, wanted: int) -> int:
    """Return the encoder's lowest sample rate that is not below `wanted`, else its highest."""
    rates = av.Codec(name, "w").audio_rates or [wanted]
    return min((rate for rate in rates if rate >= wanted), default=max(rates))


def _format(name: str, wanted: str) -> str:
    """Return the encoder's sample format that is `wanted`, planar or not, else its best."""
    formats = [format.name for format in av.Codec(name, "w").audio_formats or ()]
    return next((format for format in formats if format.rstrip("p") == wanted), formats[-1] if formats else wanted)


def _without_beginning(frame: av.AudioFrame, samples: int) -> av.AudioFrame:
    """Return a copy of `frame` without its first `samples` samples of each channel."""
    values: Any = frame.to_ndarray()
    cut = values[:, samples * (1 if frame.format.is_planar else frame.layout.nb_channels) :]
    rest = av.AudioFrame.from_ndarray(np.ascontiguousarray(cut), format=frame.format.name, layout=frame.layout.name)
    rest.sample_rate = frame.sample_rate
    return rest
