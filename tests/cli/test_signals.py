"""Commands that have nothing to finish end by SIGTERM and SIGHUP as they do by Ctrl-C."""

import signal
import sys
from collections.abc import Iterator

import pytest

from pipeline.cli.signals import ending_signals, interrupted_by_signals
from tests.cli.conftest import Call
from tests.platforms import SIGNALS_AFTER_CTRL_C

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


@pytest.fixture(autouse=True)
def sighup() -> Iterator[None]:
    """Sets SIGHUP's default, whatever this process inherited."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", SIGNALS_AFTER_CTRL_C)
def test_signal_raises_keyboard_interrupt(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_sighup_that_is_ignored_is_no_ending_signal() -> None:
    assert signal.SIGHUP in ending_signals()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert ending_signals() == [signal.SIGINT, signal.SIGTERM]
    with interrupted_by_signals():
        signal.raise_signal(signal.SIGHUP)


@pytest.mark.parametrize("number", SIGNALS_AFTER_CTRL_C)
def test_command_that_is_interrupted_exits_with_130(
    uprez: Call, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr("pipeline.cli.doctor.examine", lambda: signal.raise_signal(number))
    outcome = uprez("doctor")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")
