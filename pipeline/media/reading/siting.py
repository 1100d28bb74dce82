"""Where the chroma of a stream is sited: PyAV shows no attribute for it, FFmpeg's description of the stream does."""

from __future__ import annotations

import os
import re

import av
import av.logging
from av.video.stream import VideoStream

from pipeline.frame import Siting

_DESCRIBED = re.compile(r"Video: [^\n]*?\(([^()\n]*\b(?:left|center|topleft)\b[^()\n]*)\)")
_NAMES = {siting.value: siting for siting in Siting}


def tagged_siting(stream: VideoStream) -> Siting | None:
    """The chroma location in the tags of `stream`, of which a frame must have been decoded; None if there is none.

    FFmpeg writes "yuv420p(tv, bt709, topleft)", and the location only at its level "verbose".
    """
    level = av.logging.get_level()
    with av.open(os.devnull, "w", format="null") as container:
        container.add_stream_from_template(stream, opaque=True)  # whether or not there is an encoder
        av.logging.set_libav_level(av.logging.VERBOSE)
        av.logging.set_level(av.logging.VERBOSE)
        try:
            described = _DESCRIBED.search(container.dumps_format())  # type: ignore[attr-defined]
        finally:
            av.logging.set_level(level)
            av.logging.set_libav_level(av.logging.INFO)
    words = described[1].split(", ") if described else []
    return next((_NAMES[word] for word in words if word in _NAMES), None)
