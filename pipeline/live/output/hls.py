"""HLS: a list and its segments, which goes on where an earlier one ended."""

from __future__ import annotations

import errno
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.live.output.muxer import Muxer
from pipeline.live.process.messages import Open, SerializedPacket

_SPARE = 3  # segments that stay when they have left the list, for who still plays them
# Nobody sees half of a segment or list; each picture can be dated; each segment can be played alone.
_FLAGS = "delete_segments+temp_file+program_date_time+independent_segments"
_ROOM = 1 << 20  # bytes to spare, so that a list can always be written whole
_MISREAD = re.compile(r"%\d*d")  # by FFmpeg, which puts a number there, and knows no way to escape it
_NO_URI = re.compile(r"[%:#?]")  # what a list's line would not mean itself by
_HALF = ".tmp"
_FIRST = re.compile(r"#EXT-X-MEDIA-SEQUENCE:(\d+)")


def options(path: Path, seconds: float, listed: int) -> dict[str, str]:
    """What FFmpeg's muxer is told about the list at `path`: the length of segments, and how many are listed.

    Raises SettingsError for a name that its segments can't have.
    """
    if bad := _NO_URI.search(path.name) or _MISREAD.search(str(path)):
        raise SettingsError(f"to: {path}: a list of HLS can't be called so, because of {bad[0]}: choose another name")
    return {
        "hls_time": f"{seconds:g}",
        "hls_list_size": str(listed),
        "hls_delete_threshold": str(_SPARE),
        "hls_segment_filename": f"{path.with_suffix('')}-%d.ts",
        "hls_flags": _FLAGS,
    }


class Playlist:
    """The list that `wanted` names, begun or gone on with; segments of it that are long over are removed.

    notes: as those of Muxer, whose errors are raised here too.
    """

    def __init__(self, wanted: Open) -> None:
        path = Path(wanted.address.removeprefix("file:"))
        self._folder = path.parent
        self._bytes = 0  # since the last key frame
        self._check()
        options = dict(wanted.options)
        if path.exists() and (first := _FIRST.search(path.read_text(errors="replace"))):
            options["hls_flags"] += "+append_list"
            _tidy(path, int(first[1]) - _SPARE)
        else:  # none, or one that a full disk has emptied: what there is of segments keeps its numbers
            options["start_number"] = str(1 + max((number for _, number in _segments(path)), default=-1))
        self._muxer = Muxer(replace(wanted, options=options))
        self.notes = self._muxer.notes

    def mux(self, parcel: SerializedPacket) -> bool:
        """Write `parcel`; whether it was."""
        if parcel.stream == 0 and parcel.is_keyframe:
            self._check()
        self._bytes += len(parcel.data)
        return self._muxer.mux(parcel)

    def close(self) -> None:
        """Write what is under way, and that the list ends."""
        self._muxer.close()

    def _check(self) -> None:
        """Raise OSError where the next segment may not fit, or its folder is gone: FFmpeg says nothing of either."""
        if shutil.disk_usage(self._folder).free < self._bytes + _ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._bytes = 0


def _tidy(path: Path, first: int) -> None:
    """Remove what FFmpeg has forgotten when it begins anew: segments before number `first`, and halves of files."""
    for segment, number in _segments(path):
        if number < first or segment.suffix == _HALF:
            segment.unlink(missing_ok=True)


def _segments(path: Path) -> list[tuple[Path, int]]:
    """The segments of the list at `path` that there are, in whatever order, with their numbers."""
    name = re.compile(rf"{re.escape(path.stem)}-(\d+)\.ts({re.escape(_HALF)})?")
    return [(each, int(match[1])) for each in path.parent.iterdir() if (match := name.fullmatch(each.name))]
