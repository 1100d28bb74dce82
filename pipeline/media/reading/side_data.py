"""What a decoder says about a frame beside its samples."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.filter import Graph
from av.sidedata.sidedata import Type

_NEWEST = 31  # AV_FRAME_DATA_EXIF of FFmpeg 8.1
_PROFILE: Any = Type.ICC_PROFILE.value
# PyAV gives none at all where it does not know one of the kinds that are there, such as a photo's EXIF. The name that
# a PNG gives its profile is freed by PyAV, and by FFmpeg once more, which ends the process.
_KNOWN: set[Any] = {kind.value for kind in Type}
_TROUBLE = [kind for kind in range(_NEWEST + 1) if kind not in _KNOWN or kind == _PROFILE]


def read_side_data(frame: av.VideoFrame, name: str) -> Any:
    """The side data of `frame` that FFmpeg calls AV_FRAME_DATA_`name`, as a buffer; None if it has none.

    Of profiles, see `has_profile`.
    """
    (result,) = _filtered(frame, [f"mode=delete:type={kind}" for kind in _TROUBLE])
    return result.side_data.get(name)


def has_icc_profile(frame: av.VideoFrame) -> bool:
    """Whether `frame` has an ICC profile."""
    return bool(_filtered(frame, [f"mode=select:type={_PROFILE}"]))


def _filtered(frame: av.VideoFrame, told: list[str]) -> list[av.VideoFrame]:
    """What FFmpeg's filters "sidedata", each told one of `told`, let through of `frame`: itself, or nothing."""
    graph = Graph()
    ends = [graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1))]
    ends += [graph.add("sidedata", each) for each in told]
    ends.append(graph.add("buffersink"))
    graph.link_nodes(*ends).configure()
    graph.push(frame)
    try:
        return [graph.vpull()]
    except BlockingIOError:  # it was held back
        return []
