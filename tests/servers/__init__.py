"""Real servers for tests, each a process on a free port of 127.0.0.1, which tests kill, freeze and restart."""

from __future__ import annotations

import pytest

from tests.servers.display import Display
from tests.servers.forwarder import Forwarder
from tests.servers.hls import HlsServer
from tests.servers.needs import missing
from tests.servers.rtmp import RtmpServer
from tests.servers.rtsp import RtspServer
from tests.servers.sender import Sender
from tests.servers.server import Server, free_port, is_listening, until
from tests.servers.tls import Tls
from tests.servers.uprez import Uprez
from tests.servers.watcher import WatchedFrame, Watcher

__all__ = [
    "Display",
    "Forwarder",
    "HlsServer",
    "RtmpServer",
    "RtspServer",
    "Sender",
    "Server",
    "Tls",
    "Uprez",
    "WatchedFrame",
    "Watcher",
    "free_port",
    "is_listening",
    "requires",
    "until",
]


def requires(*needs: str) -> pytest.MarkDecorator:
    """Skips a test where one of these isn't installed, and names the package to install (needs.PACKAGES)."""
    lacks = [lack for need in needs if (lack := missing(need))]
    return pytest.mark.skipif(bool(lacks), reason="; ".join(lacks))
