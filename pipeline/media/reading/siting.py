"""Where the chroma of a stream is sited: PyAV shows no attribute for it, FFmpeg's description of the stream does."""

from __future__ import annotations

import re

from av.video.stream import VideoStream

from pipeline.frame import Siting
from pipeline.media.reading.description import description

_NAMES = {siting.value: siting for siting in Siting if siting is siting.coded}
_DESCRIBED = re.compile(rf"Video: [^\n]*?\((?:[^()\n]*, )?({'|'.join(_NAMES)})\)")


def tagged_siting(stream: VideoStream) -> Siting | None:
    """The chroma location in the tags of `stream`, of which a frame must have been decoded; None if there is none.

    FFmpeg writes "yuv420p(tv, bt709, topleft)", and the location only at its level "verbose".
    """
    described = _DESCRIBED.search(description(stream))
    return _NAMES[described[1]] if described else None
