"""Muxes the upscaled video and the source's other streams into one file."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Never, Self

import av
from av.stream import Disposition

from pipeline.flow.stage import Stage
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.pcm import is_pcm
from pipeline.media.reading.source import Packet, Source
from pipeline.media.writing import metadata, sample_aspect
from pipeline.media.writing.completion import complete_file
from pipeline.media.writing.container import ContainerFile, muxer_options
from pipeline.media.writing.matroska_chapters import plan_chapters
from pipeline.media.writing.stream_copy import Route
from pipeline.media.writing.stream_end import ExpectedEnd
from pipeline.media.writing.stream_router import StreamRouter
from pipeline.media.writing.video_stream import VideoEncoder, add_video_stream, create_encoder, open_encoder

log = logging.getLogger(__name__)

_REJECTIONS = (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError)


@dataclass(frozen=True)
class Placement:
    """Where an output is in time, and on the disk while it is written.

    Attributes:
        shift: Added to the times of all packets and chapters, in seconds.
        until: The end of the excerpt on the source's clock in seconds, None if it is unknown or the source's own.
        folder: The folder of the temporary file, on the file system of the output; None: the folder of the output.
    """

    shift: Fraction = Fraction(0)
    until: Fraction | None = None
    folder: Path | None = None

    @property
    def is_moved(self) -> bool:
        """True if the output has another clock than the source, or a part of it only."""
        return bool(self.shift) or self.until is not None


class FileSink(Stage[Packet, Never]):
    """Muxes packets into a file that has a temporary name until `commit`.

    Attributes:
        path: The name of the finished file.
        is_pending: It was neither committed nor kept; leaving the `with` block then removes the file.
        video: The stream of the upscaled video, index 0 of the output.
    """

    def __init__(
        self,
        path: Path,
        encoding: VideoEncoding,
        source: Source,
        others: frozenset[int],
        placement: Placement | None = None,
    ) -> None:
        """Create the file and write its header.

        Args:
            path: The name of the finished file; its suffix chooses the container.
            encoding: How the video is encoded.
            source: The source, open, whose streams, tags and chapters are copied.
            others: Indices of the source's streams that are copied beside the video.
            placement: Where the output is in time and on the disk.

        Raises:
            OutputError: The file can't be created, or the container does not support the video.
        """
        self.path = path
        self._encoding = encoding
        placement = placement or Placement()
        self._shift, self._is_finished, self._is_finalized = placement.shift, False, False
        copied = [stream for stream in source.container.streams if stream.index in others]
        options = muxer_options(path, encoding, source, copied) | sample_aspect.padding_options(path, encoding)
        self._file = ContainerFile(path, options, placement.folder)
        try:
            container = self._file.container
            self.video, self._dropped = add_video_stream(container, path, encoding, source.video)
            self._router = StreamRouter(container, source.path, self.video, placement.shift, source.is_from_start)
            for stream in copied:
                self._router.add(source.described(stream), stream.index)
            self._dropped += metadata.copy_file_metadata(container, source.container, placement.shift, placement.until)
            self._chapters, simplified = plan_chapters(container, source, placement.is_moved)
            self._dropped += simplified
            self._start()
        except BaseException:
            self._file.discard()
            raise

    @property
    def is_pending(self) -> bool:
        return self._file.part.exists()

    @property
    def muxed(self) -> Counter[int]:
        """Number of packets written, by stream index of the output."""
        return self._file.muxed

    @property
    def dropped(self) -> list[str]:
        """A line for each part of the source that is not in the output."""
        return [*self._router.dropped, *self._dropped]

    @property
    def remarks(self) -> list[str]:
        """A line for each stream that was converted, or lost packets."""
        return self._router.remarks

    @property
    def damaged(self) -> int:
        """Number of copied packets that were damaged, overlapped others, or were rejected by the muxer."""
        return sum(route.damaged + route.rejected for route in self._router.routes.values())

    @property
    def copied(self) -> dict[int, int]:
        """Number of packets that a reader of the file should find in each other stream, by stream index of the output.

        Cover art is left out, and so are samples (PCM), which each demuxer divides into packets in its own way.
        """
        return {index: self._file.muxed[index] - self._file.empty[index] for index in self._countable}

    @property
    def ends(self) -> dict[int, ExpectedEnd]:
        """The ends that a reader of the file should find, by stream index of the output, as far as they are known."""
        return {index: end for index, route in self._routes.items() if (end := route.end)}

    @property
    def repaired(self) -> int:
        """Number of copied packets whose timestamp was missing or did not advance, and was replaced."""
        return sum(route.repaired for route in self._router.routes.values())

    def feed(self, item: Packet) -> Iterator[Never]:
        if item.stream is None:  # from the video encoder
            item.stream = self.video
            with translate_write_errors(self.path):
                self._file.mux(item)
        elif route := self._router.routes.get(item.stream_index):
            _mux_all(self._file, route, route.feed(item))
        return iter(())

    def finish(self) -> Iterator[Never]:
        """Write the packets that the streams' converters still hold."""
        if not self._is_finished:
            self._is_finished = True
            for route in self._router.routes.values():
                _mux_all(self._file, route, route.finish())
        return iter(())

    def encoder(self, time_base: Fraction) -> VideoEncoder:
        """Return the stage that encodes frames for this file; `time_base`: of the frames' pts."""
        shift = round(self._shift / time_base)
        return create_encoder(self.path, self.video.codec_context, self._encoding, time_base, shift)

    def finalize(self) -> Path:
        """Write the trailer, close the file, and return the temporary name under which it can be read."""
        self.finish()
        self._file.close()
        if not self._is_finalized:
            self._is_finalized = True
            with translate_write_errors(self.path):
                self._dropped += complete_file(self._file.part, self.path, self._encoding, self._chapters)
        return self._file.part

    def commit(self, overwrite: bool) -> Path:
        """Finalize the file and give it its name; see PendingFile.commit."""
        self.finalize()
        return self._file.commit(overwrite)

    def keep_partial(self) -> Path:
        """Finalize the file and keep it under a name that marks it as incomplete; see PendingFile.keep_after."""
        return self._file.keep_after(self.finalize)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.discard()

    def _start(self) -> None:
        open_encoder(self.video, self._encoding)
        self._file.write_header()
        for packet in self._router.early:
            self._file.mux(packet)
        self._routes = {route.stream.index: route for route in self._router.routes.values()}
        others = [stream for stream in self._file.container.streams if stream is not self.video]
        self._countable = [stream.index for stream in others if _is_countable(stream)]  # PyAV forgets them on closing


def _mux_all(file: ContainerFile, route: Route, packets: Iterable[Packet]) -> None:
    """Write the `packets` of `route` into `file`; those that the muxer rejects are counted and dropped."""
    with translate_write_errors(file.path):
        for packet in packets:
            try:
                file.mux(packet)
            except _REJECTIONS as error:
                log.debug("%r rejected: %s", packet, error)
                route.rejected += 1


def _is_countable(stream: Any) -> bool:
    codec = stream.codec_context.name if stream.codec_context else ""
    return not stream.disposition & Disposition.attached_pic and not is_pcm(codec)
