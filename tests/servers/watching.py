"""Watches a stream with as little delay as FFmpeg can, for ever. For watcher.py, which tells it how.

Prints a line of JSON for each picture, and one with an error's name when the stream has gone.
"""

from __future__ import annotations

import json
import time
from typing import Any

import av
from av.codec.context import Flags

from tests.servers import barcode, program

_AGAIN_SECONDS = 0.05


def main() -> None:
    settings = program.settings()
    while True:
        try:
            watch(settings)
            _tell(lost="end")
        except (OSError, av.FFmpegError) as error:
            _tell(lost=type(error).__name__)
        time.sleep(_AGAIN_SECONDS)


def watch(settings: dict[str, Any]) -> None:
    with av.open(settings["address"], format=settings["format"], options=settings["options"]) as container:
        stream = container.streams.video[0]
        stream.codec_context.flags |= Flags.low_delay
        stream.codec_context.thread_type = "SLICE"
        for frame in container.decode(stream):
            at = barcode.now()
            luma = frame.to_ndarray()[: frame.height]
            seconds = None if frame.pts is None else float(frame.pts * stream.time_base)
            _tell(at=at, sent=barcode.read(luma), seconds=seconds, size=(frame.width, frame.height))


def _tell(**seen: Any) -> None:
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main()
