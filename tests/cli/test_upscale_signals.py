"""A signal stops `uprez upscale` whenever it arrives: no part of a call ignores it."""

import json
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.files.job import Job
from tests import clips
from tests.cli.conftest import Call
from tests.cli.held_upscale import HELD_FRAME
from tests.platforms import ENDING_SIGNALS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")

FAST = ("--model", "identity", "--backend", "onnx", "--preset", "ultrafast")
START = "tests.cli.held_upscale"

Hold = Callable[[str], "subprocess.Popen[str]"]
Interrupt = Callable[[str], None]


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    """Starts a job of 40 frames that waits at its tenth until its method of that name is called."""
    source = clips.make(tmp_path / "long.mp4", frames=40)
    started: list[subprocess.Popen[str]] = []

    def begin(method: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", START, method, str(source), *FAST],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # it may be inherited as ignored
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n", process.communicate()
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("kind", ENDING_SIGNALS)
def test_first_signal_leaves_a_playable_part(hold: Hold, tmp_path: Path, kind: signal.Signals) -> None:
    process = hold("stop")
    process.send_signal(kind)
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert "stopped before the end" in out
    assert len(clips.shades(tmp_path / "long.x1.partial.mkv")) == HELD_FRAME
    assert not (tmp_path / "long.x1.mkv").exists()


def test_second_signal_aborts_the_job(hold: Hold, tmp_path: Path) -> None:
    process = hold("abort")
    process.send_signal(signal.SIGINT)
    assert process.stderr
    assert "press Ctrl-C again to abort" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert {path.name for path in tmp_path.iterdir()} == {"long.mp4"}


def test_terminal_that_is_closed_leaves_a_playable_part(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "long.mp4", frames=40)
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", START, "stop", str(source), *FAST],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=lead_session,
    )
    os.close(slave)
    shown = b""
    while b"held" not in shown:
        shown += os.read(master, 4096)
    os.close(master)  # sends SIGHUP, and whatever is printed raises an error
    assert process.wait(timeout=50) == 130
    assert len(clips.shades(tmp_path / "long.x1.partial.mkv")) == HELD_FRAME


def test_reader_of_messages_that_has_ended_does_not_end_the_job(hold: Hold, tmp_path: Path) -> None:
    process = hold("stop")
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    process.stderr.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=50) == 130
    assert len(clips.shades(tmp_path / "long.x1.partial.mkv")) == HELD_FRAME


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_messages_for_a_full_disk_do_not_end_the_job(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "clip.mp4", frames=12)
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "pipeline", "upscale", str(source), *FAST]
        assert subprocess.run(command, stdout=full, stderr=full, timeout=50).returncode == 0
    assert len(clips.shades(tmp_path / "clip.x1.mkv")) == 12


def lead_session() -> None:
    """Make this process the leader of a session, whose terminal is standard input."""
    import fcntl
    import termios

    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class TestMoment:
    """The signal is raised at a certain moment of the call, which goes on once the job was stopped."""

    @pytest.fixture(autouse=True)
    def handlers(self) -> Iterator[None]:
        """Sets the handlers that a process starts with, whatever this one inherited."""
        numbers = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
        before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
        signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    def test_signal_while_a_frame_is_upscaled(self, uprez: Call, clip: Path, interrupt_at: Interrupt) -> None:
        interrupt_at("pipeline.superres.cpu.session.OnnxSession.submit")
        ended = uprez("upscale", clip, *FAST, "--json")
        (stopped,) = json.loads(ended.out)["stopped"]
        assert (ended.code, stopped["complete"], stopped["frames_out"]) == (130, False, 1)

    @pytest.fixture
    def interrupt_at(self, monkeypatch: pytest.MonkeyPatch) -> Interrupt:
        """Raises SIGTERM at the first call of the function of that name, and waits until the job is stopped."""
        stopped, stop = threading.Event(), Job.stop

        def noted_stop(job: Job) -> None:
            stop(job)
            stopped.set()

        def interrupt(name: str) -> None:
            original = pkgutil.resolve_name(name)

            def interrupted(*args: Any, **options: Any) -> Any:
                if not stopped.is_set():
                    signal.raise_signal(signal.SIGTERM)
                    stopped.wait()
                return original(*args, **options)

            monkeypatch.setattr(name, interrupted)

        monkeypatch.setattr(Job, "stop", noted_stop)
        return interrupt

    def test_signal_while_planning_leaves_no_file(self, uprez: Call, clip: Path, interrupt_at: Interrupt) -> None:
        interrupt_at("pipeline.cli.batch.make_plan")
        ended = uprez("upscale", clip, *FAST, "--json")
        assert (ended.code, json.loads(ended.out)["done"], ended.err) == (130, [], "")
        assert list(clip.parent.iterdir()) == [clip]

    def test_signal_while_handlers_are_installed_leaves_no_file(
        self, uprez: Call, clip: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        original = signal.set_wakeup_fd

        def interrupted(fd: int, **options: bool) -> int:
            before = original(fd, **options)
            if fd != -1:
                signal.raise_signal(signal.SIGTERM)
            return before

        monkeypatch.setattr(signal, "set_wakeup_fd", interrupted)
        ended = uprez("upscale", clip, *FAST, "--json")
        assert (ended.code, json.loads(ended.out)["done"], ended.err) == (130, [], "")
        assert list(clip.parent.iterdir()) == [clip]
        assert original(-1) == -1

    @pytest.mark.parametrize("function", ["open_source", "open_sink", "open_session", "_JobPipeline"])
    def test_signal_before_the_pipeline_starts_leaves_no_file(
        self, uprez: Call, clip: Path, interrupt_at: Interrupt, function: str
    ) -> None:
        interrupt_at(f"pipeline.files.job.{function}")
        ended = uprez("upscale", clip, *FAST, "--json")
        (failed,) = json.loads(ended.out)["failed"]
        assert ended.code == 130
        assert "stopped before the first frame; nothing was written" in failed["error"]
        assert list(clip.parent.iterdir()) == [clip]

    def test_signal_between_two_jobs_leaves_out_the_second(
        self, uprez: Call, clip: Path, tmp_path: Path, interrupt_at: Interrupt
    ) -> None:
        other = shutil.copy(clip, tmp_path / "other.mp4")
        interrupt_at("pipeline.cli.batch.Status.end")
        ended = uprez("upscale", clip, other, "--to", tmp_path / "out", *FAST, "--json")
        (done,) = json.loads(ended.out)["done"]
        assert (ended.code, done["complete"]) == (130, True)
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip.x1.mkv"]

    def test_signal_after_the_last_frame_leaves_a_complete_output(
        self, uprez: Call, clip: Path, interrupt_at: Interrupt
    ) -> None:
        interrupt_at("pipeline.files.commit.check_packets")
        ended = uprez("upscale", clip, *FAST, "--json")
        (done,) = json.loads(ended.out)["done"]
        assert (ended.code, done["complete"], done["frames_out"]) == (130, True, 12)
