"""Errors of the network become a kind and a line, in which no address stands."""

import errno
import socket

import av.error
import pytest

from pipeline.live.process.messages import Fault
from pipeline.live.process.network_errors import network_fault

ADDRESS = "rtsp://me:s3cr3t@camera/stream"


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (av.error.HTTPUnauthorizedError, "wrong password"),
        (av.error.HTTPForbiddenError, "wrong password"),
        (av.error.HTTPNotFoundError, "wrong path"),
        (av.error.FileNotFoundError, "wrong path"),
        (av.error.HTTPServerError, "refused"),
        (av.error.HTTPTooManyRequestsError, "refused"),
        (av.error.HTTPOtherClientError, "refused"),
        (av.error.ConnectionRefusedError, "refused"),
        (av.error.PermissionError, "refused"),
        (av.error.TimeoutError, "silent"),
        (av.error.ExitError, "silent"),
        (av.error.EOFError, "ended"),
        (av.error.ConnectionResetError, "ended"),
        (av.error.InvalidDataError, "broken"),
        (av.error.ProtocolNotFoundError, "broken"),
    ],
)
def test_each_error_is_of_a_kind_and_names_no_address(kind: type[av.error.FFmpegError], fault: Fault) -> None:
    error = kind(1, "as FFmpeg says", ADDRESS)
    seen, reason = network_fault(error)
    assert seen == fault
    assert reason
    assert "s3cr3t" not in reason


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EIO, errno.ENODEV])
def test_what_cannot_be_reached_is_unreachable(number: int) -> None:
    assert network_fault(av.error.OSError(number, "away", ADDRESS))[0] == "unreachable"


def test_a_name_that_is_not_known_is_unreachable() -> None:
    assert network_fault(socket.gaierror(-2, "Name or service not known"))[0] == "unreachable"


def test_an_error_that_nobody_foresaw_shows_its_kind_only() -> None:
    assert network_fault(RuntimeError(ADDRESS)) == ("broken", "RuntimeError")
