"""HLS: a list and its segments, which goes on where an earlier one ended."""

from __future__ import annotations

import errno
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.media.wire import Open, Parcel
from pipeline.media.writing.muxer import Muxer

_SPARE = 3  # segments that stay when they have left the list, for who still plays them
# Nobody sees half of a segment or list; each picture can be dated; each segment can be played alone.
_FLAGS = "delete_segments+temp_file+program_date_time+independent_segments"
_ROOM = 1 << 20  # bytes to spare, so that a list can always be written whole
_MISREAD = re.compile(r"%\d*d")  # by FFmpeg, which puts a number there, and knows no way to escape it
_NO_URI = re.compile(r"[%:#?]")  # what a list's line would not mean itself by
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
        if path.exists():
            first = _FIRST.search(path.read_text(errors="replace"))
            _tidy(path, int(first[1]) - _SPARE if first else 0)
            flags = f"{wanted.options['hls_flags']}+append_list"
            wanted = replace(wanted, options={**wanted.options, "hls_flags": flags})
        self._muxer = Muxer(wanted)
        self.notes = self._muxer.notes

    def mux(self, parcel: Parcel) -> bool:
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
    segment = re.compile(rf"{re.escape(path.stem)}-(\d+)\.ts(\.tmp)?")
    for each in path.parent.iterdir():
        if (match := segment.fullmatch(each.name)) and (int(match[1]) < first or match[2]):
            each.unlink(missing_ok=True)
