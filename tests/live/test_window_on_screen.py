"""A window on a real X server, recorded with x11grab and closed by keys of a keyboard."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av

from tests.servers import Display, requires
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PROGRAM = """
from pipeline.live.window import show
from tests.live.test_window import Running
running = Running("yard")
show(running, running.run)
"""


@requires("xvfb", "xdotool", "pygame")
def test_a_window_is_visible_and_reacts_to_the_keyboard() -> None:
    with Display(size=(640, 400)) as display:
        environment = {**os.environ, "DISPLAY": display.address, "SDL_VIDEODRIVER": "x11"}
        with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment) as window:
            try:
                until(lambda: "blue" in colours(display))
                assert "red" not in colours(display)
                type_key(environment, "s")
                until(lambda: {"red", "blue"} <= colours(display))
                type_key(environment, "Escape")
                assert window.wait(20) == 0
            finally:
                window.kill()


def type_key(environment: dict[str, str], key: str) -> None:
    command = [
        "xdotool",
        "mousemove",
        "320",
        "200",
        "key",
        key,
    ]  # the mouse chooses the window
    subprocess.run(command, env=environment, check=True, timeout=20)


def colours(display: Display) -> set[str]:
    """The colours in a row across the screen."""
    options = {"video_size": "640x400", "framerate": "25", "draw_mouse": "0"}
    with av.open(display.address, format="x11grab", options=options) as camera:
        image: Any = next(camera.decode(video=0)).to_ndarray(format="rgb24")
    row = image[200, ::8].astype(int)
    return {name for name, pixel in zip(map(_name, row), row, strict=True) if pixel.max() > 200}


def _name(pixel: Any) -> str:
    return "red" if pixel[0] > 200 > pixel[2] else "blue" if pixel[2] > 200 > pixel[0] else "another"
