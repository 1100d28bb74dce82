"""The policy of reconnecting to a lost or unreachable source, and of giving it up."""

from __future__ import annotations

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import InputError, RefusedError
from pipeline.flow.backoff import Backoff
from pipeline.live.process.messages import ConnectionLost, Fault

_FINAL: tuple[Fault, ...] = ("wrong password", "wrong path")
_ADVICE = {
    "wrong password": "give the right ones, as rtsp://USER:PASSWORD@..., with ${NAME} or ${file:/a/path} for a secret",
    "wrong path": "check its name; for a camera the path is in its manual",
}
_FIRST_PASSWORD_WAIT = 1.0  # seconds
_LONGEST_PASSWORD_WAIT = 8.0  # seconds; cameras lock out clients that try too often
_WRONG_PATH_WAIT = 1.0  # seconds


class ReconnectPolicy:
    """Waits between attempts, without end for faults that may pass, with a limit for those that stay.

    A wrong password or path ends the stream after `tries` attempts. A wrong path does so only if the source never was
    live, as servers are back before their paths are. When the address has changed since the last attempt, because a
    file with the password did, counting starts again.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self._source, self._tries = str(settings.source), settings.tries
        self._backoff = Backoff(settings.poll, settings.poll_for, settings.longest_wait)
        self._password_backoff = Backoff.doubling(_FIRST_PASSWORD_WAIT, _LONGEST_PASSWORD_WAIT)
        self._was_live = False
        self._refusals = 0
        self._address = ""

    def succeeded(self) -> None:
        """Note that video came."""
        self._was_live = True
        self._backoff.reset()
        self._reset_refusals()

    def wait(self, lost: ConnectionLost, address: str) -> float:
        """The seconds to wait after an attempt at `address` ended with `lost`.

        Raises:
            RefusedError: the password was refused `tries` times.
            InputError: the path was wrong `tries` times.
        """
        if lost.fault not in _FINAL or (lost.fault == "wrong path" and self._was_live):
            return self._backoff.wait()
        if address != self._address:
            self._address = address
            self._reset_refusals()
        self._refusals += 1
        if self._refusals >= self._tries:
            kind = RefusedError if lost.fault == "wrong password" else InputError
            raise kind(f"{self._source}: {lost.reason} (tried {self._tries} times): {_ADVICE[lost.fault]}")
        wait = self._password_backoff.wait()
        return wait if lost.fault == "wrong password" else _WRONG_PATH_WAIT

    def _reset_refusals(self) -> None:
        self._refusals = 0
        self._password_backoff.reset()
