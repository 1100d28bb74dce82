"""What a video says of its pictures: seen at once, or as two fields, the even rows at one time and the odd at another.

It is often wrong. What the pictures themselves show, `media/decoding/interlace/detect.py` finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import av.error
from av.filter import Graph
from av.video.stream import VideoStream

# FFmpeg's AVFieldOrder: TT and TB, BB and BT. It writes, and reads, the field that is shown first as the first letter.
_TOP_FIRST, _BOTTOM_FIRST = (2, 4), (3, 5)
_ASKED = "e=1+eq(interlace_type\\,TOPFIRST)+2*eq(interlace_type\\,BOTTOMFIRST):n=3"


@dataclass(frozen=True)
class Scan:
    """interlaced: its first picture is marked as two fields. top_first: whether that of the even rows was seen first;
    None: it does not say.
    """

    interlaced: bool = False
    top_first: bool | None = None


def read_scan(stream: VideoStream, first: av.VideoFrame | None) -> Scan:
    """What `stream` says, and its `first` picture, which has the last word."""
    order = stream.codec_context.field_order
    told = True if order in _TOP_FIRST else False if order in _BOTTOM_FIRST else None
    if first is None or not first.interlaced_frame:
        return Scan(False, told)
    return Scan(True, _top_first(first))


def _top_first(picture: av.VideoFrame) -> bool:
    """Whether the even rows of a `picture` that is marked as interlaced were seen first.

    PyAV shows no such mark; libavfilter's "select" does, by the way out that it lets a picture take.
    """
    graph = Graph()
    entry = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1, 1000)
    )
    asked = graph.add("select", _ASKED)
    exits = [graph.add("buffersink") for _ in range(3)]
    entry.link_to(asked)
    for place, way in enumerate(exits):
        asked.link_to(way, place)
    graph.configure()
    graph.push(picture)
    try:
        exits[2].pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return True
    return False
