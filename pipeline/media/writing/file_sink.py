"""The end of a line: a container that gets the new video and the source's other streams, and its name when whole."""

from __future__ import annotations

import logging
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.errors import OutputError
from pipeline.flow.stage import Stage
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.encoding.codecs import encoder_for, encoder_spec
from pipeline.media.encoding.dts import RetimedEncoder
from pipeline.media.encoding.encoder import Encoder, VideoEncoding, configure
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.formats import encoder
from pipeline.media.encoding.gif import GifEncoder
from pipeline.media.encoding.hdr import hdr_parameters
from pipeline.media.encoding.parallel_gop import ParallelEncoder
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.source import Source
from pipeline.media.writing import alpha, metadata, sample_aspect
from pipeline.media.writing.audio import Reencoded
from pipeline.media.writing.container import opened, options
from pipeline.media.writing.container_support import holds_chapters
from pipeline.media.writing.hdr_metadata import describe_mastering
from pipeline.media.writing.stream_copy import CopiedSound
from pipeline.media.writing.stream_router import ISO, Router

log = logging.getLogger(__name__)

VideoEncoder = Encoder | RetimedEncoder | ParallelEncoder

_MATROSKA = ("matroska", "webm")  # the muxers that write a mastering display's primaries or luminance alone

_REFUSED = (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError)


