"""`uprez upscale` that waits at its tenth frame until its job is stopped or aborted.

python -m tests.cli.held_upscale stop|abort ARGUMENT...

It prints "held" when it waits. test_upscale_signals.py ends it by signals, so the job can't end before they arrive.
"""

import itertools
import sys
import threading
from typing import Any

from pipeline.cli.start import main
from pipeline.files.job import Job
from pipeline.superres.cpu.session import OnnxSession

HELD_FRAME = 10


def hold_until(method: str) -> None:
    """Hold the job at its frame HELD_FRAME until `method` of the job was called."""
    released, numbers = threading.Event(), itertools.count(1)
    submit, release = OnnxSession.submit, getattr(Job, method)

    def held_submit(self: OnnxSession, frame: Any) -> Any:
        if next(numbers) == HELD_FRAME:
            print("held", flush=True)
            released.wait()
        return submit(self, frame)

    def releasing(self: Job) -> None:
        release(self)
        released.set()

    OnnxSession.submit = held_submit  # type: ignore[method-assign]  # of this process alone
    setattr(Job, method, releasing)


if __name__ == "__main__":
    hold_until(sys.argv.pop(1))
    sys.argv.insert(1, "upscale")
    main()
