"""Rigs of the soak test: a source and an output whose servers can fail, and the faults that are injected."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from pipeline import SettingsError
from tests.servers import HlsServer, RtspServer, Server, Watcher
from tests.servers.needs import missing

_KILLED_SECONDS = (1.0, 10.0)
_FROZEN_SECONDS = (2.0, 20.0)
_CHANGE_SECONDS = 1.0  # between the end of a server and its restart with other properties
_PASSWORD_SECONDS = (1.0, 5.0)  # until uprez can read a new password
_CODECS = ("h264", "h265")


@dataclass(frozen=True)
class ReceivedFrame:
    """A frame that arrived at the output.

    Attributes:
        at: Time of arrival, in seconds of time.monotonic.
        size: Width and height.
    """

    at: float
    size: tuple[int, int]


class FaultRig(ABC):
    """A source and an output whose servers can fail.

    Attributes:
        source: The server that uprez reads from.
        output: The server that uprez publishes to.
        secret: The file with the password of the source.
        sizes: The sizes between which the source changes.
        rate: Frames per second of the source.
    """

    source: RtspServer | HlsServer
    output: Server

    def __init__(self, folder: Path, size: tuple[int, int], rate: float) -> None:
        width, height = size
        self.rate = rate
        self.sizes = [size, (width // 4 * 2, height // 4 * 2)]
        self.secret = folder / "password"
        self.write_password("first")

    def write_password(self, password: str) -> None:
        """Write the password where uprez reads it."""
        self.secret.write_text(password + "\n", encoding="utf-8")

    @property
    @abstractmethod
    def address(self) -> str:
        """The address of the source, as uprez gets it."""

    @property
    @abstractmethod
    def sink(self) -> str:
        """The address that uprez publishes to."""

    @abstractmethod
    def received(self) -> list[ReceivedFrame]:
        """All frames that arrived at the output so far."""


class GstFaultRig(FaultRig):
    """Two GStreamer RTSP servers."""

    def __init__(self, folder: Path, size: tuple[int, int], rate: float) -> None:
        if reason := missing("gst-rtsp-server"):
            raise SettingsError(f"--servers gst {reason}")
        super().__init__(folder, size, rate)
        self.source = RtspServer(size=size, rate=rate, password="first")
        self.output: RtspServer = RtspServer(records=True)

    @property
    def address(self) -> str:
        return f"rtsp://admin:${{file:{self.secret}}}@127.0.0.1:{self.source.port}/live"

    @property
    def sink(self) -> str:
        return self.output.address("/in")

    def received(self) -> list[ReceivedFrame]:
        return [ReceivedFrame(each.at, each.size) for each in self.output.received()]


class PlainFaultRig(FaultRig):
    """MPEG-TS over HTTP and FFmpeg's own RTSP server, for machines without GStreamer."""

    def __init__(self, folder: Path, size: tuple[int, int], rate: float) -> None:
        super().__init__(folder, size, rate)
        self.source = HlsServer(size=size, rate=rate, password="first")
        self.output: Watcher = Watcher.rtsp_listening()

    @property
    def address(self) -> str:
        return f"http://admin:${{file:{self.secret}}}@127.0.0.1:{self.source.port}/live.ts"

    @property
    def sink(self) -> str:
        return self.output.sink

    def received(self) -> list[ReceivedFrame]:
        return [ReceivedFrame(frame.at / 1000, frame.size) for frame in self.output.frames()]


FAULT_RIGS: dict[str, type[FaultRig]] = {"gst": GstFaultRig, "plain": PlainFaultRig}


class Fault(BaseModel):
    """A fault that was injected. Times are seconds since the start of the soak."""

    kind: str
    detail: str
    began: float = Field(description="the start of the fault")
    repaired: float = Field(description="when everything that uprez needs was available again")
    size: tuple[int, int] = Field(description="size of the source afterwards")
    back: float | None = Field(
        None, description="when the first frame read after that arrived at the output; null: none before the next fault"
    )

    @property
    def took(self) -> float | None:
        """Seconds from the server's return to the first frame at the output."""
        return None if self.back is None else self.back - self.repaired


class FaultInjector:
    """Injects random faults: each kind once, in any order, then again. The same seed gives the same faults."""

    def __init__(self, rig: FaultRig, seed: int, began: float) -> None:
        self._rig, self._random, self._began = rig, random.Random(seed), began
        self._kinds = self._random_order()

    def next(self) -> Fault:
        """Inject a fault and repair it."""
        kind = next(self._kinds)
        start = time.monotonic()
        detail = KINDS[kind](self)
        repaired = time.monotonic()
        size = self._rig.source.size
        return Fault(kind=kind, detail=detail, began=start - self._began, repaired=repaired - self._began, size=size)

    def _random_order(self) -> Iterator[str]:
        while True:
            yield from self._random.sample(sorted(KINDS), len(KINDS))

    def _killed(self, server: Server) -> str:
        away = self._random.uniform(*_KILLED_SECONDS)
        server.kill()
        time.sleep(away)
        server.start()
        return f"away for {away:.1f} s"

    def _frozen(self, server: Server) -> str:
        away = self._random.uniform(*_FROZEN_SECONDS)
        server.freeze()
        time.sleep(away)
        server.thaw()
        return f"for {away:.1f} s"

    def _restart(self, **changes: object) -> None:
        source = self._rig.source
        source.kill()
        time.sleep(_CHANGE_SECONDS)
        source.change(**changes)
        source.start()

    def killed(self) -> str:
        return self._killed(self._rig.source)

    def frozen(self) -> str:
        return self._frozen(self._rig.source)

    def resized(self) -> str:
        size = next(size for size in self._rig.sizes if size != self._rig.source.size)
        self._restart(size=size)
        return "to {}x{}".format(*size)

    def recoded(self) -> str:
        codec = next(codec for codec in _CODECS if codec != self._rig.source.codec)
        self._restart(codec=codec)
        return f"to {codec}"

    def locked(self) -> str:
        password, delay = f"p@ss:{self._random.randrange(10**6)}/%", self._random.uniform(*_PASSWORD_SECONDS)
        self._restart(password=password)
        time.sleep(delay)
        self._rig.write_password(password)
        return f"new password, known {delay:.1f} s later"

    def output_killed(self) -> str:
        return self._killed(self._rig.output)

    def output_frozen(self) -> str:
        return self._frozen(self._rig.output)


KINDS: dict[str, Callable[[FaultInjector], str]] = {
    "source killed": FaultInjector.killed,
    "source frozen": FaultInjector.frozen,
    "source resized": FaultInjector.resized,
    "source recoded": FaultInjector.recoded,
    "password changed": FaultInjector.locked,
    "output killed": FaultInjector.output_killed,
    "output frozen": FaultInjector.output_frozen,
}
