"""Outputs that run, and a receiver for them."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import av

from pipeline.config.address import Address
from pipeline.config.live_settings import StreamSettings
from pipeline.live.output.destination import output_target
from pipeline.live.output.output import Output
from pipeline.live.process.messages import SerializedPacket
from pipeline.live.stats import OutputFigures
from tests import live_packets
from tests.waiting import until

SETTINGS = StreamSettings(source=Address("rtsp://camera/stream"), poll=0.05, segment="1h", hls_segment=1, hls_list=3)


PATIENCE = 30.0  # seconds to finish in, on a machine under load


class Receiver:
    """Receives MPEG-TS at a port of 127.0.0.1; if frozen, it accepts connections and reads nothing."""

    def __init__(self, frozen: bool = False, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.received: list[bytearray] = []  # by connection
        self._open: list[socket.socket] = []
        self._frozen = frozen
        self._thread = threading.Thread(target=self._serve, name="uprez-test")
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.received.append(bytearray())
                self._open.append(connection)
                with contextlib.suppress(OSError):
                    while not self._frozen and (data := connection.recv(1 << 16)):
                        self.received[-1].extend(data)

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join()

    def times(self) -> list[float]:
        """The timestamps of the frames received so far over the first connection, in seconds."""
        received = io.BytesIO(self.received[0]) if self.received else io.BytesIO()
        try:
            container = av.open(received, "r", format="mpegts")
        except av.error.EOFError:  # nothing, or less than the streams' headers
            return []
        with container:
            packets = [packet for packet in container.demux(*container.streams.video) if packet.size]
            return [float((packet.pts or 0) * packet.time_base) for packet in packets]


def output(
    to: str | Path,
    settings: StreamSettings = SETTINGS,
    stuck: float = 10.0,
    demand_key: Callable[[], None] = lambda: None,
) -> Output:
    return Output(output_target(Address(str(to)), settings), settings, demand_key, stuck)


def offer_until(target: Output, items: Iterator[SerializedPacket], condition: Callable[[], bool]) -> None:
    """Offer packets until `condition` is true."""

    def step() -> bool:
        target.offer(next(items))
        return condition()

    until(step)


def offer_one_by_one_until(target: Output, items: Iterator[SerializedPacket], condition: Callable[[], bool]) -> None:
    """Offer packets until `condition` is true, each when those before it have been written or dropped."""

    def step() -> bool:
        if target.figures().lag == 0 and (packet := next(items, None)) is not None:
            target.offer(packet)
        return condition()

    until(step)


def offer(target: Output, items: list[SerializedPacket]) -> None:
    """Offer all packets as fast as the output accepts them without dropping any."""
    for packet in items:
        until(lambda: target.figures().lag < 3)
        target.offer(packet)


@contextlib.contextmanager
def closing(*outputs: Output, patience: float = PATIENCE) -> Iterator[None]:
    try:
        yield
    finally:
        with ExitStack() as stack:
            for each in outputs:
                stack.callback(each.close, patience)


def accounted_for(figures: OutputFigures) -> int:
    return figures.packets + sum(figures.dropped.values())


def seconds(path: Path) -> list[float]:
    return [float(time) for time in live_packets.times(path)]
