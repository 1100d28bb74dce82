"""HLS: a playlist and its segments. An existing playlist is continued."""

from __future__ import annotations

import errno
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.live.output.muxer import Muxer
from pipeline.live.process.messages import OpenRequest, SerializedPacket

_KEPT_SEGMENTS = 3  # that have left the playlist, for players that still read them
# Files appear complete under their names, each frame has a date, and each segment can be played alone.
_FLAGS = "delete_segments+temp_file+program_date_time+independent_segments"
_SPARE_BYTES = 1 << 20  # so that a playlist can always be written completely
_NUMBER_PATTERN = re.compile(r"%\d*d")  # FFmpeg inserts a number there, and it can't be escaped
_NOT_IN_URI = re.compile(r"[%:#?]")  # characters that have a meaning in the URIs of a playlist
_TEMPORARY = ".tmp"
_FIRST_SEGMENT = re.compile(r"#EXT-X-MEDIA-SEQUENCE:(\d+)")


def hls_options(path: Path, seconds: float, listed: int) -> dict[str, str]:
    """The options of FFmpeg's muxer for the playlist at `path`.

    Args:
        path: The path of the playlist; its segments are beside it.
        seconds: The length of a segment.
        listed: The number of segments in the playlist.

    Raises:
        SettingsError: segments can't have the name of the playlist.
    """
    if match := _NOT_IN_URI.search(path.name) or _NUMBER_PATTERN.search(str(path)):
        raise SettingsError(f"to: {path}: the name of an HLS playlist must not contain {match[0]}: choose another name")
    return {
        "hls_time": f"{seconds:g}",
        "hls_list_size": str(listed),
        "hls_delete_threshold": str(_KEPT_SEGMENTS),
        "hls_segment_filename": f"{path.with_suffix('')}-%d.ts",
        "hls_flags": _FLAGS,
    }


class HlsMuxer:
    """Writes the playlist of `request`, a new one or an existing one, and removes its obsolete segments.

    Raises the errors of Muxer.

    Attributes:
        notes: As those of Muxer.
    """

    def __init__(self, request: OpenRequest) -> None:
        path = Path(request.address.removeprefix("file:"))
        self._folder = path.parent
        self._bytes = 0  # since the last key frame
        self._check_disk()
        options = dict(request.options)
        if path.exists() and (first := _FIRST_SEGMENT.search(path.read_text(errors="replace"))):
            options["hls_flags"] += "+append_list"
            _remove_obsolete(path, int(first[1]) - _KEPT_SEGMENTS)
        else:  # none, or one that a full disk has emptied: existing segments keep their numbers
            options["start_number"] = str(1 + max((number for _, number in _segments(path)), default=-1))
        self._muxer = Muxer(replace(request, options=options))
        self.notes = self._muxer.notes

    def mux(self, packet: SerializedPacket) -> bool:
        """Write `packet`; False if it was skipped."""
        if packet.stream == 0 and packet.is_keyframe:
            self._check_disk()
        self._bytes += len(packet.data)
        return self._muxer.mux(packet)

    def close(self) -> None:
        """Write what is buffered and the end of the playlist."""
        self._muxer.close()

    def _check_disk(self) -> None:
        """Raise OSError if the next segment may not fit, or the folder does not exist: FFmpeg reports neither."""
        if shutil.disk_usage(self._folder).free < self._bytes + _SPARE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._bytes = 0


def _remove_obsolete(path: Path, first: int) -> None:
    """Remove what FFmpeg does not know when it continues: segments before number `first`, and temporary files."""
    for segment, number in _segments(path):
        if number < first or segment.suffix == _TEMPORARY:
            segment.unlink(missing_ok=True)


def _segments(path: Path) -> list[tuple[Path, int]]:
    """The existing segments of the playlist at `path`, in any order, with their numbers."""
    name = re.compile(rf"{re.escape(path.stem)}-(\d+)\.ts({re.escape(_TEMPORARY)})?")
    return [(each, int(match[1])) for each in path.parent.iterdir() if (match := name.fullmatch(each.name))]
