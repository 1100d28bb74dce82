"""The formats of video that the hardware of common players decodes."""

from __future__ import annotations

from pathlib import Path

from pipeline.colour.h273 import is_hdr
from pipeline.frame import FrameFormat
from pipeline.media.encoding.codecs import codec_of, encoder_for
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.writing.container_support import container_for

_H264_SIDE = 4096  # pixels; above, hardware decodes H.265 only, and NVENC encodes no H.264
_CHROMA = {(0, 0): "4:4:4", (1, 0): "4:2:2", (0, 1): "4:4:0"}  # by the log2 of the subsampling


def reason_for_h265(format: FrameFormat) -> str:
    """The reason to prefer H.265, "" if there is none: of H.264, players' hardware decodes little but 8-bit 4:2:0."""
    pixel, side = format.pixel, max(format.width, format.height)
    if is_hdr(format.colour):
        return "few players show HDR in H.264"
    if pixel.depth > 8:
        return f"few players show {pixel.depth} bit in H.264"
    if side > _H264_SIDE:
        return f"few players show sides of {side} in H.264"
    if pixel.chroma and not (pixel.sub_x and pixel.sub_y):
        return f"few players show {'RGB' if pixel.rgb else _CHROMA[pixel.sub_x, pixel.sub_y]} in H.264"
    return ""


def playback_note(encoding: VideoEncoding, target: Path) -> str | None:
    """Return a note if few players show what `encoding` makes, with what to do about it; None if most do.

    Args:
        encoding: How the video is encoded.
        target: The output, whose suffix is that of its container.
    """
    reason = reason_for_h265(encoding.format) if codec_of(encoding.codec).limited_hardware else ""
    if not reason:
        return None
    alias = encoder_for(Role.EFFICIENT).aliases[0]
    where = "" if container_for(target).h265 else ", in .mkv or .mp4"
    return f'{reason}; more do in H.265: `codec="{alias}"`{where}'
