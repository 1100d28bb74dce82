"""The end of a line: a container that gets the new video and the source's other streams, and its name when whole."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from pipeline.errors import OutputError
from pipeline.flow.stage import Stage
from pipeline.media.borders import writing
from pipeline.media.decoding_times import RetimedEncoder
from pipeline.media.encode import Encoder, VideoEncoding, configure, encoder
from pipeline.media.gop import ParallelEncoder
from pipeline.media.source import FileSource

log = logging.getLogger(__name__)

VideoEncoder = Encoder | RetimedEncoder | ParallelEncoder

_CARELESS = ("libx265",)  # that leave the decoding times of clips shorter than their reordering to chance

# Containers that are one file, hold video beside sound and know the time of each frame (AVI does not), by FFmpeg's
# names of their muxers.
CONTAINERS = ("matroska", "webm", "mp4", "mov", "ipod", "mpegts", "mpeg", "nut", "flv", "asf", "ogg", "mxf")
ISO_SUFFIXES = (".mp4", ".mov", ".m4v")  # whose edit lists hide what lies before zero
_WITH_ATTACHMENTS = ("matroska",)
_NOT_OURS = (
    "encoder",
    "duration",
    "bps",
    "number_of",
    "_statistics",
    "major_brand",
    "minor_version",
    "compatible_brands",
)


class FileSink(Stage[Any, Any]):
    """A file in the making. It lies beside `path` under a name of its own until `commit` gives it that of `path`.

    also: indices of the source's streams to copy. shift: seconds added to the time of every copied packet.
    Leaving the `with` without `commit` or `keep_partial` removes the file.

    dropped: a line for each stream that the container can't hold. repaired: how many copied packets had to be moved,
    because their decoding times did not advance.
    """

    def __init__(
        self,
        path: Path,
        encoding: VideoEncoding,
        source: FileSource,
        also: frozenset[int],
        shift: Fraction = Fraction(0),
    ) -> None:
        self.path = path
        self.dropped: list[str] = []
        self.repaired = 0
        self._encoding = encoding
        self._shift = shift
        self._part = path.with_name(f"uprez-{secrets.token_hex(4)}.part{path.suffix}")
        self._routes: dict[int, Any] = {}
        self._last_dts: dict[int, int] = {}
        self._container = _opened(path, self._part, encoding.time_base)
        try:
            self.video = self._add_video(encoding, source)
            for stream in source.container.streams:
                if stream.index in also:
                    self._add_copy(stream)
            self._container.set_chapters(source.container.chapters())
            self._container.metadata.update(_kept(source.container.metadata))
            self._open_encoder(encoding)
            self._write_header()
        except BaseException:
            self._discard()
            raise

    def feed(self, packet: av.Packet[Any]) -> Iterator[Any]:
        if packet.stream is None:  # it comes from an encoder
            packet.stream = self.video
        elif packet.stream_index not in self._routes:
            return
        else:
            self._direct(packet)
        with writing(self.path):
            self._container.mux(packet)
        yield from ()

    def encoder(self, time_base: Fraction) -> VideoEncoder:
        """What makes packets for this file, of frames whose times count in `time_base`."""
        shift = round(self._shift / time_base)
        context = self.video.codec_context
        if self._encoding.encoders > 1:
            return ParallelEncoder(self.path, context, self._encoding, time_base, shift)
        alone = Encoder(self.path, context, time_base, shift)
        return RetimedEncoder(alone, shift) if self._encoding.codec in _CARELESS else alone

    def commit(self, overwrite: bool) -> Path:
        """Finish the file and give it its name."""
        self._close()
        if self.path.exists() and not overwrite:
            kept = self.keep_partial()
            raise OutputError(f"{self.path}: appeared meanwhile; the result is kept as {kept}")
        with writing(self.path):
            os.replace(self._part, self.path)
        return self.path

    def keep_partial(self) -> Path:
        """Finish what there is and keep it under a name that says that it isn't the whole."""
        self._close()
        names = (f"{self.path.stem}.partial{count}{self.path.suffix}" for count in ("", *range(2, 1000)))
        kept = next(free for name in names if not (free := self.path.with_name(name)).exists())
        with writing(kept):
            os.replace(self._part, kept)
        return kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    @property
    def _kind(self) -> str:
        return self._container.format.name

    def _add_video(self, encoding: VideoEncoding, source: FileSource) -> VideoStream:
        codec = encoder(encoding.codec)
        try:
            stream = self._container.add_stream(encoding.codec, rate=encoding.rate)
        except ValueError as error:
            advice = "; .mkv holds nearly every codec" if self._kind != "matroska" else ": choose another --codec"
            raise OutputError(f"{self.path}: {self._kind} can't hold {codec.canonical_name}{advice}") from error
        assert isinstance(stream, VideoStream)
        configure(stream.codec_context, encoding)
        stream.time_base = encoding.time_base
        if encoding.display_matrix:
            stream.set_display_matrix(encoding.display_matrix)
        _describe(stream, source.video)
        return stream

    def _add_copy(self, stream: Any) -> None:
        if stream.type == "attachment":
            if self._kind in _WITH_ATTACHMENTS:
                name = stream.metadata.get("filename", f"attachment{stream.index}")
                self._container.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)
            else:
                self._drop(stream, "an attachment")
            return
        codec = stream.codec_context.name if stream.codec_context else "an unknown codec"
        try:
            if codec not in self._container.supported_codecs:
                raise ValueError(codec)
            copy = self._container.add_stream_from_template(stream)
        except (ValueError, av.error.FFmpegError) as error:
            if stream.type == "audio":
                raise OutputError(
                    f"{self.path}: {self._kind} can't hold its {codec} audio; write .mkv, or --streams video"
                ) from error
            self._drop(stream, codec)
            return
        _describe(copy, stream)
        self._routes[stream.index] = copy

    def _drop(self, stream: Any, what: str) -> None:
        self.dropped.append(
            f"{stream.type} stream {stream.index} left behind: {self._kind} can't hold {what}; .mkv can"
        )

    def _open_encoder(self, encoding: VideoEncoding) -> None:
        context = self.video.codec_context
        try:
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            given = " ".join(f"{key}={value}" for key, value in encoding.options.items())
            raise OutputError(f"{encoding.codec} refuses its options ({given}) at {encoding.format}") from error
        if unknown := [name for name in context.options if name in encoding.options]:
            raise OutputError(
                f"{encoding.codec} has no option {', '.join(unknown)}: `ffmpeg -h encoder={encoding.codec}`"
            )

    def _write_header(self) -> None:
        try:
            with writing(self.path):
                self._container.start_encoding()
        except OutputError as error:
            if not isinstance(error.__cause__, av.error.ArgumentError):
                raise
            held = ", ".join(s.codec_context.name for s in self._container.streams if s.codec_context)
            raise OutputError(f"{self.path}: {self._kind} can't hold these together: {held}; .mkv can") from error

    def _direct(self, packet: av.Packet[Any]) -> None:
        """Send a copied packet to its new stream: at its own time, but never before the one that went ahead of it."""
        copy = self._routes[packet.stream_index]
        if self._shift and packet.time_base:
            ticks = round(self._shift / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        if packet.dts is not None:
            last = self._last_dts.get(packet.stream_index)
            if last is not None and packet.dts <= last:
                packet.dts = last + 1
                packet.pts = None if packet.pts is None else max(packet.pts, packet.dts)
                self.repaired += 1
            self._last_dts[packet.stream_index] = packet.dts
        packet.stream = copy

    def _close(self) -> None:
        with writing(self.path):
            self._container.close()

    def _discard(self) -> None:
        if not self._part.exists():
            return
        try:
            self._container.close()
        except (av.error.FFmpegError, OSError) as error:
            log.debug("closing %s: %s", self._part, error)
        self._part.unlink(missing_ok=True)


def _opened(path: Path, part: Path, time_base: Fraction) -> OutputContainer:
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist: make it first")
    with writing(path):
        part.touch()
    try:
        container = _container(path, part, time_base)
    except BaseException:
        part.unlink()
        raise
    if container.format.name not in CONTAINERS:
        container.close()
        part.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: {path.suffix} is no container that keeps each frame's time in one file; .mkv, .mp4 and .mov are"
        )
    return container


def _container(path: Path, part: Path, time_base: Fraction) -> OutputContainer:
    # Edit lists count in this; at FFmpeg's default, milliseconds, a late start would be rounded.
    options = {"movie_timescale": str(time_base.denominator)} if path.suffix.lower() in ISO_SUFFIXES else {}
    with writing(path):
        try:
            return av.open(f"file:{part}", "w", container_options=options)
        except ValueError as error:
            raise OutputError(
                f"{path}: {path.suffix or 'no suffix'} is no container; .mkv, .mp4 and .mov are"
            ) from error


def _describe(stream: Any, original: Any) -> None:
    stream.metadata.update(_kept(original.metadata))
    stream.disposition = original.disposition


def _kept(metadata: dict[str, str]) -> dict[str, str]:
    """What describes the content; not what describes the file it lay in."""
    return {key: value for key, value in metadata.items() if not key.lower().startswith(_NOT_OURS)}
