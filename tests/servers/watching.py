"""Watches a stream with minimal delay until it is killed; started by watcher.py.

Prints a line of JSON for each frame, and one with the error's name when the connection is lost.
"""

from __future__ import annotations

import json
import time
from typing import Any

import av
from av.codec.context import Flags

from tests.servers import barcode, program

_RETRY_SECONDS = 0.05


def main() -> None:
    settings = program.settings()
    while True:
        try:
            watch(settings)
            _report(lost="end")
        except (OSError, av.FFmpegError) as error:
            _report(lost=type(error).__name__)
        time.sleep(_RETRY_SECONDS)


def watch(settings: dict[str, Any]) -> None:
    with av.open(settings["address"], format=settings["format"], options=settings["options"]) as container:
        stream = container.streams.video[0]
        stream.codec_context.flags |= Flags.low_delay
        stream.codec_context.thread_type = "SLICE"
        for frame in container.decode(stream):
            at = barcode.now()
            luma = frame.to_ndarray()[: frame.height]
            seconds = None if frame.pts is None else float(frame.pts * stream.time_base)
            _report(at=at, sent=barcode.read(luma), seconds=seconds, size=(frame.width, frame.height))


def _report(**values: Any) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
