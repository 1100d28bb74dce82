"""What may come back is tried for ever; what is refused isn't."""

import pytest

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import InputError, RefusedError
from pipeline.live.input.reconnect import ReconnectPolicy
from pipeline.live.process.messages import ConnectionLost, Fault

ADDRESS = "rtsp://me:secret@camera/stream"


def retries(tries: int = 4) -> ReconnectPolicy:
    return ReconnectPolicy(StreamSettings(source=ADDRESS, tries=tries))


def lost(fault: Fault) -> ConnectionLost:
    return ConnectionLost(fault, "so it is")


@pytest.mark.parametrize("fault", ["unreachable", "refused", "silent", "ended", "broken", "changed"])
def test_a_server_that_is_away_is_tried_for_ever(fault: Fault) -> None:
    source = retries()
    assert {source.wait(lost(fault), ADDRESS) for _ in range(100)} == {0.5}


def test_a_wrong_password_is_tried_ever_more_rarely_and_then_no_more() -> None:
    source = retries(6)
    assert [source.wait(lost("wrong password"), ADDRESS) for _ in range(5)] == [1, 2, 4, 8, 8]
    with pytest.raises(RefusedError, match=r"^rtsp://@?camera/stream: so it is \(tried 6 times\): give the right ones"):
        source.wait(lost("wrong password"), ADDRESS)


def test_another_password_is_tried_afresh() -> None:
    source = retries(2)
    for password in "abcdef":
        assert source.wait(lost("wrong password"), f"rtsp://me:{password}@camera/stream") == 1


def test_a_wrong_path_ends_what_never_was_live() -> None:
    source = retries(3)
    assert [source.wait(lost("wrong path"), ADDRESS) for _ in range(2)] == [1, 1]
    with pytest.raises(InputError, match="so it is"):
        source.wait(lost("wrong path"), ADDRESS)


def test_a_path_that_was_there_may_come_back() -> None:
    source = retries(1)
    source.succeeded()
    assert {source.wait(lost("wrong path"), ADDRESS) for _ in range(10)} == {0.5}


def test_a_success_forgives_what_was_refused_before() -> None:
    source = retries(2)
    for _ in range(5):
        assert source.wait(lost("wrong password"), ADDRESS) == 1
        source.succeeded()
