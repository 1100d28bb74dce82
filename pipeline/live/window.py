"""Shows running streams in windows, one for each.

Some systems allow windows in the main thread only, so the streams run in another one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SettingsError
from pipeline.flow.closing import Closing
from pipeline.live.display import fit_size, to_bgr
from pipeline.live.preview import FramePair, Tap
from pipeline.live.stats import LiveFigures, StreamFigures

View = Literal["after", "before", "split"]

_FIRST_SIZE = (640, 360)  # of a window before the first frame
_DESKTOP_SHARE = 0.8
_WAIT_SECONDS = 0.02  # for a frame, before keys are polled again
_TITLE_SECONDS = 1.0
_INVISIBLE = ("dummy", "offscreen")  # drivers that SDL falls back to


class WindowSource(Protocol):
    """The source of preview windows, such as a Live: its figures and frames."""

    taps: dict[str, Tap]

    def figures(self) -> LiveFigures: ...
    def stop(self) -> None: ...


def show(live: WindowSource, work: Callable[[], None]) -> None:
    """Call `work`, which runs `live`, in another thread, with windows open until it ends. For the main thread.

    Raises SettingsError if there is no screen or pygame is missing, and the errors of `work`.
    """
    with PreviewWindows(live) as windows, ThreadPoolExecutor(1, "uprez-show") as worker:
        working = worker.submit(work)
        try:
            while not working.done():
                windows.poll()
        finally:
            live.stop()
        working.result()


class PreviewWindows(Closing):
    """A window for each stream of `live`. For one thread. Raises the errors of `show`.

    Keys: the space bar toggles between the frame after and before upscaling, s shows both halves; q, Escape and closing
    the last window stop `live`.

    Attributes:
        windows: The open windows.
    """

    def __init__(self, live: WindowSource) -> None:
        self._pygame = open_display()
        self._live = live
        self._title_updated = float("-inf")
        self.windows = [PreviewWindow(name, tap, self._pygame) for name, tap in live.taps.items()]

    def poll(self) -> None:
        """Show new frames and handle events; waits for a moment if there are none."""
        for event in self._pygame.event.get():
            self._handle(event)
        for window in self.windows:
            window.draw(_WAIT_SECONDS / len(self.windows))
        if not self.windows:
            time.sleep(_WAIT_SECONDS)
        elif time.monotonic() - self._title_updated > _TITLE_SECONDS:
            self._title_updated = time.monotonic()
            figures = {stream.name: stream for stream in self._live.figures().streams}
            for window in self.windows:
                window.update_title(figures[window.name])

    def close(self) -> None:
        while self.windows:
            self.windows.pop().close()
        self._pygame.display.quit()

    def _handle(self, event: Any) -> None:
        pygame = self._pygame
        if event.type == pygame.QUIT:
            self._live.stop()
        elif event.type == pygame.WINDOWCLOSE:
            for window in [window for window in self.windows if window.is_of(event)]:
                self.windows.remove(window)
                window.close()
            if not self.windows:
                self._live.stop()
        elif event.type == pygame.KEYDOWN and event.key in (pygame.K_q, pygame.K_ESCAPE):
            self._live.stop()
        elif event.type == pygame.KEYDOWN and event.key in (pygame.K_SPACE, pygame.K_s):
            view: View = "before" if event.key == pygame.K_SPACE else "split"
            for window in [window for window in self.windows if window.is_of(event)]:
                window.toggle(view)


class PreviewWindow:
    """The window of one stream.

    Attributes:
        name: The name of the stream.
        window: The window of pygame.
        pair: The frames that it shows; None before the first.
    """

    def __init__(self, name: str, tap: Tap, pygame: Any) -> None:
        self.name = name
        self._tap, self._pygame = tap, pygame
        self.window = pygame.Window(f"{name}, uprez", _FIRST_SIZE, resizable=True)
        self._view: View = "after"
        self.pair: FramePair | None = None
        self._drawn: tuple[Any, ...] = ()

    def draw(self, wait: float) -> None:
        """Draw the newest frame, unless the window shows it already with this view and size."""
        pair = self._tap.pair(self.pair.number if self.pair else 0, wait, interval=0.0)
        if pair is not None:
            if self.pair is None:
                self._fit(pair)
            self.pair = pair
        if self.pair is None:
            return
        current = self.pair.number, self._view, self.window.size
        if current != self._drawn:
            self._blit(render(self.pair, self._view, *self.window.size))
            self._drawn = current

    def toggle(self, view: View) -> None:
        """Show `view`, or the frame after upscaling if `view` is shown already."""
        self._view = "after" if self._view == view else view

    def update_title(self, figures: StreamFigures) -> None:
        """Show name, frame rate and status."""
        text = f"{figures.rate_out:.1f} fps" if figures.status == "live" else f"{figures.status}: {figures.reason}"
        self.window.title = f"{self.name}, {text.removesuffix(': ')}, uprez"

    def is_of(self, event: Any) -> bool:
        """True if `event` happened in this window."""
        return getattr(event, "window", None) is self.window

    def close(self) -> None:
        self.window.destroy()

    def _fit(self, pair: FramePair) -> None:
        """Make the window as large as the frame, unless the screen is smaller."""
        width, height = (int(_DESKTOP_SHARE * side) for side in self._pygame.display.get_desktop_sizes()[0])
        self.window.size = fit_size(pair.after.format, pair.aspect, width, height)
        self.window.position = self._pygame.WINDOWPOS_CENTERED

    def _blit(self, samples: NDArray[np.uint8]) -> None:
        height, width, _ = samples.shape
        surface = self.window.get_surface()
        surface.fill((0, 0, 0))
        image = self._pygame.image.frombuffer(samples.tobytes(), (width, height), "BGR")
        surface.blit(image, ((surface.get_width() - width) // 2, (surface.get_height() - height) // 2))
        self.window.flip()


def render(pair: FramePair, view: View, width: int, height: int) -> NDArray[np.uint8]:
    """Draw `pair` for a window of that size, with the aspect ratio of the frame: 8-bit BGR of shape (H, W, 3)."""
    format, wide = pair.after.format, float(pair.after.format.width * pair.aspect)
    grow = min(width / wide, height / format.height)
    size = max(1, round(wide * grow)), max(1, round(format.height * grow))
    if view != "split":
        return to_bgr(pair.before if view == "before" else pair.after, *size)
    split, middle = to_bgr(pair.after, *size), size[0] // 2
    split[:, :middle] = to_bgr(pair.before, *size)[:, :middle]
    split[:, middle : middle + 2] = 255
    return split


def open_display() -> Any:
    """pygame, with a screen. Raises SettingsError."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")  # the command line handles Ctrl-C
    try:
        import pygame
    except ImportError as error:
        raise SettingsError('`show` needs pygame-ce, which is not installed: pip install "uprez[show]"') from error
    try:
        pygame.display.init()
    except pygame.error as error:
        raise SettingsError(f"`show`: there is no screen ({error}); `page` shows it in a browser") from error
    driver = pygame.display.get_driver()
    if driver in _INVISIBLE and os.environ.get("SDL_VIDEODRIVER") != driver:
        pygame.display.quit()
        raise SettingsError("`show`: there is no screen; `page` 127.0.0.1:8080 shows it in a browser")
    return pygame
