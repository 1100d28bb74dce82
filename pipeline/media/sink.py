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
from pipeline.media.encode import VideoEncoding, configure, encoder
from pipeline.media.source import FileSource

log = logging.getLogger(__name__)

_ISO_SUFFIXES = (".mp4", ".mov", ".m4v")
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

    Leaving the `with` without `commit` or `keep_partial` removes it.
    """

    def __init__(self, path: Path, encoding: VideoEncoding, source: FileSource, also: frozenset[int]) -> None:
        self.path = path
        self._part = path.with_name(f"{path.stem}.part-{secrets.token_hex(3)}{path.suffix}")
        self._container = _opened(path, self._part, encoding.time_base)
        self._routes: dict[int, Any] = {}
        self.dropped: list[str] = []
        try:
            self.video = self._add_video(encoding, source)
            for stream in source.container.streams:
                if stream.index in also:
                    self._add_copy(stream)
            with writing(path):
                self._container.set_chapters(source.container.chapters())
                self._container.metadata.update(_kept(source.container.metadata))
                self._start(encoding)
        except BaseException:
            self._discard()
            raise

    def feed(self, packet: av.Packet[Any]) -> Iterator[Any]:
        if packet.stream_index in self._routes and packet.stream is not self.video:
            packet.stream = self._routes[packet.stream_index]
        with writing(self.path):
            self._container.mux(packet)
        yield from ()

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
        kept = self.path.with_name(f"{self.path.stem}.partial{self.path.suffix}")
        with writing(kept):
            os.replace(self._part, kept)
        return kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def _add_video(self, encoding: VideoEncoding, source: FileSource) -> VideoStream:
        codec = encoder(encoding.codec)
        try:
            stream = self._container.add_stream(encoding.codec, rate=encoding.rate)
        except ValueError as error:
            raise OutputError(
                f"{self.path}: {self.path.suffix} can't hold {codec.canonical_name}; .mkv holds every codec"
            ) from error
        assert isinstance(stream, VideoStream)
        configure(stream, encoding)
        _describe(stream, source.video)
        return stream

    def _add_copy(self, stream: Any) -> None:
        try:
            if stream.type == "attachment":
                name = stream.metadata.get("filename", f"attachment{stream.index}")
                self._container.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)
                return
            copy = self._container.add_stream_from_template(stream)
        except (ValueError, av.error.FFmpegError) as error:
            if stream.type == "audio":
                raise OutputError(
                    f"{self.path}: {self.path.suffix} can't hold its {stream.codec_context.name} audio; write .mkv, "
                    "or --streams video"
                ) from error
            self.dropped.append(f"{stream.type} stream {stream.index}: {self.path.suffix} can't hold it; .mkv can")
            return
        _describe(copy, stream)
        self._routes[stream.index] = copy

    def _start(self, encoding: VideoEncoding) -> None:
        """Open the encoder and write the header, so that what is wrong shows before the first frame."""
        try:
            self._container.start_encoding()
        except av.error.ArgumentError as error:
            given = " ".join(f"{key}={value}" for key, value in encoding.options.items())
            raise OutputError(f"{encoding.codec} refuses its options ({given}) at {encoding.format}") from error
        if unknown := [name for name in self.video.codec_context.options if name in encoding.options]:
            raise OutputError(
                f"{encoding.codec} has no option {', '.join(unknown)}: `ffmpeg -h encoder={encoding.codec}`"
            )

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
    # Its edit lists count in this; at FFmpeg's default, milliseconds, a late start would be rounded.
    options = {"movie_timescale": str(time_base.denominator)} if path.suffix.lower() in _ISO_SUFFIXES else {}
    with writing(path):
        part.touch()
        try:
            return av.open(f"file:{part}", "w", container_options=options)
        except ValueError as error:
            part.unlink()
            raise OutputError(
                f"{path}: {path.suffix or 'no suffix'} is no container; .mkv, .mp4 and .mov are"
            ) from error


def _describe(stream: Any, original: Any) -> None:
    stream.metadata.update(_kept(original.metadata))
    stream.disposition = original.disposition


def _kept(metadata: dict[str, str]) -> dict[str, str]:
    """What describes the content; not what describes the file it lay in."""
    return {key: value for key, value in metadata.items() if not key.lower().startswith(_NOT_OURS)}
