"""A child process receives and sends messages, and does not outlive its parent."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from pipeline.live.process.child import Child, ProcessEnded
from pipeline.live.process.messages import SerializedPacket
from tests.servers.server import ROOT
from tests.waiting import DEADLINE, blocked_in, has_ended, in_thread, joined, no_thread_from, until

ECHO = "tests.live.process.echo"


def test_messages_of_any_size_are_sent_both_ways() -> None:
    with Child(ECHO) as child:
        for message in ("hello", {"a": 1}, bytes(5 << 20)):
            child.send(message)
            assert child.receive() == message


def test_printed_text_does_not_disturb_the_messages() -> None:
    with Child(ECHO) as child:
        child.send("print")
        assert child.receive() == "print"


def test_an_exception_in_a_child_is_reported_without_its_message() -> None:
    with Child(ECHO) as child:
        child.send("fail")
        with pytest.raises(ProcessEnded, match=r"KeyError at .*echo\.py:\d+") as caught:
            child.receive()
        assert "secret" not in str(caught.value)


def test_killing_a_child_wakes_a_waiting_receive() -> None:
    with Child(ECHO) as child:
        child.send("sleep")
        thread, outcome = in_thread(child.receive)
        until(lambda: blocked_in(thread, "receive"))
        child.kill()
        joined(thread)
        assert outcome == [ProcessEnded]
        until(lambda: not child.alive)
        with pytest.raises(ProcessEnded):
            child.send("hello")


def test_a_child_that_reads_nothing_can_be_closed() -> None:
    with Child(ECHO) as child:
        child.send("sleep")

        def send_for_ever() -> None:
            while True:
                child.send(bytes(1 << 20))

        thread, outcome = in_thread(send_for_ever)
        child.close(patience=0.05)
        joined(thread)
        assert outcome == [ProcessEnded]


def test_what_a_child_sent_can_be_received_after_its_end() -> None:
    with Child(ECHO) as child:
        for number in range(20):
            child.send(number)
        child.end(DEADLINE)
        assert [child.receive() for _ in range(20)] == list(range(20))
        with pytest.raises(ProcessEnded):
            child.receive()


def test_a_child_can_be_closed_twice() -> None:
    child = Child(ECHO)
    child.close()
    child.close()
    assert not child.alive
    with pytest.raises(ProcessEnded):
        child.send("hello")


def test_a_child_can_be_closed_when_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child(ECHO)
    no_thread_from(monkeypatch, "uprez-close")
    child.close(DEADLINE)
    assert not child.alive
    with pytest.raises(ProcessEnded):
        child.receive()


def test_a_child_ignores_sigint_and_sigterm() -> None:
    with Child(ECHO) as child:
        child.send("hello")
        child.receive()
        os.kill(child.pid, signal.SIGINT)
        os.kill(child.pid, signal.SIGTERM)
        child.send("still here")
        assert child.receive() == "still here"


def test_a_child_ends_when_its_parent_is_killed() -> None:
    program = (
        "import time; from pipeline.live.process.child import Child;"
        f"child = Child({ECHO!r}); print(child.pid, flush=True); time.sleep(1000)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    until(lambda: has_ended(child))


@pytest.mark.parametrize("program", ["pipeline.live.input.demuxer_process", "pipeline.live.output.muxer_process"])
def test_a_child_ends_when_its_parent_is_killed_within_a_message(program: str) -> None:
    message = pickle.dumps(SerializedPacket(0, bytes(1 << 20), 0, 0, 1, True, 0.0))
    with subprocess.Popen([sys.executable, "-m", program], stdin=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdin is not None
        child.stdin.write(message[: len(message) // 2])
        child.stdin.close()
        child.wait(timeout=20)


def test_a_child_does_not_import_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    monkeypatch.chdir(tmp_path)
    with Child("pipeline.live.input.demuxer_process") as child:
        child.send(None)  # tells the demuxer to end
        with pytest.raises(ProcessEnded):
            child.receive()
    with Child(ECHO) as child:
        child.send("hello")
        assert child.receive() == "hello"
