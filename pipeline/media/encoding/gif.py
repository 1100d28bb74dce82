"""Frames as GIF has them: each with a palette of its own, of 256 colours, one of which may be that nothing is seen."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.filter import Graph
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import OutputError
from pipeline.media.encoding.encoder import Encoder

_HALF = 128  # of 255: pixels that are less opaque become fully transparent


class GifEncoder(Encoder):
    """Finds a palette for each frame, and feeds one GIF encoder."""

    def __init__(self, path: Path, context: VideoCodecContext, time_base: Fraction, shift: int = 0) -> None:
        super().__init__(path, context, time_base, shift)
        self._graph: Graph | None = None

    def _encode_at(self, pts: int, picture: av.VideoFrame) -> list[av.Packet[Any]]:
        if self._graph is None:
            self._graph = _palettes(picture)
        self._graph.push(picture)
        coded = self._graph.pull()
        if not isinstance(coded, av.VideoFrame):
            raise OutputError(f"{self._path}: no palette could be found")
        return super()._encode_at(pts, coded)


def _palettes(picture: av.VideoFrame) -> Graph:
    graph = Graph()
    frames = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1, 100)
    )
    both = graph.add("split")
    has_alpha = any(component.is_alpha for component in picture.format.components)
    palette = graph.add("palettegen", f"stats_mode=single:reserve_transparent={int(has_alpha)}")
    # Bayer's pattern stands still where the picture does.
    used = graph.add("paletteuse", f"new=1:dither=bayer:bayer_scale=3:alpha_threshold={_HALF}")
    result = graph.add("buffersink")
    frames.link_to(both)
    both.link_to(palette, 0, 0)
    both.link_to(used, 1, 0)
    palette.link_to(used, 0, 1)
    used.link_to(result)
    graph.configure()
    return graph
