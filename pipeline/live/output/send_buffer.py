"""Limits how much data of a connection may wait in the system, where nothing can be dropped any more.

By default, a system buffers megabytes for a receiver that reads nothing: at a low bit rate, a minute of video.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

_MAX_UNSENT_BYTES = 128 << 10
_OPEN_FILES = Path("/proc/self/fd")


def limit_unsent_data() -> None:
    """Limit it for all TCP connections of this process, as FFmpeg does not expose its own; does nothing elsewhere."""
    if not _OPEN_FILES.is_dir() or not hasattr(socket, "TCP_NOTSENT_LOWAT"):
        return
    for name in os.listdir(_OPEN_FILES):
        with contextlib.suppress(OSError):  # not a TCP socket, or closed meanwhile
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                with socket.socket(fileno=os.dup(int(name))) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MAX_UNSENT_BYTES)
