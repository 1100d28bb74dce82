"""What FFmpeg says about a stream in words: some of it PyAV has no attribute for."""

from __future__ import annotations

import os
import re
from typing import Any

import av
import av.logging
from av.video.stream import VideoStream

from pipeline.frame import Siting

_NAMES = {siting.value: siting for siting in Siting if siting is siting.coded}
_DESCRIBED = re.compile(rf"Video: [^\n]*?\((?:[^()\n]*, )?({'|'.join(_NAMES)})\)")


def describe_stream(stream: Any) -> str:
    """FFmpeg's lines about `stream`, with all that its level "verbose" tells.

    Such as "Video: hevc (Main 10), yuv420p10le(tv, bt709, progressive, topleft), 64x48", and its side data below.
    """
    level = av.logging.get_level()
    with av.open(os.devnull, "w", format="null") as container:
        container.add_stream_from_template(stream, opaque=True)  # whether or not there is an encoder
        av.logging.set_libav_level(av.logging.VERBOSE)
        av.logging.set_level(av.logging.VERBOSE)
        try:
            return str(container.dumps_format())  # type: ignore[attr-defined]
        finally:
            av.logging.set_level(level)
            av.logging.set_libav_level(av.logging.INFO)


def read_siting_tag(stream: VideoStream) -> Siting | None:
    """The chroma location in the tags of `stream`, of which a frame must have been decoded; None if there is none.

    FFmpeg writes "yuv420p(tv, bt709, topleft)", and the location only at its level "verbose".
    """
    described = _DESCRIBED.search(describe_stream(stream))
    return _NAMES[described[1]] if described else None
