"""The container of an output file: opening it, its muxer's options, its header."""

from __future__ import annotations

import logging
import os
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from pipeline.errors import OutputError
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.encoding.codecs import codec_of
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.animation import FOREVER, read_play_count
from pipeline.media.reading.source import Packet, Source
from pipeline.media.writing import metadata
from pipeline.media.writing.container_spec import ContainerSpec
from pipeline.media.writing.container_support import container_for, is_output
from pipeline.media.writing.cover import is_cover
from pipeline.media.writing.pending_file import PendingFile

log = logging.getLogger(__name__)

_MIN_START = -30  # seconds; Matroska's blocks store negative times in 16 bits of milliseconds
_MIN_TIMESCALE = 90_000  # ticks a second, at least, of mp4's edit lists: precise enough for audio


class ContainerFile(PendingFile):
    """A pending file that packets are muxed into.

    Attributes:
        container: PyAV's container.
        muxed: Number of packets written, by stream index.
        empty: Number of those without content, which readers do not see: some encoders end with side data alone.
    """

    def __init__(self, path: Path, options: dict[str, str], folder: Path | None = None) -> None:
        """Create the file as `open_container` does; `options`: see `muxer_options`; `folder`: see PendingFile."""
        super().__init__(path, folder)
        self.container = open_container(path, self.part, options)
        self.muxed: Counter[int] = Counter()
        self.empty: Counter[int] = Counter()
        self._is_closed = False

    @property
    def muxer(self) -> str:
        """FFmpeg's name of the muxer."""
        return self.container.format.name

    def write_header(self) -> None:
        """Write the header, which fixes the streams. Raises OutputError."""
        try:
            with translate_write_errors(self.path):
                self.container.start_encoding()
        except OutputError as error:
            if not isinstance(error.__cause__, av.error.ArgumentError):
                raise
            codecs = ", ".join(s.codec_context.name for s in self.container.streams if s.codec_context)
            message = f"{self.path}: {self.muxer} does not support these codecs together: {codecs}; .mkv does"
            raise OutputError(message) from error

    def mux(self, packet: Packet) -> None:
        """Write a packet. Raises PyAV's errors, OSError among them."""
        is_empty = not packet.size
        self.container.mux(packet)
        self.muxed[packet.stream_index] += 1
        self.empty[packet.stream_index] += is_empty

    def close(self) -> None:
        """Write the trailer and close the file, once. Raises OutputError."""
        if not self._is_closed:
            self._is_closed = True
            with translate_write_errors(self.path):
                self.container.close()

    def discard(self) -> None:
        """Close the file, and remove it unless it was renamed."""
        try:
            self.close()
        except OutputError as error:
            log.debug("closing %s: %s", self.part, error)
        super().discard()


def open_container(path: Path, part: Path, options: dict[str, str]) -> OutputContainer:
    """Create the file `part` and open it for writing.

    Args:
        path: The name that the file will have, whose suffix chooses the container.
        part: The temporary name under which it is written.
        options: Options of the muxer.

    Raises:
        OutputError: The folder does not exist or can't be written to, or the suffix is not that of a container that
            stores a timestamp for each frame.
    """
    if not os.path.isdir(path.parent):
        raise OutputError(f"{path}: the folder {path.parent} does not exist: make it first")
    with translate_write_errors(path):
        part.touch()
    try:
        container = _open(path, part, options)
    except BaseException:
        part.unlink()
        raise
    if not is_output(container.format.name):
        container.close()
        part.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: {path.suffix} is not a container that stores each frame's time in one file; "
            ".mkv, .mp4 and .mov are"
        )
    return container


def _open(path: Path, part: Path, options: dict[str, str]) -> OutputContainer:
    with translate_write_errors(path):
        try:
            return av.open(f"file:{part}", "w", container_options=options)
        except ValueError as error:
            suffix = path.suffix or "no suffix"
            raise OutputError(f"{path}: {suffix} is not a container; .mkv, .mp4 and .mov are") from error


def muxer_options(path: Path, encoding: VideoEncoding, source: Source, copied: list[Any]) -> dict[str, str]:
    """Return the options of the muxer that writes `path`.

    Args:
        path: The output.
        encoding: How the upscaled video is encoded.
        source: The source, open.
        copied: The streams of `source` that are copied to the output.
    """
    spec = container_for(path)
    if spec.matroska:
        # An audio codec's priming samples, which are before zero, must not shift frames against chapters.
        is_representable = Fraction(source.container.start_time or 0, av.time_base) > _MIN_START
        return {"avoid_negative_ts": "disabled"} if is_representable else {}
    if not spec.iso:
        return loop_options(spec, source.path)
    # Edit lists count in this timescale; FFmpeg's default, milliseconds, would round a late start.
    ticks = encoding.time_base.denominator
    options = {"movie_timescale": str(ticks * max(1, -(-_MIN_TIMESCALE // ticks)))}
    if encoding.stereo or encoding.projection:
        options["strict"] = "unofficial"  # for the boxes of Google's Spherical Video V2
    flags = ["faststart"] if moves_index(path, encoding.codec) else []
    if metadata.non_itunes_tags(source.container.metadata) and not any(is_cover(stream) for stream in copied):
        flags.append(metadata.OWN_TABLE)  # which does not allow cover art
    return options | ({"movflags": "+".join(flags)} if flags else {})


def moves_index(path: Path, codec: str) -> bool:
    """Return True if the index of the output `path` is moved to its front when it is finished.

    Players that load the file over a network can then begin at once. It rewrites the file once, in place, so it is not
    done for files that are edited instead.

    Args:
        path: The output.
        codec: FFmpeg's name of the encoder of its video.
    """
    return container_for(path).iso and not codec_of(codec).intermediate


def loop_options(spec: ContainerSpec, source: Path) -> dict[str, str]:
    """Options of the muxer so that an animation is played as often as `source`; forever if that is a video."""
    if spec.loop_option is None:
        return {}
    count = read_play_count(source) or FOREVER
    if spec.loop_counts_repeats and count != FOREVER:
        count = count - 1 or -1  # -1: no loop extension
    return {spec.loop_option: str(count)}
