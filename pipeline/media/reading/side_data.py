"""Side data of decoded frames, with workarounds for two defects of PyAV."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.filter import Graph
from av.sidedata.sidedata import Type

from pipeline.media.reading.side_data_kinds import FRAME_KINDS

_CAPTIONED_CODECS = frozenset({"mpeg1video", "mpeg2video", "h264", "hevc", "vvc", "av1"})  # video/mpeg and MPEG's SEI
_ICC_PROFILE: Any = Type.ICC_PROFILE.value
# PyAV returns no side data at all if it does not know the type of one, such as an image's EXIF. It also frees the name
# of a PNG's ICC profile, which FFmpeg frees again, which crashes the process. So these are removed first.
_KNOWN_TYPES: set[Any] = {kind.value for kind in Type}
_HARMFUL_TYPES = [kind for kind in range(len(FRAME_KINDS)) if kind not in _KNOWN_TYPES or kind == _ICC_PROFILE]


def read_side_data(frame: av.VideoFrame, name: str) -> Any:
    """The side data of `frame` that FFmpeg calls AV_FRAME_DATA_`name`, as a buffer; None if it has none.

    ICC profiles can't be read: see `has_side_data`.
    """
    (result,) = _filter(frame, [f"mode=delete:type={kind}" for kind in _HARMFUL_TYPES])
    return result.side_data.get(name)


def read_captions(frame: av.VideoFrame, codec: str) -> bytes:
    """The closed captions of `frame`, as of `Frame.captions`; empty if there are none.

    Args:
        frame: A decoded frame, of any size, in main memory or that of a GPU.
        codec: FFmpeg's name of its codec.
    """
    if codec not in _CAPTIONED_CODECS:
        return b""
    captions: Any
    try:
        captions = frame.side_data.get("A53_CC")
    except ValueError:  # one of its types is not known to PyAV
        captions = None if frame.sw_format else read_side_data(frame, "A53_CC")  # no filter takes frames of a GPU
    return b"" if captions is None else bytes(captions)


def has_side_data(frame: av.VideoFrame, name: str) -> bool:
    """Return True if `frame` has the side data that FFmpeg calls AV_FRAME_DATA_`name`."""
    return bool(_filter(frame, [f"mode=select:type={list(FRAME_KINDS).index(name)}"]))


def _filter(frame: av.VideoFrame, arguments: list[str]) -> list[av.VideoFrame]:
    """Pass `frame` through a chain of FFmpeg's "sidedata" filters: the frame, or nothing if a filter drops it.

    Args:
        frame: The frame.
        arguments: The arguments of each filter of the chain.
    """
    graph = Graph()
    chain = [graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1))]
    chain += [graph.add("sidedata", each) for each in arguments]
    chain.append(graph.add("buffersink"))
    graph.link_nodes(*chain).configure()
    graph.push(frame)
    try:
        return [graph.vpull()]
    except BlockingIOError:  # a filter dropped the frame
        return []
