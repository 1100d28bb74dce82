"""Faults that may pass are retried without end; refusals are not."""

import pytest

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import InputError, RefusedError
from pipeline.live.input.reconnect import ReconnectPolicy
from pipeline.live.process.messages import ConnectionLost, Fault

ADDRESS = "rtsp://me:secret@camera/stream"


def policy(tries: int = 4) -> ReconnectPolicy:
    return ReconnectPolicy(StreamSettings(source=ADDRESS, tries=tries))


def lost(fault: Fault) -> ConnectionLost:
    return ConnectionLost(fault, "refused")


@pytest.mark.parametrize("fault", ["unreachable", "refused", "silent", "ended", "broken", "changed"])
def test_a_server_that_is_disconnected_is_tried_without_end(fault: Fault) -> None:
    retries = policy()
    assert {retries.wait(lost(fault), ADDRESS) for _ in range(100)} == {0.5}


def test_a_wrong_password_is_tried_at_growing_intervals_and_given_up() -> None:
    retries = policy(6)
    assert [retries.wait(lost("wrong password"), ADDRESS) for _ in range(5)] == [1, 2, 4, 8, 8]
    with pytest.raises(RefusedError, match=r"^rtsp://@?camera/stream: refused \(tried 6 times\): give the right ones"):
        retries.wait(lost("wrong password"), ADDRESS)


def test_another_password_starts_with_the_shortest_wait() -> None:
    retries = policy(2)
    for password in "abcdef":
        assert retries.wait(lost("wrong password"), f"rtsp://me:{password}@camera/stream") == 1


def test_a_wrong_path_ends_a_source_that_never_was_live() -> None:
    retries = policy(3)
    assert [retries.wait(lost("wrong path"), ADDRESS) for _ in range(2)] == [1, 1]
    with pytest.raises(InputError, match="refused"):
        retries.wait(lost("wrong path"), ADDRESS)


def test_a_path_that_existed_before_is_tried_without_end() -> None:
    retries = policy(1)
    retries.succeeded()
    assert {retries.wait(lost("wrong path"), ADDRESS) for _ in range(10)} == {0.5}


def test_a_success_resets_the_count_of_refusals() -> None:
    retries = policy(2)
    for _ in range(5):
        assert retries.wait(lost("wrong password"), ADDRESS) == 1
        retries.succeeded()
