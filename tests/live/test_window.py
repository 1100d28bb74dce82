"""Preview windows, with a driver that shows nothing, and without a screen."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.live.preview import FramePair
from pipeline.live.window import PreviewWindows, View, render, show
from tests.live.web.stand_in import AFTER, BEFORE, BLUE, RED, StandIn, plain, stream

ROOT = Path(__file__).parents[2]


class Running(StandIn):
    """Streams that run until they are stopped."""

    def __init__(self, *names: str) -> None:
        super().__init__(*(stream(name) for name in names))
        self.stopped = threading.Event()
        self.pts = 0

    def stop(self) -> None:
        self.stopped.set()

    def run(self) -> None:
        while not self.stopped.wait(0.01):
            self.step()

    def step(self) -> None:
        self.pts += 1
        for name in self.taps:
            self.show(name, self.pts)


@pytest.fixture
def pygame(monkeypatch: pytest.MonkeyPatch) -> Any:
    """pygame with invisible windows."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    return pytest.importorskip("pygame", reason="needs pygame-ce: pip install 'uprez[show]'")


def shown(windows: PreviewWindows, running: Running) -> Any:
    """The contents of the first window after a new pair has come: (H, W, 3), RGB."""
    window = windows.windows[0]
    number = window.pair.number if window.pair else 0
    while window.pair is None or window.pair.number == number:
        running.step()
        windows.poll()
    return np.asarray(surfarray().array3d(window.window.get_surface()).swapaxes(0, 1))


def surfarray() -> Any:
    import pygame.surfarray

    return pygame.surfarray


def is_red(pixel: Any) -> bool:
    return bool(pixel[0] > 200 > pixel[2])


def press(pygame: Any, key: int, window: Any) -> None:
    pygame.event.post(pygame.Event(pygame.KEYDOWN, key=key, window=window.window))


def test_keys_choose_between_the_frames_before_and_after(pygame: Any) -> None:
    running = Running("yard")
    with PreviewWindows(running) as windows:
        (window,) = windows.windows
        assert not is_red(shown(windows, running)[90, 10])
        assert window.window.size == (320, 180)
        press(pygame, pygame.K_SPACE, window)
        assert is_red(shown(windows, running)[90, 10])
        press(pygame, pygame.K_s, window)
        split = shown(windows, running)
        assert is_red(split[90, 10])
        assert not is_red(split[90, 300])
        press(pygame, pygame.K_s, window)
        assert not is_red(shown(windows, running)[90, 10])


def test_the_title_shows_status_and_frame_rate(pygame: Any) -> None:
    running = Running("yard")
    running.streams = (stream("yard", status="waiting", reason="refused"),)
    with PreviewWindows(running) as windows:
        windows.poll()
        assert windows.windows[0].window.title == "yard, waiting: refused, uprez"
        windows.windows[0].update_title(stream("yard"))
        assert windows.windows[0].window.title == "yard, 24.9 fps, uprez"


@pytest.mark.parametrize("key", ["K_q", "K_ESCAPE"])
def test_q_and_escape_stop_the_streams(pygame: Any, key: str) -> None:
    running = Running("yard")

    def work() -> None:
        pygame.event.post(pygame.Event(pygame.KEYDOWN, key=getattr(pygame, key)))
        running.run()

    show(running, work)
    assert running.stopped.is_set()


def test_only_closing_the_last_window_stops_the_streams(pygame: Any) -> None:
    running = Running("yard", "gate")
    with PreviewWindows(running) as windows:
        for left in (1, 0):
            assert not running.stopped.is_set()
            pygame.event.post(pygame.Event(pygame.WINDOWCLOSE, window=windows.windows[0].window))
            windows.poll()
            assert len(windows.windows) == left
        assert running.stopped.is_set()


def test_errors_of_the_work_are_raised(pygame: Any) -> None:
    def work() -> None:
        raise ValueError("the work failed")

    with pytest.raises(ValueError, match="the work failed"):
        show(Running("yard"), work)


def test_the_sample_aspect_ratio_is_applied() -> None:
    pair = FramePair(1, plain(BEFORE, RED, 1), plain(AFTER, BLUE, 1), Fraction(3, 4))
    assert render(pair, "split", 640, 360).shape[:2] == (360, 480)


@pytest.mark.parametrize(("width", "height", "size"), [(640, 360, (360, 640)), (100, 900, (56, 100)), (1, 1, (1, 1))])
def test_a_frame_fits_into_its_window_with_its_aspect_ratio(width: int, height: int, size: tuple[int, int]) -> None:
    pair = FramePair(1, plain(BEFORE, RED, 1), plain(AFTER, BLUE, 1))
    views: tuple[View, ...] = ("after", "before", "split")
    for view in views:
        assert render(pair, view, width, height).shape[:2] == size


def output_without_windows(setting: Callable[[dict[str, str]], object], code: str = "") -> str:
    """The output of a process in which windows can't be opened."""
    environment = {**os.environ}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        environment.pop(name, None)
    setting(environment)
    program = f"""
import sys; {code}
from pipeline.errors import SettingsError
from pipeline.live.window import open_display
try:
    open_display()
except SettingsError as error:
    print(error)
"""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_the_error_without_a_screen_is_one_line() -> None:
    def unreachable(environment: dict[str, str]) -> None:
        environment |= {"SDL_VIDEODRIVER": "x11", "DISPLAY": ":9999"}

    assert "`show`: there is no screen" in output_without_windows(lambda environment: None)
    assert "`show`: there is no screen (" in output_without_windows(
        lambda e: e.update(SDL_VIDEODRIVER="x11", DISPLAY=":9999")
    )


def test_the_error_without_pygame_names_the_command_to_install_it() -> None:
    message = output_without_windows(lambda environment: None, "sys.modules['pygame'] = None")
    assert message == '`show` needs pygame-ce, which is not installed: pip install "uprez[show]"\n'