class FileSink(Stage[Any, Any]):
    """A file in the making. It lies beside `path` under a name of its own until `commit` gives it that of `path`.

    also: indices of the source's streams to take along. shift: seconds added to the time of all their packets. until:
    where an excerpt ends, in seconds on the source's clock, as far as that is known beforehand.
    Leaving the `with` without `commit` or `keep_partial` removes the file.

    muxed: how many packets went into each stream of the result, by its index; 0 is the new video.
    """

    def __init__(
        self,
        path: Path,
        encoding: VideoEncoding,
        source: Source,
        also: frozenset[int],
        shift: Fraction = Fraction(0),
        until: Fraction | None = None,
    ) -> None:
        self.path = path
        self.muxed: Counter[int] = Counter()
        self._encoding = encoding
        self._shift, self._until = shift, until
        self._refused: Counter[int] = Counter()  # packets, by the index of their stream in the source
        self._lost_labels: list[str] = []
        self._finished = False
        self._part = path.with_name(f"uprez-{secrets.token_hex(4)}.part{path.suffix}")
        others = [stream for stream in source.container.streams if stream.index in also]
        self._says_aspect = path.suffix.lower() in sample_aspect.SUFFIXES and encoding.sample_aspect != 1
        told = options(path, encoding.time_base, source, others) | (sample_aspect.ROOM if self._says_aspect else {})
        self._container = opened(path, self._part, told)
        try:
            self.video = self._add_video(encoding, source)
            self._router = Router(self._container, source.path, self.video, shift)
            for stream in others:
                self._router.add(stream)
            self._label(source)
            self._open_encoder(encoding)
            self._write_header()
            for packet in self._router.early:
                self._mux(packet)
        except BaseException:
            self._discard()
            raise

    @property
    def dropped(self) -> list[str]:
        """A line for all that is left behind."""
        return [*self._router.dropped, *self._lost_labels]

    @property
    def remarks(self) -> list[str]:
        """A line for each stream that is not as it was."""
        return [*self._router.remarks, *self._complaints()]

    @property
    def damaged(self) -> int:
        """How many packets taken along were damaged, lay over others, or were refused by the muxer."""
        routes = self._router.routes.values()
        damaged = sum(route.damaged for route in routes if isinstance(route, Reencoded))
        overlapped = sum(route.overlapped for route in routes if isinstance(route, CopiedSound))
        return damaged + overlapped + self._refused.total()

    @property
    def copied(self) -> dict[int, int]:
        """How many packets went into each stream of the result but the new video, by its index; cover art aside."""
        streams = [s for s in self._container.streams if not s.disposition & Disposition.attached_pic]
        return {s.index: self.muxed[s.index] for s in streams if s is not self.video}

    @property
    def repaired(self) -> int:
        """How many packets taken along had no time, or one that did not advance, and were given another."""
        return sum(route.repaired for route in self._router.routes.values())

    def feed(self, packet: av.Packet[Any]) -> Iterator[Any]:
        if packet.stream is None:  # it comes from an encoder
            packet.stream = self.video
            with translate_write_errors(self.path):
                self._mux(packet)
        elif route := self._router.routes.get(packet.stream_index):
            self._send(packet.stream_index, route.feed(packet))
        yield from ()

    def finish(self) -> Iterator[Any]:
        self._finish()
        yield from ()

    def encoder(self, time_base: Fraction) -> VideoEncoder:
        """What makes packets for this file, of frames whose times count in `time_base`."""
        shift = round(self._shift / time_base)
        context = self.video.codec_context
        spec = encoder_spec(self._encoding.codec)
        if spec.image and spec.image.colours:
            return GifEncoder(self.path, context, time_base, shift)
        if self._encoding.encoders > 1:
            return ParallelEncoder(self.path, context, self._encoding, time_base, shift)
        alone = Encoder(self.path, context, time_base, shift)
        return RetimedEncoder(alone, shift) if spec.unreliable_dts else alone

    def finished(self) -> Path:
        """Finish the file; it can then be read under this name, which is not yet its own."""
        self._finish()
        self._close()
        self._tell_aspect()
        return self._part

    def commit(self, overwrite: bool) -> Path:
        """Finish the file and give it its name."""
        self.finished()
        if self.path.exists() and not overwrite:
            kept = self.keep_partial()
            raise OutputError(f"{self.path}: appeared meanwhile; the result is kept as {kept}")
        try:
            with translate_write_errors(self.path):
                os.replace(self._part, self.path)
        except OutputError as error:
            raise OutputError(f"{error}; the result is kept as {self.keep_partial()}") from error
        return self.path

    def keep_partial(self) -> Path:
        """Finish what there is and keep it under a name that says that it isn't the whole."""
        self.finished()
        names = (f"{self.path.stem}.partial{count}{self.path.suffix}" for count in ("", *range(2, 1000)))
        kept = next(free for name in names if not (free := self.path.with_name(name)).exists())
        with translate_write_errors(kept):
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

    def _add_video(self, encoding: VideoEncoding, source: Source) -> VideoStream:
        codec = encoder(encoding.codec)
        try:
            stream = self._container.add_stream(encoding.codec, rate=encoding.rate)
        except ValueError as error:
            advice = "; .mkv holds nearly every codec" if self._kind != "matroska" else ": choose another --codec"
            advice = ": --codec auto chooses one that it holds" if self._kind == "webm" else advice
            raise OutputError(f"{self.path}: {self._kind} can't hold {codec.canonical_name}{advice}") from error
        assert isinstance(stream, VideoStream)
        if encoding.hdr:
            is_told = describe_mastering(stream, self._kind, encoding.hdr)
            self._lost_labels += self._lost_hdr(encoding.codec, encoding.hdr, is_told)
        configure(stream.codec_context, encoding)
        stream.time_base = encoding.time_base
        if encoding.display_matrix:
            stream.set_display_matrix(encoding.display_matrix)
        metadata.describe(stream, source.video, self._kind in ISO)
        alpha.unmark(stream.metadata)
        return stream

    def _label(self, source: Source) -> None:
        """Tags and chapters of the file."""
        tags, chapters = source.container.metadata, source.container.chapters()
        self._container.metadata.update(metadata.kept(tags, self._kind in ISO))
        if lost := self._lost_tags(tags):
            self._lost_labels.append(f"tags left behind: {self._kind} can't hold {', '.join(lost)} here; .mkv can")
        if holds_chapters(self._kind):
            self._container.set_chapters(metadata.moved(chapters, self._shift, self._until))
        elif chapters:
            self._lost_labels.append(f"{len(chapters)} chapters left behind: {self._kind} can't hold them; .mkv can")

    def _lost_tags(self, tags: dict[str, str]) -> list[str]:
        has_own_table = "movflags" in self._container.container_options
        return metadata.beyond_itunes(tags) if self._kind in ISO and not has_own_table else []

    def _lost_hdr(self, codec: str, hdr: Hdr, is_told: bool) -> Iterator[str]:
        if bool(hdr.primaries) != bool(hdr.luminance) and self._kind not in _MATROSKA:
            yield f"HDR mastering data left behind: {self._kind} has no room for half of it; .mkv can hold it"
        elif not is_told and not hdr_parameters(codec, hdr):
            better = encoder_for(Role.EFFICIENT).name
            yield f"HDR mastering and light level data left behind: {codec} in {self._kind} can't hold it; {better} can"

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
            with translate_write_errors(self.path):
                self._container.start_encoding()
        except OutputError as error:
            if not isinstance(error.__cause__, av.error.ArgumentError):
                raise
            held = ", ".join(s.codec_context.name for s in self._container.streams if s.codec_context)
            raise OutputError(f"{self.path}: {self._kind} can't hold these together: {held}; .mkv can") from error

    def _send(self, index: int, packets: Iterable[av.Packet[Any]]) -> None:
        """Write packets that come of stream `index` of the source; one that the muxer refuses must not end the job."""
        with translate_write_errors(self.path):
            for packet in packets:
                try:
                    self._mux(packet)
                except _REFUSED as error:
                    log.debug("stream %d: %r refused: %s", index, packet, error)
                    self._refused[index] += 1

    def _mux(self, packet: av.Packet[Any]) -> None:
        self._container.mux(packet)
        self.muxed[packet.stream_index] += 1

    def _finish(self) -> None:
        if not self._finished:
            self._finished = True
            for index, route in self._router.routes.items():
                self._send(index, route.finish())

    def _complaints(self) -> Iterator[str]:
        for index, count in self._refused.items():
            yield f"stream {index}: packets that {self._kind} can't hold as they are, left out: {count}"
        for index, route in self._router.routes.items():
            if isinstance(route, CopiedSound) and route.overlapped:
                yield f"audio stream {index}: packets that lie over others are left out: {route.overlapped}"
            if isinstance(route, Reencoded) and route.damaged:
                yield f"audio stream {index}: packets that are damaged in the source: {route.damaged}"

    def _tell_aspect(self) -> None:
        """Write the shape of samples into the finished file, where its muxer couldn't; what is lost then is said."""
        if not self._says_aspect:
            return
        self._says_aspect = False
        with translate_write_errors(self.path):
            if not sample_aspect.tell_aspect(self._part, self._encoding.sample_aspect):
                shape = f"samples are {self._encoding.sample_aspect} as wide as high"
                self._lost_labels.append(
                    f"no room was left in its head to say that {shape}: some players show them square"
                )

    def _close(self) -> None:
        with translate_write_errors(self.path):
            self._container.close()

    def _discard(self) -> None:
        if not self._part.exists():
            return
        try:
            self._container.close()
        except (av.error.FFmpegError, OSError) as error:
            log.debug("closing %s: %s", self._part, error)
        self._part.unlink(missing_ok=True)
