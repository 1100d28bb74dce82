"""Writes each frame to an image file of its own: a numbered sequence, or a single image."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Never, Self

from pipeline.errors import OutputError
from pipeline.flow.stage import Stage
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.encoding.encoder_context import create_context
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.image_sequence import FilePattern, ImageSequence, is_pattern
from pipeline.media.reading.source import Packet
from pipeline.media.writing.constant_rate import ConstantRateCheck
from pipeline.media.writing.pending_file import keep_as_partial, temporary_path
from pipeline.media.writing.stream_end import ExpectedEnd


class ImageSink(Stage[Packet, Never]):
    """Writes images into a temporary folder, and gives them their names on `commit`.

    Leaving the `with` block without `commit` or `keep_partial` removes them.

    Attributes:
        path: A pattern such as out/%05d.png, or a single file.
        encoding: How the images are encoded.
        muxed: Number of images written, under the key 0.
        dropped: A line for each part of the source that is not in the output.
        copied: Always empty: nothing is copied.
        ends: The same.
        repaired: Always 0: see FileSink.
        damaged: Always 0: see FileSink.
    """

    def __init__(
        self, path: Path, encoding: VideoEncoding, source: ImageSequence | None = None, dropped_streams: int = 0
    ) -> None:
        """Create the temporary folder.

        Args:
            path: A pattern, or a single file.
            encoding: How the images are encoded.
            source: The images that were upscaled, whose numbers the output has; None counts from 1.
            dropped_streams: Number of the source's other streams, none of which is written.

        Raises:
            OutputError: The folder can't be created.
        """
        self.path = path
        self.repaired = self.damaged = 0
        self.copied: dict[int, int] = {}
        self.ends: dict[int, ExpectedEnd] = {}
        self.muxed: Counter[int] = Counter()
        self.dropped = (
            [f"other streams dropped ({dropped_streams}): images have no audio or subtitles"] if dropped_streams else []
        )
        self.encoding = encoding
        self._pattern = FilePattern(path) if is_pattern(path) else None
        self._numbers = {source.tick(number): number for number in source.numbers} if source else {}
        self._timing = ConstantRateCheck(encoding.rate)
        self._names: list[str] = []
        self._older = 0
        self._part = temporary_path(path)
        with translate_write_errors(path):
            self._part.mkdir()

    @property
    def is_pending(self) -> bool:
        """Whether the images are in their temporary folder, which leaving the `with` block removes."""
        return self._part.exists()

    @property
    def remarks(self) -> list[str]:
        """A line for uneven frame times, and for older images that are left in the output's folder."""
        lines = [] if self._numbers else self._timing.notes("a sequence of images")
        if self._older:
            lines.append(f"{self.path}: older images that match the pattern are kept: {self._older}")
        return lines

    def feed(self, item: Packet) -> Iterator[Never]:
        if item.stream is None:  # from the video encoder
            assert item.pts is not None
            self._timing.add(item.pts * (item.time_base or self.encoding.time_base))
            name = self._name(item.pts)
            with translate_write_errors(self.path):
                (self._part / name).write_bytes(bytes(item))
            self._names.append(name)
            self.muxed[0] += 1
        return iter(())

    def encoder(self, time_base: Fraction) -> Encoder:
        """Return the stage that encodes frames as images; `time_base`: of the frames' pts."""
        context = create_context(self.encoding)
        context.thread_type = "FRAME"
        return Encoder(self.path, context, time_base)

    def finalize(self) -> None:
        """Return None: there is no single file that could be read back."""

    def commit(self, overwrite: bool) -> Path:
        """Give the images their names.

        Args:
            overwrite: Replace files of these names.

        Raises:
            OutputError: A file of such a name exists, or an image can't be renamed. The message names the folder in
                which the images are kept.
        """
        names = set(self._names)
        existing = self._existing()
        if not overwrite and (duplicates := sorted(existing & names)):
            message = (
                f"{self.path}: {duplicates[0]} appeared during the job; the output is kept as {self.keep_partial()}"
            )
            raise OutputError(message)
        self._older = len(existing - names)
        try:
            with translate_write_errors(self.path):
                for name in self._names:
                    os.replace(self._part / name, self.path.with_name(name))
                self._part.rmdir()
        except OutputError as error:
            raise OutputError(f"{error}; images that are not renamed are kept as {self.keep_partial()}") from error
        return self.path

    def keep_partial(self) -> Path:
        """Keep the images in a folder whose name marks them as incomplete; return the pattern of their names."""
        stem = re.sub(r"%\d*d", "", self.path.stem).strip("-_. ") or "images"
        return keep_as_partial(self._part, self.path.with_name(stem)) / self.path.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._part, ignore_errors=True)

    def _name(self, pts: int) -> str:
        """Return the file name of the frame at `pts`."""
        if self._pattern:
            return self._pattern.name(self._numbers.get(pts, len(self._names) + 1))
        if self._names:
            message = "names a single image, and the video has more frames: use a pattern such as out/%05d.png"
            raise OutputError(f"{self.path}: {message}")
        return self.path.name

    def _existing(self) -> set[str]:
        """Return the names of files that the output could replace."""
        if self._pattern:
            return {file.name for file in self._pattern.find_files().values()}
        return {self.path.name} if self.path.exists() else set()
