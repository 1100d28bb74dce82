"""Classifies the errors that end a connection or prevent one."""

from __future__ import annotations

import errno
import socket

import av.error

from pipeline.live.process.messages import Fault

# The first entry that matches an error counts. Messages contain no address.
_NETWORK: tuple[tuple[tuple[type[Exception], ...], Fault, str], ...] = (
    (
        (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
        "wrong password",
        "the server does not accept this user name and password",
    ),
    ((av.error.HTTPNotFoundError, FileNotFoundError), "wrong path", "the server has nothing at that path"),
    ((av.error.HTTPError, av.error.HTTPClientError), "refused", "the server answered with an error"),
    ((ConnectionRefusedError,), "refused", "connection refused: no server at that port"),
    ((PermissionError,), "refused", "permission denied"),
    ((TimeoutError, av.error.ExitError), "silent", "no answer"),
    (
        (EOFError, BrokenPipeError, ConnectionResetError, ConnectionAbortedError),
        "ended",
        "the connection was closed by the other side",
    ),
    ((av.error.InvalidDataError, av.error.PatchWelcomeError), "broken", "the data is not video, or is damaged"),
)
_UNREACHABLE_ERRNOS = "ENODEV ENXIO EIO ENETUNREACH ENETDOWN EHOSTUNREACH EHOSTDOWN EADDRNOTAVAIL".split()
_UNREACHABLE = tuple(getattr(errno, name) for name in _UNREACHABLE_ERRNOS if hasattr(errno, name))


def network_fault(error: Exception, verified: bool = False) -> tuple[Fault, str]:
    """The kind of failure, and one line for the user without the address.

    Args:
        error: What ended the connection or prevented it.
        verified: True if the server's certificate was checked. FFmpeg does not distinguish a bad certificate from a
            host that does not exist.
    """
    for kinds, fault, reason in _NETWORK:
        if isinstance(error, kinds):
            return fault, reason
    if isinstance(error, socket.gaierror) or getattr(error, "errno", None) in _UNREACHABLE:
        certificate = ", or its certificate is not signed by `ca_file`" if verified else ""
        return "unreachable", f"the host can't be reached, or its name is unknown{certificate}"
    return "broken", _without_address(error)


def _without_address(error: Exception) -> str:
    """The message of FFmpeg or the system only; the rest of the exception's text may contain the address."""
    return str(getattr(error, "strerror", None) or type(error).__name__).splitlines()[0]
