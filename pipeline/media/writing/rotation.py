"""Plans how a rotated video is written: with the source's rotation tag, or with rotated frames and no tag.

All players apply the rotation tags of the mp4 family. Few apply those of Matroska, some of them in the wrong direction,
and many mirror nothing in any container. Other containers, and images, have no such tag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.writing.container_spec import RotationTags
from pipeline.media.writing.container_support import container_for

_MAX_NUMBER = (1 << 31) - 1  # the largest number of a display matrix


@dataclass(frozen=True)
class RotationPlan:
    """The way in which a rotated video is written.

    Attributes:
        rotation: The rotation that is applied to the frames, None if there is none.
        video: The video, its size and sample aspect ratio after that rotation, its display matrix that of the output.
        note: A line for the user, None if there is nothing to report.
    """

    rotation: Orientation | None
    video: VideoInfo
    note: str | None = None


def plan_rotation(video: VideoInfo, target: Path) -> RotationPlan:
    """Decide whether the rotation of `video` is applied to its frames or written as a tag; never both.

    Args:
        video: The source.
        target: The output, whose suffix says which tags it supports.
    """
    matrix, suffix = video.display_matrix, target.suffix.lower()
    orientation = Orientation.from_matrix(matrix)
    if matrix is None or orientation == Orientation():
        return RotationPlan(None, replace(video, display_matrix=None))
    if orientation is None:
        return _keep_angle(video, matrix, target)
    if container_for(target).rotation is RotationTags.ALL and not orientation.mirrored:
        return RotationPlan(None, replace(video, display_matrix=_matrix_of(orientation.matrix, matrix)))
    reason = f"not all players of {suffix or 'y4m'} apply rotation tags"
    return RotationPlan(orientation, _rotated(video, orientation), f"frames are {orientation}: {reason}")


def _keep_angle(video: VideoInfo, matrix: tuple[int, ...], target: Path) -> RotationPlan:
    """Keep the frames of a video that is displayed at an angle other than a multiple of 90 degrees, or skewed."""
    a, b, _, c, d, *_ = matrix
    tags, kind = container_for(target).rotation, target.suffix.lower() or "y4m"
    is_supported = tags is RotationTags.ALL or (tags is RotationTags.ANGLES and (a, b) == (d, -c))
    tag = "its tag is copied" if is_supported else f"its tag is dropped: {kind} does not support it; .mov does"
    kept = _matrix_of((a, b, c, d), matrix) if is_supported else None
    note = f"the video is tagged to be displayed at an odd angle: frames are not rotated, {tag}"
    return RotationPlan(None, replace(video, display_matrix=kept), note)


def _rotated(video: VideoInfo, orientation: Orientation) -> VideoInfo:
    """Return `video` as it is after its frames are rotated, which mixes up the layout of stereoscopic ones."""
    width, height = orientation.size(video.format.width, video.format.height)
    return replace(
        video,
        format=replace(video.format, width=width, height=height),
        sample_aspect=1 / video.sample_aspect if orientation.transposed else video.sample_aspect,
        display_matrix=None,
        stereo=None,
        projection=None,
    )


def resized(video: VideoInfo, width: int, height: int, sample_aspect: Fraction) -> VideoInfo:
    """Return `video` with another size and sample aspect ratio, its display matrix adapted.

    Numbers 6 and 7 of that matrix translate the frame, in pixels as players show them; where they are out of range they
    are 0, and players place the frame.
    """
    format, matrix = video.format.resized(width, height), video.display_matrix
    if matrix is not None:
        across, down = Fraction(width, video.format.width), Fraction(height, video.format.height)
        orientation = Orientation.from_matrix(matrix)
        if orientation is not None and orientation.transposed:
            across, down = down, across
        moved = round(matrix[6] * across), round(matrix[7] * down)
        x, y = (number if abs(number) <= _MAX_NUMBER else 0 for number in moved)
        matrix = (*matrix[:6], x, y, matrix[8])
    projection = video.projection and video.projection.resized(Fraction(width, video.format.width))
    return replace(video, format=format, sample_aspect=sample_aspect, display_matrix=matrix, projection=projection)


def _matrix_of(numbers: tuple[int, ...], source: tuple[int, ...]) -> tuple[int, ...]:
    """Return the display matrix with a, b, c and d from `numbers`, and the translation of the matrix `source`."""
    a, b, c, d = numbers
    return a, b, 0, c, d, 0, *source[6:8], 1 << 30
