"""FFmpeg's textual description of a stream, which has some facts that PyAV has no attribute for."""

from __future__ import annotations

import os
import re
from typing import Any

import av
import av.logging
from av.video.stream import VideoStream

from pipeline.frame import Siting

_SITINGS = {siting.value: siting for siting in Siting if siting is siting.coded}
_SITING_PATTERN = re.compile(rf"Video: [^\n]*?\((?:[^()\n]*, )?({'|'.join(_SITINGS)})\)")


def describe_stream(stream: Any) -> str:
    """FFmpeg's lines about `stream` at log level "verbose".

    For example "Video: hevc (Main 10), yuv420p10le(tv, bt709, progressive, topleft), 64x48", followed by its side
    data.
    """
    level = av.logging.get_level()
    with av.open(os.devnull, "w", format="null") as container:
        container.add_stream_from_template(stream, opaque=True)  # opaque: no encoder is needed
        av.logging.set_libav_level(av.logging.VERBOSE)
        av.logging.set_level(av.logging.VERBOSE)
        try:
            return str(container.dumps_format())  # type: ignore[attr-defined]  # missing from the stub
        finally:
            av.logging.set_level(level)
            av.logging.set_libav_level(av.logging.INFO)


def read_siting_tag(stream: VideoStream) -> Siting | None:
    """The chroma location in the tags of `stream`, of which a frame must have been decoded; None if there is no tag."""
    match = _SITING_PATTERN.search(describe_stream(stream))
    return _SITINGS[match[1]] if match else None
