"""What a decoder says about a frame beside its samples."""

from __future__ import annotations

from typing import Any

import av
from av.filter import Graph
from av.sidedata.sidedata import Type

_NEWEST = 31  # AV_FRAME_DATA_EXIF of FFmpeg 8.1


def side_data(frame: av.VideoFrame, name: str) -> Any:
    """The side data of `frame` that FFmpeg calls AV_FRAME_DATA_`name`, as a buffer; None if it has none.

    PyAV gives none at all where it does not know one of the kinds that are there, such as a photo's EXIF.
    """
    try:
        return frame.side_data.get(name)
    except ValueError:
        return _known(frame).side_data.get(name)


def _known(frame: av.VideoFrame) -> av.VideoFrame:
    """`frame` without the side data that PyAV does not know."""
    known: set[Any] = {kind.value for kind in Type}
    graph = Graph()
    ends = [graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)]
    ends += [graph.add("sidedata", f"mode=delete:type={kind}") for kind in range(_NEWEST + 1) if kind not in known]
    ends.append(graph.add("buffersink"))
    graph.link_nodes(*ends).configure()
    graph.push(frame)
    (result,) = [graph.pull()]
    assert isinstance(result, av.VideoFrame)
    return result
