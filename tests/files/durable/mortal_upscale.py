"""`uprez upscale` with short segments that kills itself, as kill -9 does, at its Nth write of any kind.

python -m tests.files.durable.mortal_upscale N SEGMENT_FRAMES ARGUMENT...

Writes are packets into segments and into the output, synchronisations with the disk, and renames: between any two of
them the files have another state. With N = 0 it lives, and its last line says how many writes there were.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from pipeline.cli.main import main
from pipeline.files.durable import segmenting
from pipeline.media.segments.segment_file import SegmentWriter
from pipeline.media.writing.file_sink import FileSink

_writes = itertools.count(1)


def mortal(function: Callable[..., Any], last: int) -> Callable[..., Any]:
    """`function`, whose calls are counted; the process dies at the call `last`, before it."""

    def call(*arguments: Any, **named: Any) -> Any:
        if next(_writes) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)

    return call


def make_mortal(last: int) -> None:
    for owner, name in ((SegmentWriter, "_write"), (FileSink, "feed"), (os, "fsync"), (os, "replace")):
        setattr(owner, name, mortal(getattr(owner, name), last))


if __name__ == "__main__":
    make_mortal(int(sys.argv.pop(1)))
    segmenting._CPU_FRAMES = int(sys.argv.pop(1))
    sys.argv.insert(1, "upscale")
    try:
        main()
    finally:
        print(f"writes: {next(_writes) - 1}")
