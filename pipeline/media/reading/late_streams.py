"""Streams of broadcasts and DVDs that begin late: FFmpeg lists them, and has not seen their parameters.

Another container, which reads the file from a later part on, has them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from av.container import InputContainer

from pipeline.errors import InputError
from pipeline.flow.closing import Closing
from pipeline.media.codec_parameters import lacks_parameters
from pipeline.media.reading.input_container import open_input
from pipeline.media.reading.pid_map import PLACES
from pipeline.media.reading.pipe import is_pipe

_DEMUXERS = ("mpegts", "mpeg")  # of containers whose streams begin anywhere, and that can be read from any byte on


class LateStreams(Closing):
    """The parameters of late streams, from later parts of a file, which is only read if there are such streams."""

    def __init__(self, path: Path, container: InputContainer) -> None:
        """Look for the parameters that streams of `container`, which reads the file `path`, lack."""
        self._described: dict[int, Any] = {}
        self._opened = contextlib.ExitStack()
        late = [stream for stream in container.streams if lacks_parameters(stream)]
        if late and not is_pipe(path) and container.format.name in _DEMUXERS:
            with contextlib.suppress(InputError):  # a part that can't be read has no parameters
                self._look_ahead(path, container.format.name, late)

    def describe(self, stream: Any) -> Any:
        """Return `stream`, or another one with its parameters, if it is a late one."""
        return self._described.get(stream.index, stream)

    def close(self) -> None:
        self._opened.close()

    def _look_ahead(self, path: Path, demuxer: str, late: list[Any]) -> None:
        for place in PLACES:
            if len(self._described) == len(late):
                return
            later = self._opened.enter_context(open_input(path, skip=int(path.stat().st_size * place), format=demuxer))
            known = {stream.id: stream for stream in later.streams if not lacks_parameters(stream)}
            for stream in late:
                if stream.id in known:
                    self._described.setdefault(stream.index, known[stream.id])
