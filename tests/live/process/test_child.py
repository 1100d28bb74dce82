"""A child takes messages and gives messages, and nothing of it outlives its parent."""

import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from pipeline.live.process.child import Child, ProcessEnded
from pipeline.live.process.messages import SerializedPacket
from tests.servers.server import ROOT
from tests.waiting import until

ECHO = "tests.live.process.echo"


def test_messages_of_any_size_go_both_ways() -> None:
    with Child(ECHO) as child:
        for message in ("hello", {"a": 1}, bytes(5 << 20)):
            child.send(message)
            assert child.receive() == message


def test_what_a_child_prints_is_no_message() -> None:
    with Child(ECHO) as child:
        child.send("print")
        assert child.receive() == "print"


def test_a_bug_in_a_child_is_told_with_its_place_and_without_its_words() -> None:
    with Child(ECHO) as child:
        child.send("fail")
        with pytest.raises(ProcessEnded, match=r"KeyError at .*echo\.py:\d+") as told:
            child.receive()
        assert "secret" not in str(told.value)


def test_who_waits_for_a_child_that_is_killed_is_told() -> None:
    with Child(ECHO) as child:
        child.send("sleep")
        threading.Timer(0.05, child.kill).start()
        with pytest.raises(ProcessEnded):
            child.receive()
        until(lambda: not child.alive)
        with pytest.raises(ProcessEnded):
            child.send("hello")


def test_a_child_that_takes_nothing_blocks_neither_its_killing_nor_its_closing() -> None:
    with Child(ECHO) as child:
        child.send("sleep")
        told = threading.Event()

        def fill() -> None:
            try:
                while True:
                    child.send(bytes(1 << 20))
            except ProcessEnded:
                told.set()

        giver = threading.Thread(target=fill, daemon=True)
        giver.start()
        child.close(patience=0.05)
        until(told.is_set)
        giver.join()


def test_closing_twice_is_no_trouble() -> None:
    child = Child(ECHO)
    child.close()
    child.close()
    assert not child.alive
    with pytest.raises(ProcessEnded):
        child.send("hello")


def test_an_interrupt_is_the_parents_business() -> None:
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
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("program", ["pipeline.live.input.demuxer_process", "pipeline.live.output.muxer_process"])
def test_a_child_ends_when_its_parent_is_killed_amid_a_message(program: str) -> None:
    whole = pickle.dumps(SerializedPacket(0, bytes(1 << 20), 0, 0, 1, True, 0.0))
    with subprocess.Popen([sys.executable, "-m", program], stdin=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdin is not None
        child.stdin.write(whole[: len(whole) // 2])
        child.stdin.close()
        child.wait(timeout=20)


def test_modules_in_the_present_folder_are_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(tmp_path)
    with Child("pipeline.live.input.demuxer_process") as child:
        child.send(None)  # the end, to this one
        with pytest.raises(ProcessEnded):
            child.receive()
    with Child(ECHO) as child:
        child.send("hello")
        assert child.receive() == "hello"
