"""Notes on what a page can't show, and on what makes figures hard to compare."""

from __future__ import annotations

from pipeline.colour.h273 import is_hdr
from pipeline.config.target_fields import Size
from pipeline.diagnostics.comparison.clip import Clip

_SHAPE_TOLERANCE = 0.01  # of the ratio of width and height


def clip_notes(clips: list[Clip], size: Size) -> list[str]:
    """Notes on the videos that are compared at `size`, one line each."""
    lines = []
    for clip in clips:
        name = clip.path.name
        if is_hdr(clip.format.colour):
            lines.append(f"{name} is HDR: it is shown, and measured, without tone mapping, so its colours look dull")
        if clip.media.video.alpha:
            lines.append(f"{name} has transparency, which is not shown")
        shape = clip.format.width * size[1] / (clip.format.height * size[0])
        if abs(shape - 1) > _SHAPE_TOLERANCE:
            own = f"{clip.format.width}x{clip.format.height}"
            lines.append(f"{name} is stretched from {own} to the shape of {size[0]}x{size[1]}: figures mean little")
    return lines
