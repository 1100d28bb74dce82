"""Interlacing as a stream declares it. The declaration is often wrong: `decoding.interlace.detect` checks frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import av.error
from av.filter import Graph
from av.video.stream import VideoStream

# FFmpeg's AVFieldOrder: TT and TB, BB and BT; the first letter is the field that is displayed first.
_TOP_FIRST, _BOTTOM_FIRST = (2, 4), (3, 5)
# Arguments of libavfilter's "select": output 0 for progressive frames, 1 for top and 2 for bottom field first.
_SELECT_BY_FIELD_ORDER = "e=1+eq(interlace_type\\,TOPFIRST)+2*eq(interlace_type\\,BOTTOMFIRST):n=3"


@dataclass(frozen=True)
class Scan:
    """The declared scan type of a video.

    Attributes:
        interlaced: Its first frame is marked as interlaced.
        top_first: The top field, which has the even rows, is displayed first; None if not declared.
    """

    interlaced: bool = False
    top_first: bool | None = None


def read_scan(stream: VideoStream, first: av.VideoFrame | None) -> Scan:
    """The scan type of `stream`; the marks of its `first` frame take precedence over those of the container."""
    order = stream.codec_context.field_order
    declared = True if order in _TOP_FIRST else False if order in _BOTTOM_FIRST else None
    if first is None or not first.interlaced_frame:
        return Scan(False, declared)
    return Scan(True, _is_top_first(first))


def _is_top_first(frame: av.VideoFrame) -> bool:
    """Return True if the top field of `frame`, which is marked as interlaced, is displayed first.

    PyAV has no attribute for this mark. libavfilter's "select" reads it and chooses an output by it.
    """
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000))
    select = graph.add("select", _SELECT_BY_FIELD_ORDER)
    sinks = [graph.add("buffersink") for _ in range(3)]
    source.link_to(select)
    for output, sink in enumerate(sinks):
        select.link_to(sink, output)
    graph.configure()
    graph.push(frame)
    try:
        sinks[2].pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return True
    return False
