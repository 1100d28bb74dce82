"""The end of a line where each frame becomes a file of its own: numbered pictures, or a single one."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import OutputError
from pipeline.flow.stage import Stage
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.encoding.encoder import Encoder, VideoEncoding, configure
from pipeline.media.reading.image_sequence import FilePattern, ImageSequence, is_pattern
from pipeline.media.writing.constant_rate import Evenness


class PictureSink(Stage[Any, Any]):
    """Pictures in the making. They lie in a folder of their own until `commit` gives them their names.

    path: a pattern such as out/%05d.png, or one file. source: the pictures that were upscaled; theirs are the numbers
    of the results. Without, they count from 1. others: how many streams are left behind.
    Leaving the `with` without `commit` or `keep_partial` removes them.

    dropped: a line for all that is left behind. remarks: what is not as it was.
    """

    def __init__(
        self, path: Path, encoding: VideoEncoding, source: ImageSequence | None = None, others: int = 0
    ) -> None:
        self.path = path
        self.repaired = 0
        self.copied: dict[int, int] = {}
        self.damaged = 0
        self.muxed: Counter[int] = Counter()
        self.dropped = [f"other streams left behind: {others}; pictures are silent"] if others else []
        self._encoding = encoding
        self._pattern = FilePattern(path) if is_pattern(path) else None
        self._numbers = {source.tick(number): number for number in source.numbers} if source else {}
        self._even = Evenness(encoding.rate)
        self._names: list[str] = []
        self._older = 0
        self._part = path.with_name(f"uprez-{secrets.token_hex(4)}.part")
        with translate_write_errors(path):
            self._part.mkdir()

    @property
    def remarks(self) -> list[str]:
        lines = [] if self._numbers else self._even.lines("a sequence of pictures")
        if self._older:
            lines.append(f"{self.path}: older pictures of such names are left as they were: {self._older}")
        return lines

    def feed(self, packet: av.Packet[Any]) -> Iterator[Any]:
        if packet.stream is None:  # it comes from an encoder
            assert packet.pts is not None
            self._even.add(packet.pts * (packet.time_base or self._encoding.time_base))
            name = self._name(packet.pts)
            with translate_write_errors(self.path):
                (self._part / name).write_bytes(bytes(packet))
            self._names.append(name)
            self.muxed[0] += 1
        yield from ()

    def encoder(self, time_base: Fraction) -> Encoder:
        """What makes pictures of frames whose times count in `time_base`."""
        encoding = self._encoding
        context = av.CodecContext.create(encoding.codec, "w")
        assert isinstance(context, VideoCodecContext)
        configure(context, encoding)
        context.thread_type = "FRAME"
        return Encoder(self.path, context, time_base)

    def finished(self) -> None:
        """Nothing that could be read again as a whole."""

    def commit(self, overwrite: bool) -> Path:
        """Give the pictures their names."""
        names = set(self._names)
        before = self._there()
        if not overwrite and (taken := sorted(before & names)):
            kept = self.keep_partial()
            raise OutputError(f"{self.path}: {taken[0]} appeared meanwhile; the result is kept as {kept}")
        self._older = len(before - names)
        try:
            with translate_write_errors(self.path):
                for name in self._names:
                    os.replace(self._part / name, self.path.with_name(name))
                self._part.rmdir()
        except OutputError as error:
            raise OutputError(f"{error}; what has no name yet is kept as {self.keep_partial()}") from error
        return self.path

    def keep_partial(self) -> Path:
        """Keep what there is in a folder whose name says that it isn't the whole."""
        stem = re.sub(r"%\d*d", "", self.path.stem).strip("-_. ") or "pictures"
        names = (f"{stem}.partial{count}" for count in ("", *range(2, 1000)))
        kept = next(free for name in names if not (free := self.path.with_name(name)).exists())
        with translate_write_errors(kept):
            os.replace(self._part, kept)
        return kept / self.path.name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._part, ignore_errors=True)

    def _name(self, pts: int) -> str:
        if self._pattern:
            return self._pattern.name(self._numbers.get(pts, len(self._names) + 1))
        if self._names:
            raise OutputError(f"{self.path}: is one picture, and there are more: give a pattern, such as out/%05d.png")
        return self.path.name

    def _there(self) -> set[str]:
        """The names of pictures that lie where the results go."""
        if self._pattern:
            return {file.name for file in self._pattern.find_files().values()}
        return {self.path.name} if self.path.exists() else set()
