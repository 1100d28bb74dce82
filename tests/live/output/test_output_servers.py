"""Outputs to real servers: GStreamer's for RTSP, nginx for RTMP."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Protocol, Self

import pytest

from pipeline.config.address import Address
from pipeline.config.live_settings import StreamSettings
from pipeline.live.output.destination import output_target
from pipeline.live.output.output import Output
from pipeline.live.process.messages import SerializedPacket, StreamHeader
from tests import live_packets
from tests.servers import RtmpServer, RtspServer, requires
from tests.servers.watcher import Watcher

SETTINGS = StreamSettings(source=Address("rtsp://camera/stream"), poll=0.05)
PATIENCE = 20.0

Material = tuple[StreamHeader, list[SerializedPacket]]


class Published(Protocol):
    """A server. places: where the stream is published, and where it is played."""

    @property
    def places(self) -> tuple[str, str]: ...
    def kill(self) -> None: ...
    def start(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


class Rtsp(RtspServer):
    """places: where the stream is published, and where it is played."""

    @property
    def places(self) -> tuple[str, str]:
        return self.address("/pub"), self.address("/relay")


class Rtmp(RtmpServer):
    @property
    def places(self) -> tuple[str, str]:
        return self.address(), self.address()


KINDS = [
    pytest.param(Rtsp, marks=requires("gst-rtsp-server")),
    pytest.param(Rtmp, marks=requires("nginx-rtmp")),
]


@pytest.fixture(scope="module")
def material() -> Material:
    return live_packets.coded(2000, gop=10, padding=4000)


def play(target: Output, items: Iterator[SerializedPacket], until: Callable[[], object]) -> None:
    """Offer a frame every 40 ms, as a camera does, until the condition is true."""
    began = time.monotonic()
    for count, packet in enumerate(items):
        target.offer(packet)
        if until():
            return
        time.sleep(max(0.0, began + count / live_packets.RATE - time.monotonic()))
    pytest.fail("the stream ended before the condition was met")


@pytest.mark.parametrize("kind", KINDS)
def test_published_frames_can_be_played(kind: type[Published], material: Material) -> None:
    streams, items = material
    with kind() as server:
        published, played = server.places
        with (
            Output(output_target(Address(published), SETTINGS), SETTINGS, lambda: None) as target,
            Watcher(played) as watcher,
        ):
            target.start(streams)
            play(target, iter(items), lambda: len(watcher.frames()) > 10)
            assert target.figures().dropped == {}


def test_timestamps_are_those_that_were_offered(material: Material) -> None:
    streams, items = material
    with Watcher.rtsp_listening() as server:
        target = Output(output_target(Address(server.address), SETTINGS), SETTINGS, lambda: None)
        with target:
            target.start(streams)
            play(target, iter(items), lambda: len(server.frames()) > 20)
        times = [frame.seconds for frame in server.frames() if frame.seconds is not None]
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert steps == pytest.approx([1 / live_packets.RATE] * len(steps), abs=1 / live_packets.TICKS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_restarted_server_receives_the_stream_again(kind: type[Published], material: Material) -> None:
    streams, items = material
    stream = iter(items)
    with kind() as server, Output(output_target(Address(server.places[0]), SETTINGS), SETTINGS, lambda: None) as target:
        target.start(streams)
        play(target, stream, lambda: target.figures().packets > 10)
        server.kill()
        play(target, stream, lambda: target.figures().status == "waiting")
        server.start()
        before = target.figures().packets
        play(target, stream, lambda: target.figures().packets > before + 10)
        assert target.figures().connects >= 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_frozen_server_does_not_hold_up_closing(kind: type[Published], material: Material) -> None:
    streams, items = material
    stream = iter(items)
    with kind() as server:
        target = Output(output_target(Address(server.places[0]), SETTINGS), SETTINGS, lambda: None, stuck=0.5)
        with target:
            target.start(streams)
            play(target, stream, lambda: target.figures().packets > 10)
            server.freeze()
            play(target, stream, lambda: target.figures().status != "live")
        server.thaw()
