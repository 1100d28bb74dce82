"""A stream in files that follow each other, each of which begins at a key frame and can be played by itself."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.live.output.muxer import Muxer, left_behind
from pipeline.live.process.messages import Open, SerializedPacket

_TICKS = 90_000  # a second of the video's time base
_MILLISECOND = timedelta(milliseconds=1)
_LENGTH = re.compile(r"(\d+(?:\.\d+)?) ?([a-zA-Z]*)")
_SECONDS = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86_400}
_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


@dataclass(frozen=True, slots=True)
class Segmenting:
    """How files follow each other: after so many seconds, or bytes. keep: how many finished ones stay, None: all.

    path: NAME.SUFFIX; the files are called NAME-20261122T101500.250Z.SUFFIX, after when they were begun, so that they
    sort by name.
    """

    path: Path
    seconds: float | None
    size: int | None
    keep: int | None


@dataclass(frozen=True, slots=True)
class OpenSegments(Open):
    """To a child: write such files. address: not used."""

    segments: Segmenting | None = None


class Segments:
    """The file that is being written, NAME-….part.SUFFIX until it is finished, and those before it."""

    def __init__(self, wanted: OpenSegments) -> None:
        assert wanted.segments is not None
        self._wanted, self._how = wanted, wanted.segments
        self._muxer: Muxer | None = None
        self._part = self._name = self._how.path
        self._began = self._bytes = 0
        self.notes = list(left_behind(wanted).values())
        if not self._how.path.parent.is_dir():
            raise _vanished(self._how.path.parent)

    def mux(self, parcel: SerializedPacket) -> bool:
        """Write `parcel`, into a new file if it is time for one; whether it was. Raises as Muxer does."""
        if parcel.stream == 0 and parcel.is_keyframe and parcel.pts is not None:
            if self._muxer and not self._part.exists():
                raise _vanished(self._part)
            if self._is_full(parcel.pts):
                self.close()
            if not self._muxer:
                self._begin(parcel.pts)
        self._bytes += len(parcel.data)
        return self._muxer is not None and self._muxer.mux(parcel)

    def close(self) -> None:
        """Finish the present file, and give it its name."""
        muxer, self._muxer = self._muxer, None
        if muxer:
            try:
                muxer.close()
            finally:  # what could be written of it can be played
                if self._part.stat().st_size:
                    self._part.rename(self._name)
                else:  # of a disk that is full; many would push the good ones out
                    self._part.unlink()
            self._prune()

    def _is_full(self, now: int) -> bool:
        lasted = (now - self._began) / _TICKS
        return bool(self._how.seconds and lasted >= self._how.seconds) or bool(
            self._how.size and self._bytes >= self._how.size
        )

    def _begin(self, now: int) -> None:
        self._name, self._part = _claimed(self._how.path)
        self._began, self._bytes = now, 0
        try:
            self._muxer = Muxer(replace(self._wanted, address=f"file:{self._part}"), from_zero=True)
        except BaseException:
            self._part.unlink(missing_ok=True)
            raise

    def _prune(self) -> None:
        """Remove what is older than the files that stay, and with it what crashes left unfinished."""
        if self._how.keep is None:
            return
        oldest = finished(self._how.path)[-self._how.keep :][:1]
        for path in _called_after(self._how.path, r"(\.part)?"):
            if oldest and path.name < oldest[0].name:
                path.unlink(missing_ok=True)


def limits(text: str) -> tuple[float | None, int | None]:
    """Seconds or bytes, from what people write: 10min, 1h, 90, 500MB, 2GiB. Raises SettingsError."""
    match = _LENGTH.fullmatch(text.strip())
    number, unit = (float(match[1]), match[2].lower()) if match else (0.0, "")
    if number > 0 and unit in _SECONDS:
        return number * _SECONDS[unit], None
    if number > 0 and unit in _BYTES:
        return None, round(number * _BYTES[unit])
    raise SettingsError(f"segment: {text}: should be a time such as 10min or 1h, or a size such as 500MB")


def finished(path: Path) -> list[Path]:
    """The files called after `path` that are finished, the oldest first."""
    return _called_after(path)


def _called_after(path: Path, mark: str = "") -> list[Path]:
    """The files called after `path`, in order of time. mark: a pattern of what is to stand before their suffix."""
    pattern = re.compile(rf"{re.escape(path.stem)}-\d{{8}}T\d{{6}}\.\d{{3}}Z{mark}{re.escape(path.suffix)}")
    return sorted(each for each in path.parent.iterdir() if pattern.fullmatch(each.name))


def _claimed(path: Path) -> tuple[Path, Path]:
    """A name that no file has, and that of the part, which now exists."""
    for name in _names(path):
        part = name.with_suffix(f".part{name.suffix}")
        if not name.exists():
            try:
                part.touch(exist_ok=False)
            except FileExistsError:
                continue
            return name, part
    raise AssertionError("names never end")


def _names(path: Path) -> Iterator[Path]:
    """Names of this moment, and of the next milliseconds, for files begun at the same time."""
    moment = datetime.now(UTC)
    while True:
        stamp = f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03}Z"
        yield path.with_name(f"{path.stem}-{stamp}{path.suffix}")
        moment += _MILLISECOND


def _vanished(path: Path) -> OSError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
