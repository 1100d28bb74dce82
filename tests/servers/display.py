"""A virtual screen, which x11grab captures as a camera with a clock of its own."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from tests.servers.server import Server

_SOCKETS = Path("/tmp/.X11-unix")


class Display(Server):
    """Xvfb. `address` is its name for x11grab and for $DISPLAY, such as ":37"."""

    def __init__(self, size: tuple[int, int] = (320, 240)) -> None:
        super().__init__(port=0)
        self.size = size
        self.number = next(n for n in itertools.count(30) if not Path(f"/tmp/.X{n}-lock").exists())

    @property
    def address(self) -> str:
        return f":{self.number}"

    def command(self) -> list[str]:
        xvfb = shutil.which("Xvfb")
        assert xvfb, "Xvfb is not installed: see requires('xvfb')"
        width, height = self.size
        screen = f"{width}x{height}x24"
        return [xvfb, self.address, "-screen", "0", screen, "-nolisten", "tcp", "-nocursor", "-r", "-noreset"]

    def is_ready(self) -> bool:
        return (_SOCKETS / f"X{self.number}").exists()
