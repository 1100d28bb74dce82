"""A stream in consecutive files, each of which begins at a key frame and can be played alone."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.live.output.muxer import Muxer, unsupported_streams
from pipeline.live.process.messages import OpenRequest, SerializedPacket

_TICKS = 90_000  # per second of the video's time base
_MILLISECOND = timedelta(milliseconds=1)
_LIMIT = re.compile(r"(\d+(?:\.\d+)?) ?([a-zA-Z]*)")
_SECONDS = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86_400}
_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The limits at which a new file begins, and the number of files to keep.

    Attributes:
        path: NAME.SUFFIX; the files are called NAME-20261122T101500.250Z.SUFFIX after the time at which they were
            begun, so that they sort by name.
        seconds: The length of a file; None for no limit.
        size: The size of a file in bytes; None for no limit.
        keep: The number of finished files to keep; None for all.
    """

    path: Path
    seconds: float | None
    size: int | None
    keep: int | None


@dataclass(frozen=True, slots=True)
class SegmentsRequest(OpenRequest):
    """To a child: write such files. The address is not used.

    Attributes:
        segments: When a new file begins, and which are kept.
    """

    segments: Segmentation | None = None


class SegmentedMuxer:
    """Writes consecutive files. A file is called NAME-….part.SUFFIX until it is finished.

    Raises the errors of Muxer.

    Attributes:
        notes: As those of Muxer.
    """

    def __init__(self, request: SegmentsRequest) -> None:
        assert request.segments is not None
        self._request, self._segmentation = request, request.segments
        self._muxer: Muxer | None = None
        self._part = self._name = self._segmentation.path
        self._began = self._bytes = 0
        self.notes = list(unsupported_streams(request).values())
        if not self._segmentation.path.parent.is_dir():
            raise _missing(self._segmentation.path.parent)

    def mux(self, packet: SerializedPacket) -> bool:
        """Write `packet`, into a new file if it is time for one; False if it was skipped."""
        if packet.stream == 0 and packet.is_keyframe and packet.pts is not None:
            if self._muxer and not self._part.exists():
                raise _missing(self._part)
            if self._is_full(packet.pts):
                self.close()
            if not self._muxer:
                self._begin(packet.pts)
        self._bytes += len(packet.data)
        return self._muxer is not None and self._muxer.mux(packet)

    def close(self) -> None:
        """Finish the current file and give it its final name."""
        muxer, self._muxer = self._muxer, None
        if muxer:
            try:
                muxer.close()
            finally:  # also after an error: what was written can be played
                if self._part.stat().st_size:
                    self._part.rename(self._name)
                else:  # on a full disk; empty files would displace the good ones
                    self._part.unlink()
            self._remove_old()

    def _is_full(self, now: int) -> bool:
        seconds, size = self._segmentation.seconds, self._segmentation.size
        if seconds and (now - self._began) / _TICKS >= seconds:
            return True
        return bool(size and self._bytes >= size)

    def _begin(self, now: int) -> None:
        self._name, self._part = _reserve_name(self._segmentation.path)
        self._began, self._bytes = now, 0
        try:
            self._muxer = Muxer(replace(self._request, address=f"file:{self._part}"), from_zero=True)
        except BaseException:
            self._part.unlink(missing_ok=True)
            raise

    def _remove_old(self) -> None:
        """Remove files that are older than those to keep, including unfinished files of crashed processes."""
        if self._segmentation.keep is None:
            return
        oldest = finished_segments(self._segmentation.path)[-self._segmentation.keep :][:1]
        for path in _matching_files(self._segmentation.path, r"(\.part)?"):
            if oldest and path.name < oldest[0].name:
                path.unlink(missing_ok=True)


def parse_segment_limit(text: str) -> tuple[float | None, int | None]:
    """Parse a limit such as 10min, 1h, 90, 500MB or 2GiB into (seconds, bytes), one of them None.

    Raises SettingsError.
    """
    match = _LIMIT.fullmatch(text.strip())
    number, unit = (float(match[1]), match[2].lower()) if match else (0.0, "")
    if number > 0 and unit in _SECONDS:
        return number * _SECONDS[unit], None
    if number > 0 and unit in _BYTES:
        return None, round(number * _BYTES[unit])
    raise SettingsError(f"segment: {text}: should be a time such as 10min or 1h, or a size such as 500MB")


def finished_segments(path: Path) -> list[Path]:
    """The finished files of the stream that is written to `path`, oldest first."""
    return _matching_files(path)


def _matching_files(path: Path, mark: str = "") -> list[Path]:
    """The files named after `path`, oldest first. mark: a pattern that their names must have before the suffix."""
    pattern = re.compile(rf"{re.escape(path.stem)}-\d{{8}}T\d{{6}}\.\d{{3}}Z{mark}{re.escape(path.suffix)}")
    return sorted(each for each in path.parent.iterdir() if pattern.fullmatch(each.name))


def _reserve_name(path: Path) -> tuple[Path, Path]:
    """An unused file name, and the name of its unfinished part, which has been created."""
    for name in _names(path):
        part = name.with_suffix(f".part{name.suffix}")
        if not name.exists():
            try:
                part.touch(exist_ok=False)
            except FileExistsError:
                continue
            return name, part
    raise AssertionError("_names is endless")


def _names(path: Path) -> Iterator[Path]:
    """Names with the current time, and with the following milliseconds, for files begun at the same time."""
    moment = datetime.now(UTC)
    while True:
        stamp = f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03}Z"
        yield path.with_name(f"{path.stem}-{stamp}{path.suffix}")
        moment += _MILLISECOND


def _missing(path: Path) -> OSError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
