"""What a soak plays against: a source and an output that may fail, and the faults that befall them."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from pipeline.errors import SettingsError
from tests.servers import HlsServer, RtspServer, Server, Watcher
from tests.servers.needs import missing

_AWAY = (1.0, 10.0)  # seconds that a server stays killed
_FROZEN = (2.0, 20.0)
_OTHER = 1.0  # seconds between the end of a server and its coming back as another
_UNTOLD = (1.0, 5.0)  # seconds until a new password gets about
_CODECS = ("h264", "h265")


@dataclass(frozen=True)
class ReceivedFrame:
    """A picture at the output. at: seconds of time.monotonic. size: width, height."""

    at: float
    size: tuple[int, int]


class FaultRig(ABC):
    """source: what uprez reads. secret: the file with its password. output: what it publishes to.

    sizes: of the source, in turn.
    """

    source: RtspServer | HlsServer
    output: Server

    def __init__(self, folder: Path, size: tuple[int, int], rate: float) -> None:
        width, height = size
        self.rate = rate
        self.sizes = [size, (width // 4 * 2, height // 4 * 2)]
        self.secret = folder / "password"
        self.tell("first")

    def tell(self, password: str) -> None:
        """Let uprez know the password."""
        self.secret.write_text(password + "\n", encoding="utf-8")

    @property
    @abstractmethod
    def address(self) -> str:
        """Of the source, as uprez is told it."""

    @property
    @abstractmethod
    def sink(self) -> str:
        """The address that uprez publishes to."""

    @abstractmethod
    def arrivals(self) -> list[ReceivedFrame]:
        """All that came to the output so far."""


class GstTheatre(FaultRig):
    """Two of GStreamer's RTSP servers."""

    def __init__(self, folder: Path, size: tuple[int, int], rate: float) -> None:
        if lack := missing("gst-rtsp-server"):
            raise SettingsError(f"--servers gst {lack}")
        super().__init__(folder, size, rate)
        self.source = RtspServer(size=size, rate=rate, password="first")
        self.output: RtspServer = RtspServer(records=True)

    @property
    def address(self) -> str:
        return f"rtsp://admin:${{file:{self.secret}}}@127.0.0.1:{self.source.port}/live"

    @property
    def sink(self) -> str:
        return self.output.address("/in")

    def arrivals(self) -> list[ReceivedFrame]:
        return [ReceivedFrame(each.at, each.size) for each in self.output.received()]


class PlainTheatre(FaultRig):
    """For machines without GStreamer: MPEG-TS over HTTP, and an RTSP server of FFmpeg's own."""

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

    def arrivals(self) -> list[ReceivedFrame]:
        return [ReceivedFrame(frame.at / 1000, frame.size) for frame in self.output.frames()]


THEATRES: dict[str, type[FaultRig]] = {"gst": GstTheatre, "plain": PlainTheatre}


class Fault(BaseModel):
    """What befell a server. Times are seconds since the start of the soak.

    began: of the fault. mended: when all was there again that uprez needs. back: when the first picture came out that
    was read after that, None if none did before the next fault.
    """

    kind: str
    detail: str
    began: float
    mended: float
    size: tuple[int, int] = Field(description="of the source afterwards")
    back: float | None = None

    @property
    def took(self) -> float | None:
        """Seconds from the server's return to the first picture out."""
        return None if self.back is None else self.back - self.mended


class Mischief:
    """Faults by chance: each kind once, in any order, then again. seed: the same faults each time."""

    def __init__(self, theatre: FaultRig, seed: int, began: float) -> None:
        self._theatre, self._random, self._began = theatre, random.Random(seed), began
        self._deck = self._deal()

    def next(self) -> Fault:
        """Let one happen, and mend it."""
        kind = next(self._deck)
        start = time.monotonic()
        detail = KINDS[kind](self)
        mended = time.monotonic()
        size = self._theatre.source.size
        return Fault(kind=kind, detail=detail, began=start - self._began, mended=mended - self._began, size=size)

    def _deal(self) -> Iterator[str]:
        while True:
            yield from self._random.sample(sorted(KINDS), len(KINDS))

    def _killed(self, server: Server) -> str:
        away = self._random.uniform(*_AWAY)
        server.kill()
        time.sleep(away)
        server.start()
        return f"away for {away:.1f} s"

    def _frozen(self, server: Server) -> str:
        away = self._random.uniform(*_FROZEN)
        server.freeze()
        time.sleep(away)
        server.thaw()
        return f"for {away:.1f} s"

    def _another(self, **changes: object) -> None:
        source = self._theatre.source
        source.kill()
        time.sleep(_OTHER)
        source.change(**changes)
        source.start()

    def killed(self) -> str:
        return self._killed(self._theatre.source)

    def frozen(self) -> str:
        return self._frozen(self._theatre.source)

    def resized(self) -> str:
        size = next(size for size in self._theatre.sizes if size != self._theatre.source.size)
        self._another(size=size)
        return "to {}x{}".format(*size)

    def recoded(self) -> str:
        codec = next(codec for codec in _CODECS if codec != self._theatre.source.codec)
        self._another(codec=codec)
        return f"to {codec}"

    def locked(self) -> str:
        password, untold = f"p@ss:{self._random.randrange(10**6)}/%", self._random.uniform(*_UNTOLD)
        self._another(password=password)
        time.sleep(untold)
        self._theatre.tell(password)
        return f"new password, told {untold:.1f} s later"

    def output_killed(self) -> str:
        return self._killed(self._theatre.output)

    def output_frozen(self) -> str:
        return self._frozen(self._theatre.output)


KINDS: dict[str, Callable[[Mischief], str]] = {
    "source killed": Mischief.killed,
    "source frozen": Mischief.frozen,
    "source resized": Mischief.resized,
    "source recoded": Mischief.recoded,
    "password changed": Mischief.locked,
    "output killed": Mischief.output_killed,
    "output frozen": Mischief.output_frozen,
}
