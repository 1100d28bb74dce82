"""Classifies the errors that end a connection, or keep one from being made."""

from __future__ import annotations

import errno
import socket

import av.error

from pipeline.live.process.messages import Fault

# What a connection, or an attempt at one, ends with; the first that fits. Messages name no address.
_NETWORK: tuple[tuple[tuple[type[Exception], ...], Fault, str], ...] = (
    (
        (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
        "wrong password",
        "the server doesn't accept this user and password",
    ),
    ((av.error.HTTPNotFoundError, FileNotFoundError), "wrong path", "there is nothing of that name"),
    ((av.error.HTTPError, av.error.HTTPClientError), "refused", "the server answers with an error"),
    ((ConnectionRefusedError,), "refused", "nobody answers at that port"),
    ((PermissionError,), "refused", "this user may not read it"),
    ((TimeoutError, av.error.ExitError), "silent", "it gives no answer"),
    ((EOFError, BrokenPipeError, ConnectionResetError, ConnectionAbortedError), "ended", "it closed the connection"),
    ((av.error.InvalidDataError, av.error.PatchWelcomeError), "broken", "what it sends is no video, or damaged"),
)
_AWAY = "ENODEV ENXIO EIO ENETUNREACH ENETDOWN EHOSTUNREACH EHOSTDOWN EADDRNOTAVAIL".split()
_NO_DEVICE = tuple(getattr(errno, name) for name in _AWAY if hasattr(errno, name))


def network_fault(error: Exception, verified: bool = False) -> tuple[Fault, str]:
    """What kind of fault it was that ended a connection, or kept it from being made, and a line without its address.

    verified: a certificate was asked for; FFmpeg doesn't tell a bad one from a host that isn't there.
    """
    for kinds, fault, reason in _NETWORK:
        if isinstance(error, kinds):
            return fault, reason
    if isinstance(error, socket.gaierror) or getattr(error, "errno", None) in _NO_DEVICE:
        certificate = ", or its certificate is none that --ca-file vouches for" if verified else ""
        return "unreachable", f"it can't be reached, or its name isn't known{certificate}"
    return "broken", _unaddressed(error)


def _unaddressed(error: Exception) -> str:
    """What went wrong, in FFmpeg's or the system's words; the rest of its message may hold the address."""
    return str(getattr(error, "strerror", None) or type(error).__name__).splitlines()[0]
