"""PreviewWindows: under a screen that isn't there, where there is one, and without."""

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
from pipeline.live.window import PreviewWindows, render, show
from tests.live.web.stand_in import AFTER, BEFORE, BLUE, RED, StandIn, plain, stream

ROOT = Path(__file__).parents[2]


class Running(StandIn):
    """Streams that go on until they are stopped."""

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
    """pygame, whose windows nobody sees."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    return pytest.importorskip("pygame", reason="needs pygame-ce: pip install 'uprez[show]'")


def shown(windows: PreviewWindows, running: Running, index: int = 0) -> Any:
    """What is in a window when a pair has come: (H, W, 3), red first."""
    window = windows._windows[index]
    number = window._pair.number if window._pair else 0
    while window._pair is None or window._pair.number == number:
        running.step()
        windows.poll()
    return np.asarray(picture_of(window))


def picture_of(window: Any) -> Any:
    surface = window._window.get_surface()
    return window._pygame.surfarray.array3d(surface).swapaxes(0, 1)


def is_red(pixel: Any) -> bool:
    return bool(pixel[0] > 200 > pixel[2])


def press(pygame: Any, key: int, window: Any) -> None:
    pygame.event.post(pygame.Event(pygame.KEYDOWN, key=key, window=window._window))


def test_a_window_shows_what_is_after_and_keys_what_is_before_or_both(pygame: Any) -> None:
    running = Running("yard")
    with PreviewWindows(running) as windows:
        (window,) = windows._windows
        assert not is_red(shown(windows, running)[90, 10])
        assert window._window.size == (320, 180)
        press(pygame, pygame.K_SPACE, window)
        assert is_red(shown(windows, running)[90, 10])
        press(pygame, pygame.K_s, window)
        seen = shown(windows, running)
        assert is_red(seen[90, 10])
        assert not is_red(seen[90, 300])
        press(pygame, pygame.K_s, window)
        assert not is_red(shown(windows, running)[90, 10])


def test_the_title_tells_how_it_goes(pygame: Any) -> None:
    running = Running("yard")
    running.streams = (stream("yard", status="waiting", reason="refused"),)
    with PreviewWindows(running) as windows:
        windows.poll()
        assert windows._windows[0]._window.title == "yard, waiting: refused, uprez"
        windows._windows[0].update_title(stream("yard"))
        assert windows._windows[0]._window.title == "yard, 24.9 fps, uprez"


@pytest.mark.parametrize("key", ["K_q", "K_ESCAPE"])
def test_a_key_ends_it(pygame: Any, key: str) -> None:
    running = Running("yard")

    def work() -> None:
        pygame.event.post(pygame.Event(pygame.KEYDOWN, key=getattr(pygame, key)))
        running.run()

    show(running, work)
    assert running.stopped.is_set()


def test_closing_the_last_window_ends_it_and_no_other_does(pygame: Any) -> None:
    running = Running("yard", "gate")
    with PreviewWindows(running) as windows:
        for left in (1, 0):
            assert not running.stopped.is_set()
            pygame.event.post(pygame.Event(pygame.WINDOWCLOSE, window=windows._windows[0]._window))
            windows.poll()
            assert len(windows._windows) == left
        assert running.stopped.is_set()


def test_what_the_work_raises_is_raised(pygame: Any) -> None:
    def work() -> None:
        raise ValueError("the work failed")

    with pytest.raises(ValueError, match="the work failed"):
        show(Running("yard"), work)


def test_samples_that_are_not_square_are_shown_in_their_shape() -> None:
    pair = FramePair(1, plain(BEFORE, RED, 1), plain(AFTER, BLUE, 1), Fraction(3, 4))
    assert render(pair, "split", 640, 360).shape[:2] == (360, 480)


@pytest.mark.parametrize(("width", "height", "size"), [(640, 360, (360, 640)), (100, 900, (56, 100)), (1, 1, (1, 1))])
def test_a_picture_fits_into_its_window_in_its_own_shape(width: int, height: int, size: tuple[int, int]) -> None:
    pair = FramePair(1, plain(BEFORE, RED, 1), plain(AFTER, BLUE, 1))
    for view in ("after", "before", "split"):
        assert render(pair, view, width, height).shape[:2] == size  # type: ignore[arg-type]


def fails_alone(setting: Callable[[dict[str, str]], object], code: str = "") -> str:
    """What a process says in which windows can't be opened."""
    environment = {**os.environ}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        environment.pop(name, None)
    setting(environment)
    program = f"""
import sys; {code}
from pipeline.errors import SettingsError
from pipeline.live.window import _opened
try:
    _opened()
except SettingsError as error:
    print(error)
"""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
def test_a_machine_without_a_screen_is_told_in_a_line() -> None:
    assert "`show`: there is no screen" in fails_alone(lambda environment: None)
    assert "`show`: there is no screen (" in fails_alone(lambda e: e.update(SDL_VIDEODRIVER="x11", DISPLAY=":9999"))


def test_a_missing_package_is_told_with_its_command() -> None:
    said = fails_alone(lambda environment: None, "sys.modules['pygame'] = None")
    assert said == '`show` needs pygame-ce, which is not installed: pip install "uprez[show]"\n'
