"""A program that blocks in the way of HOW and has a child process; tests/cli/test_shutdown.py ends it by signals.

python -m tests.cli.shutdown_program HOW CODE SECONDS
"""

import ctypes
import subprocess
import sys
import threading

from pipeline.cli import shutdown
from pipeline.cli.shutdown import ForcedExit, graceful_shutdown
from tests.waiting import DEADLINE


class Work:
    """Work that reports when it is stopped and aborted. If it is not obedient, only aborting ends it."""

    def __init__(self, is_obedient: bool) -> None:
        self.is_obedient = is_obedient
        self.stopped, self.ended = threading.Event(), threading.Event()

    def stop(self) -> None:
        print("stopped", flush=True)
        self.stopped.set()
        if self.is_obedient:
            self.ended.set()

    def abort(self) -> None:
        print("aborted", flush=True)
        self.ended.set()


def block(how: str, work: Work) -> None:
    """Wait until `work` has ended; `in a library` waits for ever, where Python handles no signal."""
    if how == "in a library":
        ctypes.CDLL(None).pthread_join(ctypes.c_ulong(_endless_thread()), None)
    work.ended.wait()


def exit_code(code: int, work: Work) -> int:
    """`code`, once `work` was stopped: on a loaded machine the deadline may come first."""
    work.stopped.wait()
    return code


def _endless_thread() -> int:
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    thread.start()
    return thread.ident or 0


def main(how: str, code: int, seconds: float) -> None:
    shutdown.MESSAGE_SECONDS = DEADLINE  # the message is compared, however late it is printed
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True) as child:
        work = Work(is_obedient=how == "obedient")
        with graceful_shutdown(work, ForcedExit(seconds, lambda: exit_code(code, work))):
            print(child.pid, flush=True)
            block(how, work)
        child.kill()
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
