"""When a source that was lost, or never came, is tried again, and when it isn't any more."""

from __future__ import annotations

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import InputError, RefusedError
from pipeline.flow.backoff import Backoff
from pipeline.live.process.messages import Fault, Lost

_REFUSALS: tuple[Fault, ...] = ("wrong password", "wrong path")
_ADVICE = {
    "wrong password": "give the right ones, as rtsp://USER:PASSWORD@..., with ${NAME} or ${file:/a/path} for a secret",
    "wrong path": "check its name, or for a camera what follows the host, which its manual tells",
}
_LONGEST_WAIT = 8.0  # seconds between tries with a password: cameras lock out those who try too often


class Retries:
    """Waits as Backoff's, endless; but what a server refuses, it will refuse again, so that ends after a few tries.

    A wrong path ends only what never was live: servers come back before their paths do. A password is tried afresh
    where it is another one than at the last try.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self._source, self._tries = str(settings.source), settings.tries
        self._backoff = Backoff(settings.poll, settings.poll_for, settings.longest_wait)
        self._was_live = False
        self._refusals = 0
        self._address = ""

    def succeeded(self) -> None:
        """Video came."""
        self._was_live = True
        self._refusals = 0
        self._backoff.reset()

    def wait(self, lost: Lost, address: str) -> float:
        """Seconds to wait, after a try at `address` ended so.

        Raises InputError when there is no use in another, RefusedError where that is for a password.
        """
        if lost.fault not in _REFUSALS or (lost.fault == "wrong path" and self._was_live):
            return self._backoff.wait()
        if address != self._address:
            self._address, self._refusals = address, 0
        self._refusals += 1
        if self._refusals >= self._tries:
            kind = RefusedError if lost.fault == "wrong password" else InputError
            raise kind(f"{self._source}: {lost.reason} (tried {self._tries} times): {_ADVICE[lost.fault]}")
        return min(2.0 ** (self._refusals - 1), _LONGEST_WAIT) if lost.fault == "wrong password" else 1.0
