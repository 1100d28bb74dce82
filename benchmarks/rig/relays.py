"""Routes of a live stream from a sender to a watcher, with a gap for a program that reads and publishes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from pipeline import SettingsError
from tests.servers import Forwarder, RtspServer, Sender, Watcher
from tests.servers.forwarder import End
from tests.servers.needs import missing

_LOW_DELAY = {"analyzeduration": "500000", "fpsprobesize": "0"}
_TCP = {"rtsp_transport": "tcp"}


@dataclass(frozen=True)
class Relay:
    """A running route with a gap for a program.

    Attributes:
        source: The address that the program reads.
        sink: The address that it publishes to.
        late: The watcher at the end.
        early: A watcher before the gap, if the route has one.
        input_options: FFmpeg's options for reading `source`.
        format: FFmpeg's name of the source's format; None: detected.
    """

    source: str
    sink: str
    late: Watcher
    early: Watcher | None = None
    input_options: dict[str, str] = field(default_factory=dict)
    format: str | None = None

    def forwarder(self) -> Forwarder:
        """A program for the gap that forwards packets unchanged."""
        rtsp = self.sink.startswith("rtsp:")
        sink: End = (self.sink, "rtsp", _TCP) if rtsp else (self.sink, "mpegts", {"flush_packets": "1"})
        return Forwarder((self.source, self.format, {**_LOW_DELAY, **self.input_options}), sink)


@contextmanager
def open_relay(route: str, size: tuple[int, int], rate: float) -> Iterator[Relay]:
    """Start a route of ROUTES, whose source sends frames of that size, with barcodes, at that rate."""
    with ExitStack() as stack:
        yield ROUTES[route](stack, {"size": size, "rate": rate, "barcode": True})


def _rtsp(stack: ExitStack, frames: dict[str, object]) -> Relay:
    if reason := missing("gst-rtsp-server"):
        raise SettingsError(f"--way rtsp {reason}")
    server = stack.enter_context(RtspServer())
    stack.enter_context(Sender.rtsp(server.address("/pub"), **frames))
    early = stack.enter_context(Watcher.rtsp(server.address("/relay")))
    late = stack.enter_context(Watcher.rtsp(server.address("/out")))
    return Relay(server.address("/relay"), server.address("/in"), late, early, input_options=_TCP)


def _listening(stack: ExitStack, frames: dict[str, object]) -> Relay:
    late = stack.enter_context(Watcher.rtsp_listening())
    sender = stack.enter_context(Sender.tcp(**frames))
    return Relay(sender.source, late.sink, late, format="mpegts")


def _tcp(stack: ExitStack, frames: dict[str, object]) -> Relay:
    late = stack.enter_context(Watcher.tcp_listening())
    sender = stack.enter_context(Sender.tcp(**frames))
    return Relay(sender.source, late.sink, late, format="mpegts")


def _udp(stack: ExitStack, frames: dict[str, object]) -> Relay:
    sender = stack.enter_context(Sender.udp(**frames))
    late = stack.enter_context(Watcher.udp())
    return Relay(sender.source, late.sink, late, format="mpegts")


ROUTES: dict[str, Callable[[ExitStack, dict[str, object]], Relay]] = {
    "rtsp": _rtsp,
    "listen": _listening,
    "tcp": _tcp,
    "udp": _udp,
}
"""rtsp: through a GStreamer server and back to it. listen: MPEG-TS over TCP, then RTSP to FFmpeg's own server, for
machines without GStreamer. tcp, udp: MPEG-TS both ways."""
