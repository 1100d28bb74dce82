"""Ctrl-C and SIGTERM end the process, whatever its source and outputs do, and leave no child behind."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.live.conftest import Start
from tests.servers import RtspServer, Uprez, requires, until
from tests.waiting import refusing_port

SMALL = (160, 90)


@contextmanager
def no_server(live: Start, folder: Path) -> Iterator[Uprez]:
    with refusing_port() as port:
        uprez = live(f"rtsp://127.0.0.1:{port}/live", "--to", folder / "kept.mkv", is_patient=False)
        uprez.until(lambda stream: stream.faults, "an attempt failed")
        yield uprez


@contextmanager
def a_silent_server(live: Start, folder: Path) -> Iterator[Uprez]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        uprez = live(f"rtsp://127.0.0.1:{server.getsockname()[1]}/live", "--to", folder / "kept.mkv", is_patient=False)
        connection, _ = server.accept()
        with connection:
            uprez.until(lambda stream: stream.status == "connecting", "it connects")
            yield uprez


@contextmanager
def a_camera(live: Start, folder: Path) -> Iterator[Uprez]:
    with RtspServer(size=SMALL) as camera:
        uprez = live(camera.address(), "--to", folder / "kept.mkv", is_patient=False)
        uprez.until_out(5)
        yield uprez


@contextmanager
def a_frozen_camera(live: Start, folder: Path) -> Iterator[Uprez]:
    with RtspServer(size=SMALL) as camera:
        uprez = live(camera.address(), "--to", folder / "kept.mkv", is_patient=False)
        uprez.until_out(5)
        camera.freeze()
        yield uprez


@contextmanager
def a_frozen_output(live: Start, folder: Path) -> Iterator[Uprez]:
    with RtspServer(size=SMALL) as camera, RtspServer(records=True) as server:
        uprez = live(camera.address(), "--to", server.address("/in"), is_patient=False)
        until(server.received, "it is published")
        server.freeze()
        uprez.until_out(25)
        yield uprez


State = Callable[[Start, Path], AbstractContextManager[Uprez]]

STATES = [
    no_server,
    a_silent_server,
    pytest.param(a_camera, marks=requires("gst-rtsp-server")),
    pytest.param(a_frozen_camera, marks=requires("gst-rtsp-server")),
    pytest.param(a_frozen_output, marks=requires("gst-rtsp-server")),
]


@pytest.mark.parametrize("state", STATES)
def test_a_signal_ends_the_process_and_its_children(state: State, live: Start, tmp_path: Path) -> None:
    by = signal.SIGTERM if state in (a_camera, no_server) else signal.SIGINT
    with state(live, tmp_path) as uprez:
        print(f"{uprez.end(by):.2f} s")  # two at most on a machine that is not busy; here only a hang is an error
        assert uprez.code == 0, uprez.errors
        until(lambda: not uprez.orphans(), "its children end")
