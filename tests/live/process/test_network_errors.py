"""Errors are classified, and described in one line without the address."""

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
def test_each_error_has_its_fault_and_a_reason_without_address(kind: type[av.error.FFmpegError], fault: Fault) -> None:
    error = kind(1, "as FFmpeg says", ADDRESS)
    found, reason = network_fault(error)
    assert found == fault
    assert reason
    assert "s3cr3t" not in reason


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EIO, errno.ENODEV])
def test_an_unreachable_host_or_device_is_reported_as_such(number: int) -> None:
    assert network_fault(av.error.OSError(number, "message", ADDRESS))[0] == "unreachable"


def test_an_unknown_host_name_is_unreachable() -> None:
    assert network_fault(socket.gaierror(-2, "Name or service not known"))[0] == "unreachable"


def test_an_unexpected_error_shows_its_type_only() -> None:
    assert network_fault(RuntimeError(ADDRESS)) == ("broken", "RuntimeError")
