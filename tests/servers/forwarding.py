"""Reads a stream and sends its packets on as they are: a passage without uprez. For forwarder.py, which says how."""

from __future__ import annotations

import time
from typing import Any

import av

from tests.servers import program

_AGAIN_SECONDS = 0.1


def main() -> None:
    settings = program.settings()
    while True:
        try:
            forward(settings["source"], settings["sink"])
        except (OSError, av.FFmpegError) as error:
            print(type(error).__name__, flush=True)
        time.sleep(_AGAIN_SECONDS)


def forward(source: dict[str, Any], sink: dict[str, Any]) -> None:
    """Each: address, format, options."""
    with (
        av.open(source["address"], format=source["format"], options=source["options"]) as given,
        av.open(sink["address"], "w", format=sink["format"], options=sink["options"]) as taken,
    ):
        stream = given.streams.video[0]
        made = taken.add_stream_from_template(stream, opaque=True)
        began = False
        for packet in given.demux(stream):
            began = began or packet.is_keyframe
            if packet.dts is not None and began:
                packet.stream = made
                taken.mux(packet)


if __name__ == "__main__":
    main()
