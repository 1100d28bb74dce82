"""Reads a stream and forwards its packets unchanged; started by forwarder.py."""

from __future__ import annotations

import time
from typing import Any

import av

from tests.servers import program

_RETRY_SECONDS = 0.1


def main() -> None:
    settings = program.settings()
    while True:
        try:
            forward(settings["source"], settings["sink"])
        except (OSError, av.FFmpegError) as error:
            print(type(error).__name__, flush=True)
        time.sleep(_RETRY_SECONDS)


def forward(source: dict[str, Any], sink: dict[str, Any]) -> None:
    """Forwards until either end disconnects; `source` and `sink` have address, format and options."""
    with (
        av.open(source["address"], format=source["format"], options=source["options"]) as source_container,
        av.open(sink["address"], "w", format=sink["format"], options=sink["options"]) as sink_container,
    ):
        stream = source_container.streams.video[0]
        copy = sink_container.add_stream_from_template(stream, opaque=True)
        began = False
        for packet in source_container.demux(stream):
            began = began or packet.is_keyframe
            if packet.dts is not None and began:
                packet.stream = copy
                sink_container.mux(packet)


if __name__ == "__main__":
    main()
