"""What `--codec auto` chooses from: the encoders that suit a video, its container and its players, best first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.colour.h273 import is_hdr
from pipeline.frame import FrameFormat, PixelFormat
from pipeline.media.encoding.codecs import encoder_for, encoder_spec, encoders_for
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.formats import encodable_format, encoder, native_pix_fmt

_H264_SIDE = 4096  # beyond, hardware decodes H.265 only, and NVENC encodes no H.264
_H265_DEPTH = 12
_KEEPS_ALPHA = "it keeps transparency"
_CHROMA = {(0, 0): "4:4:4", (1, 0): "4:2:2", (0, 1): "4:4:0"}  # by the log2 of how it is subsampled
_H265_SUFFIXES = (".mkv", ".mp4", ".m4v", ".mov", ".ts", ".nut")  # where players look for it


class Candidate(NamedTuple):
    """codec: FFmpeg's name of an encoder. why: what speaks for it, in a few words."""

    codec: str
    why: str


def candidates(made: FrameFormat, target: Path, gpu: bool) -> Iterator[Candidate]:
    """The encoders for frames like `made`, in a result called `target`, best first; the last always works.

    gpu: NVENC may be there. Chosen is what loses no alpha, depth or chroma, and plays in as many players as can be.
    """
    suffix, pixel = target.suffix.lower(), made.pixel
    if suffix == ".webm":
        role, why = (Role.WEB_ALPHA, _KEEPS_ALPHA) if pixel.alpha else (Role.WEB, "WebM holds AV1")
        yield from _encoders(role, why)
        return
    if pixel.alpha:
        yield from _transparent(pixel, suffix)
    if suffix in _H265_SUFFIXES and (why := _beyond_h264(made)):
        if pixel.depth > _H265_DEPTH and suffix == ".mkv":
            yield from _encoders(Role.LOSSLESS, f"of {pixel.depth} bit, it loses nothing")
        for candidate in _encoders(Role.EFFICIENT, why, gpu):
            found = encodable_format(encoder(candidate.codec), pixel, made.width, made.height)
            if _holds(found, pixel) or not encoder_spec(candidate.codec).gpu:
                yield candidate
        return
    yield from _encoders(Role.COMPATIBLE, "H.264 plays everywhere", gpu)


def _encoders(role: Role, why: str, gpu: bool = False) -> Iterator[Candidate]:
    return (Candidate(spec.name, why) for spec in encoders_for(role, gpu))


def _transparent(pixel: PixelFormat, suffix: str) -> Iterator[Candidate]:
    if suffix == ".mov":
        yield from _encoders(Role.EDITING_ALPHA, _KEEPS_ALPHA)
    elif suffix == ".mkv" and native_pix_fmt(encoder(encoder_for(Role.WEB_ALPHA).name), pixel):
        yield from _encoders(Role.WEB_ALPHA, _KEEPS_ALPHA)
    elif suffix in (".mkv", ".nut"):
        yield from _encoders(Role.LOSSLESS, f"{_KEEPS_ALPHA}, and loses nothing")


def _beyond_h264(made: FrameFormat) -> str:
    """Why H.265 is the better choice, "" if it isn't: of H.264, players' hardware decodes little beside 8-bit 4:2:0."""
    pixel, side = made.pixel, max(made.width, made.height)
    if is_hdr(made.colour):
        return "players expect HDR in H.265"
    if pixel.depth > 8:
        return f"few players show {pixel.depth} bit in H.264"
    if side > _H264_SIDE:
        return f"few players show sides of {side} in H.264"
    if pixel.chroma and not (pixel.sub_x and pixel.sub_y):
        return f"few players show {'RGB' if pixel.rgb else _CHROMA[pixel.sub_x, pixel.sub_y]} in H.264"
    return ""


def _holds(found: PixelFormat, wanted: PixelFormat) -> bool:
    """Whether no depth and no chroma is lost between them."""
    return found.depth >= wanted.depth and found.sub_x <= wanted.sub_x and found.sub_y <= wanted.sub_y
