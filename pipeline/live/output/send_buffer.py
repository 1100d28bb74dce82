"""How much of a connection's data may wait in the system, where nothing can be left out any more.

Left alone, a system keeps megabytes for a receiver that takes nothing: at a low bit rate, a minute of video.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

_BYTES = 128 << 10
_OWN = Path("/proc/self/fd")


def limit_backlog() -> None:
    """Limit it for each TCP connection of this process, which only FFmpeg knows; where the system can't, it stays."""
    if not _OWN.is_dir() or not hasattr(socket, "TCP_NOTSENT_LOWAT"):
        return
    for name in os.listdir(_OWN):
        with contextlib.suppress(OSError):  # what is no TCP, or was closed meanwhile
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                with socket.socket(fileno=os.dup(int(name))) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _BYTES)
