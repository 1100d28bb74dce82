"""What becomes of a picture that is to be shown turned: its result has the tag too, or is turned itself.

Every player follows the turns of the mp4 family. Few follow those of Matroska, some of them the wrong way round, and
many mirror nothing in any container; other containers and pictures have no such tag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.writing.container import ISO_SUFFIXES

_WITH_ANGLES = (".mkv",)  # holds any angle, and nothing else
_MOST = (1 << 31) - 1


@dataclass(frozen=True)
class RotationPlan:
    """turn: what the pixels are turned by, None if they aren't. video: the source as it is then. note: on that."""

    turn: Orientation | None
    video: VideoInfo
    note: str | None = None


def upright(video: VideoInfo, to: Path, scale: int) -> RotationPlan:
    """How the result `to`, `scale` times as large, comes to be shown as `video` is: never by tag and pixels both.

    The display matrix of the video that is given is the one that `to` shall have.
    """
    matrix, suffix = video.display_matrix, to.suffix.lower()
    orientation = Orientation.from_matrix(matrix)
    if matrix is None or orientation == Orientation():
        return RotationPlan(None, replace(video, display_matrix=None))
    if orientation is None:
        return _at_an_angle(video, matrix, suffix, scale)
    if suffix in ISO_SUFFIXES and not orientation.mirrored:
        return RotationPlan(None, replace(video, display_matrix=_carried(matrix, orientation.matrix, scale)))
    players = f"not every player of {suffix or 'y4m'} honours its tag"
    return RotationPlan(
        orientation, _laid(video, orientation), f"it is shown {orientation}: the pixels are, as {players}"
    )


def _at_an_angle(video: VideoInfo, matrix: tuple[int, ...], suffix: str, scale: int) -> RotationPlan:
    a, b, _, c, d, *_ = matrix
    held = suffix in ISO_SUFFIXES or (suffix in _WITH_ANGLES and (a, b) == (d, -c))
    tag = "its tag goes along" if held else f"{suffix or 'y4m'} can't hold its tag; .mov can"
    note = f"it is to be shown at an odd angle: its pixels stay as they are, and {tag}"
    return RotationPlan(
        None, replace(video, display_matrix=_carried(matrix, (a, b, c, d), scale) if held else None), note
    )


def _laid(video: VideoInfo, orientation: Orientation) -> VideoInfo:
    width, height = orientation.size(video.format.width, video.format.height)
    return replace(
        video,
        format=replace(video.format, width=width, height=height),
        sample_aspect=1 / video.sample_aspect if orientation.transposed else video.sample_aspect,
        display_matrix=None,
    )


def _carried(matrix: tuple[int, ...], numbers: tuple[int, ...], scale: int) -> tuple[int, ...]:
    """`matrix` for a picture `scale` times as large; `numbers`: its a, b, c and d.

    Numbers 6 and 7 move the picture, by pixels; without them players move it where it belongs.
    """
    a, b, c, d = numbers
    x, y = (moved * scale if abs(moved * scale) <= _MOST else 0 for moved in matrix[6:8])
    return a, b, 0, c, d, 0, x, y, 1 << 30
