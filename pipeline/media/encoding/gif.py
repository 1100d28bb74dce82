"""The stage that encodes GIF: each frame gets a palette of its own, of 256 colours, one of them transparent."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import OutputError
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.reading.source import Packet

_OPAQUE_FROM = 128  # of 255; less opaque pixels become fully transparent
_TICK = Fraction(1, 100)  # GIF's time base, in seconds


class GifEncoder(Encoder):
    """Finds a palette for each frame, and encodes the frame with it."""

    def __init__(self, path: Path, context: VideoCodecContext, time_base: Fraction, shift: int = 0) -> None:
        """The arguments are those of Encoder."""
        super().__init__(path, context, time_base, shift)
        self._graph: Graph | None = None

    def _encode_at(self, pts: int, frame: av.VideoFrame) -> list[Packet]:
        if self._graph is None:
            self._graph = _palette_graph(frame)
        self._graph.push(frame)
        quantized = self._graph.pull()
        if not isinstance(quantized, av.VideoFrame):
            raise OutputError(f"{self._path}: FFmpeg's filter paletteuse returned no frame: please report it")
        return super()._encode_at(pts, quantized)


def _palette_graph(frame: av.VideoFrame) -> Graph:
    """The filter graph split, palettegen, paletteuse for frames like `frame`."""
    graph = Graph()
    frames = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_TICK)
    copies = graph.add("split")
    has_alpha = any(component.is_alpha for component in frame.format.components)
    palette = graph.add("palettegen", f"stats_mode=single:reserve_transparent={int(has_alpha)}")
    # Bayer's dither pattern is steady where the frames are; error diffusion would flicker.
    quantized = graph.add("paletteuse", f"new=1:dither=bayer:bayer_scale=3:alpha_threshold={_OPAQUE_FROM}")
    sink = graph.add("buffersink")
    frames.link_to(copies)
    copies.link_to(palette, 0, 0)
    copies.link_to(quantized, 1, 0)
    palette.link_to(quantized, 0, 1)
    quantized.link_to(sink)
    graph.configure()
    return graph
