"""Lists the encoders from which `codec="auto"` chooses: those that suit a video, its container and its players."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.frame import FrameFormat, PixelFormat
from pipeline.media.encoding.codecs import encoder_for, encoder_spec, encoders_for
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.formats import encodable_format, find_encoder, native_pix_fmt
from pipeline.media.writing.container_spec import ContainerSpec
from pipeline.media.writing.playback import reason_for_h265

_H265_DEPTH = 12


class Candidate(NamedTuple):
    """An encoder that suits an output.

    Attributes:
        codec: FFmpeg's name of the encoder.
        why: The reason for choosing it, in a few words.
    """

    codec: str
    why: str


def encoder_candidates(format: FrameFormat, container: ContainerSpec, gpu: bool) -> Iterator[Candidate]:
    """The encoders for frames of `format` in `container`, best first; the last one works on any machine.

    The best one loses no alpha, depth or chroma, and most players play it.

    Args:
        format: The format of the frames.
        container: The container of the output.
        gpu: NVENC may be available.
    """
    pixel = format.pixel
    if container.web_only:
        role, why = (Role.WEB_ALPHA, "it keeps transparency") if pixel.alpha else (Role.WEB, "WebM supports AV1")
        yield from _candidates_for(role, why)
        return
    if pixel.alpha and container.alpha_roles:
        yield from _alpha_candidates(pixel, container)
    if container.h265 and (why := reason_for_h265(format)):
        if pixel.depth > _H265_DEPTH and container.deep_role:
            yield from _candidates_for(container.deep_role, f"lossless for {pixel.depth} bit")
        for candidate in _candidates_for(Role.EFFICIENT, why, gpu):
            encoded = encodable_format(find_encoder(candidate.codec), pixel, format.width, format.height)
            if _is_kept(encoded, pixel) or not encoder_spec(candidate.codec).gpu:
                yield candidate
        return
    yield from _candidates_for(Role.COMPATIBLE, "H.264 plays everywhere", gpu)


def _candidates_for(role: Role, why: str, gpu: bool = False) -> Iterator[Candidate]:
    return (Candidate(spec.name, why) for spec in encoders_for(role, gpu))


def _alpha_candidates(pixel: PixelFormat, container: ContainerSpec) -> Iterator[Candidate]:
    """The first of the container's encoders for alpha that encodes `pixel` unchanged, else the last."""
    *others, last = container.alpha_roles
    unchanged = (role for role in others if native_pix_fmt(find_encoder(encoder_for(role).name), pixel))
    role = next(unchanged, last)
    why = "it keeps transparency, and is lossless" if role is Role.LOSSLESS else "it keeps transparency"
    return _candidates_for(role, why)


def _is_kept(encoded: PixelFormat, wanted: PixelFormat) -> bool:
    """Return True if neither depth nor chroma resolution is lost in frames of the format `encoded`."""
    return encoded.depth >= wanted.depth and encoded.sub_x <= wanted.sub_x and encoded.sub_y <= wanted.sub_y
