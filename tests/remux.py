"""Writes files without upscaling, for tests of copied streams: gray frames at the times of the source's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.stream import Disposition

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.writing.file_sink import FileSink, Placement

if TYPE_CHECKING:
    from av.container.core import Chapter  # a name of PyAV's stubs

FORMAT = FrameFormat(64, 48, PIXEL_FORMATS["yuv420p"], Colour(1, False))
RATE = 48_000
CLICK_SECONDS = (0.5, 1.0, 1.5)  # of the clicks in `make_clicks`
MILLISECONDS = Fraction(1, 1000)

Add = Callable[[Any], Iterable[Any]]  # adds a stream to a container and gives its packets


def remux(path: Path, target: Path, shift: Fraction = Fraction(0), only: Sequence[int] | None = None) -> FileSink:
    """Writes what a job would write of the file `path`, and returns the sink, which is finished."""
    with av.open(str(path)) as container:
        main = next(s.index for s in container.streams.video if not s.disposition & Disposition.attached_pic)
        others = [s.index for s in container.streams if s.index != main and (only is None or s.index in only)]
    with FileSource(path, ReadOptions(frozenset(others))) as source:
        time_base = source.video.time_base
        assert time_base is not None
        codec = "libvpx" if target.suffix == ".webm" else "libx264"
        options = {"deadline": "realtime", "cpu-used": "8"} if codec == "libvpx" else {"preset": "ultrafast"}
        rate = source.video.average_rate or Fraction(25)
        encoding = VideoEncoding(codec, FORMAT, rate, time_base, options=options)
        with FileSink(target, encoding, source, frozenset(others), Placement(shift)) as sink:
            encoder = sink.encoder(time_base)
            for packet in source:
                if packet.stream_index == source.video.index:
                    _pass(sink, encoder.feed(_grey(packet.pts or 0)))
                else:
                    _pass(sink, [packet])
            _pass(sink, encoder.finish())
            list(sink.finish())
            sink.commit(overwrite=True)
    return sink


def write_source(
    path: Path, *streams: Add, metadata: dict[str, str] | None = None, chapters: Sequence[Chapter] = ()
) -> Path:
    """Writes a file of 50 frames in two seconds, and the streams that `streams` add."""
    codec = "libvpx" if path.suffix == ".webm" else "libx264"
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        container.set_chapters(list(chapters))
        video = container.add_stream(codec, rate=25, options={} if codec == "libvpx" else {"bf": "0"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        others = [_prepared(add, container) for add in streams]
        container.start_encoding()
        packets = [packet for make in others for packet in make()]
        for index in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), index, np.uint8), format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            packets += video.encode(frame)
        packets += video.encode(None)
        container.mux(sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base))
    return path


def _prepared(add: Add, container: Any) -> Callable[[], list[av.Packet[Any]]]:
    packets = add(container)
    first = next(iter(packets), None)  # a generator goes on after its first `yield None` once the header is written
    assert first is None
    return lambda: list(packets)


def audio_track(samples: np.ndarray, codec: str = "aac", start: float = 0, **labels: Any) -> Add:
    """Returns a function that adds an audio stream of `samples`, shape (channels, n), float, int16 or int32."""

    def add(container: Any) -> Any:
        stream = container.add_stream(codec, rate=RATE)
        stream.codec_context.layout = "mono" if len(samples) == 1 else "stereo"
        _label(stream, labels)
        yield None
        for at in range(0, samples.shape[1], 1000):
            form = {"float32": "fltp", "int16": "s16p", "int32": "s32p"}[str(samples.dtype)]
            part = np.ascontiguousarray(samples[:, at : at + 1000])
            frame = av.AudioFrame.from_ndarray(part, format=form, layout=stream.codec_context.layout.name)
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), round(start * RATE) + at
            yield from stream.encode(frame)
        yield from stream.encode(None)

    return add


def make_clicks(seconds: float = 2.0) -> np.ndarray:
    """Returns silence with a click at each of CLICK_SECONDS."""
    samples = np.zeros((1, round(seconds * RATE)), np.float32)
    for click in CLICK_SECONDS:
        samples[0, round(click * RATE) : round((click + 0.002) * RATE)] = 0.9
    return samples


def cues(codec: str, *texts: tuple[int, int, bytes], **labels: Any) -> Add:
    """Returns a function that adds subtitles: start and duration in milliseconds, and the content of each packet."""

    def add(container: Any) -> Any:
        stream = container.add_mux_stream(codec, time_base=MILLISECONDS)
        _label(stream, labels)
        yield None
        for pts, duration, text in texts:
            packet = av.Packet(text)
            packet.stream, packet.time_base, packet.is_keyframe = stream, MILLISECONDS, True
            packet.pts = packet.dts = pts
            packet.duration = duration
            yield packet

    return add


def copied(path: Path, index: int = 0, **labels: Any) -> Add:
    """Returns a function that adds a stream of another file."""

    def add(container: Any) -> Any:
        with av.open(str(path)) as other:
            stream = container.add_stream_from_template(other.streams[index], opaque=True)
            _label(stream, labels)
            yield None
            for packet in other.demux(other.streams[index]):
                if packet.size:
                    packet.stream = stream
                    yield packet

    return add


def attached(name: str, kind: str, content: bytes) -> Add:
    """Returns a function that adds an attachment."""

    def add(container: Any) -> Any:
        container.add_attachment(name, kind, content)
        yield None

    return add


def contents(path: Path, index: int) -> list[tuple[float, bytes]]:
    """Returns time, in seconds (0 if it has none), and content of each packet of a stream."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams[index]) if packet.size]
        return [(float((packet.pts or 0) * packet.time_base), bytes(packet)) for packet in packets]


