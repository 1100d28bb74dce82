"""A program that is stuck in one of the ways of HOW, and has a child; tests/cli/test_shutdown.py ends it by signals.

python -m tests.cli.ending_program HOW CODE
"""

import ctypes
import subprocess
import sys
import threading

from pipeline.cli.shutdown import graceful_shutdown


class Running:
    """Something that stops when it is asked to, or only says so."""

    def __init__(self, obeys: bool) -> None:
        self.obeys, self.ended = obeys, threading.Event()

    def stop(self) -> None:
        print("stopped", flush=True)
        if self.obeys:
            self.ended.set()

    def abort(self) -> None:
        print("aborted", flush=True)
        self.ended.set()


def stick(how: str, running: Running) -> None:
    """Wait for the end, or for none: `in a library` is stuck where Python hears of no signal."""
    if how == "in a library":
        ctypes.CDLL(None).pthread_join(ctypes.c_ulong(_other_thread()), None)
    running.ended.wait()


def _other_thread() -> int:
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    thread.start()
    return thread.ident or 0


def main(how: str, code: int, seconds: float) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    running = Running(obeys=how == "obedient")
    with graceful_shutdown(running, lambda: code, seconds):
        print(child.pid, flush=True)
        stick(how, running)
    child.kill()
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
