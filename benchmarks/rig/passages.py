"""Ways for a live picture from who draws it to who watches it, with one between them who reads and publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from pipeline.errors import SettingsError
from tests.servers import Forwarder, RtspServer, Sender, Watcher
from tests.servers.forwarder import End
from tests.servers.needs import missing

_SOON = {"analyzeduration": "500000", "fpsprobesize": "0"}
_TCP = {"rtsp_transport": "tcp"}


@dataclass(frozen=True)
class Relay:
    """A running one. source, sink: what the one between them opens. early: a watcher before them, if there can be one.

    late: the watcher at the end.
    """

    source: str
    sink: str
    late: Watcher
    early: Watcher | None = None
    reading: dict[str, str] = field(default_factory=dict)  # FFmpeg's options, for who forwards
    format: str | None = None

    def forwarder(self) -> Forwarder:
        """One between them who only passes packets on."""
        rtsp = self.sink.startswith("rtsp:")
        sink: End = (self.sink, "rtsp", _TCP) if rtsp else (self.sink, "mpegts", {"flush_packets": "1"})
        return Forwarder((self.source, self.format, {**_SOON, **self.reading}), sink)


@contextmanager
def passage(way: str, size: tuple[int, int], rate: float) -> Iterator[Relay]:
    """The way of that name in WAYS, with a picture of that size and rate at its source."""
    with ExitStack() as stack:
        yield WAYS[way](stack, {"size": size, "rate": rate, "barcode": True})


def _rtsp(stack: ExitStack, picture: dict[str, object]) -> Relay:
    if lack := missing("gst-rtsp-server"):
        raise SettingsError(f"--way rtsp {lack}")
    server = stack.enter_context(RtspServer())
    stack.enter_context(Sender.rtsp(server.address("/pub"), **picture))
    early = stack.enter_context(Watcher.rtsp(server.address("/relay")))
    late = stack.enter_context(Watcher.rtsp(server.address("/out")))
    return Relay(server.address("/relay"), server.address("/in"), late, early, reading=_TCP)


def _listening(stack: ExitStack, picture: dict[str, object]) -> Relay:
    late = stack.enter_context(Watcher.rtsp_listening())
    sender = stack.enter_context(Sender.tcp(**picture))
    return Relay(sender.source, late.sink, late, format="mpegts")


def _tcp(stack: ExitStack, picture: dict[str, object]) -> Relay:
    late = stack.enter_context(Watcher.tcp_listening())
    sender = stack.enter_context(Sender.tcp(**picture))
    return Relay(sender.source, late.sink, late, format="mpegts")


def _udp(stack: ExitStack, picture: dict[str, object]) -> Relay:
    sender = stack.enter_context(Sender.udp(**picture))
    late = stack.enter_context(Watcher.udp())
    return Relay(sender.source, late.sink, late, format="mpegts")


WAYS: dict[str, Callable[[ExitStack, dict[str, object]], Relay]] = {
    "rtsp": _rtsp,
    "listen": _listening,
    "tcp": _tcp,
    "udp": _udp,
}
"""rtsp: through GStreamer's server and back to it. listen: MPEG-TS over TCP, then RTSP to FFmpeg's own server, for
machines without GStreamer. tcp, udp: MPEG-TS both ways."""