def labels(path: Path) -> list[tuple[str, str | None, str | None, int]]:
    """Returns kind, language, title and disposition of each stream but data."""
    with av.open(str(path)) as container:
        return [
            (s.type, s.language, s.metadata.get("title", s.metadata.get("name")), int(s.disposition))
            for s in container.streams
            if s.type != "data"
        ]


def click_times(path: Path) -> list[float]:
    """Returns the times of the clicks of the first audio stream, in seconds after the first frame."""
    shown, times = [], []
    with av.open(str(path)) as container:
        audio, video = container.streams.audio[0], container.streams.video[0]
        for packet in container.demux(audio, video):
            if packet.stream_index == video.index:
                shown += [packet.pts * packet.time_base] if packet.pts is not None else []
                continue
            for frame in packet.decode():
                assert isinstance(frame, av.AudioFrame)
                loud = np.flatnonzero(np.abs(_mono(frame)) > 0.25) / frame.sample_rate
                times += [float(frame.pts * frame.time_base) + float(time) for time in loud]  # type: ignore[operator]
    first = float(min(shown))
    return [time - first for last, time in zip([-1.0, *times], times, strict=False) if time - last > 0.1]


def samples(path: Path) -> np.ndarray:
    """Returns all decoded samples of the first audio stream, shape (channels, n)."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        count = frames[0].layout.nb_channels
        parts = [f.to_ndarray() if f.format.is_planar else f.to_ndarray().reshape(-1, count).T for f in frames]
        return np.concatenate(parts, axis=1)


def _mono(frame: av.AudioFrame) -> np.ndarray:
    values = frame.to_ndarray()
    full = {"s16": 2.0**15, "s32": 2.0**31}.get(frame.format.name.rstrip("p"), 1.0)
    return (values[0] if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)[:, 0]) / full


def _label(stream: Any, labels: dict[str, Any]) -> None:
    stream.disposition = labels.pop("disposition", 0)
    stream.metadata.update(labels)


def _pass(sink: FileSink, packets: Iterable[Any]) -> None:
    for packet in packets:
        list(sink.feed(packet))


def _grey(pts: int) -> Frame:
    return Frame(FORMAT, FORMAT.split(np.full(FORMAT.bytes, 128, np.uint8)), pts=pts)
