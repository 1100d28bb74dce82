"""Chooses what decodes a video: NVDEC or software."""

from __future__ import annotations

from dataclasses import replace

from pipeline.config.settings import Settings
from pipeline.frame import FrameFormat
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.interlace.bwdif import Deinterlacing
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.media_info import MediaInfo
from pipeline.system import cuda, host

_MANY_CORES = 8  # that decode faster than NVDEC does


def choose_decoder(
    media: MediaInfo,
    settings: Settings,
    backend: str,
    deinterlacing: Deinterlacing | None = None,
    turn: Orientation | None = None,
) -> tuple[str, FrameFormat, str | None]:
    """What decodes: "nvdec" or "software"; the format of its frames; and a note where NVDEC was wished for in vain.

    deinterlacing, turn: what is done to them then, which frames on a GPU can't be.
    """
    format = media.video.format
    software = "software", format
    if settings.decoder == "software" or (settings.decoder == "auto" and host.cores() >= _MANY_CORES):
        return *software, None
    reason: str | None = "frames go to no GPU" if backend != "tensorrt" else None
    if media.images or media.pipe:
        reason = reason or "it reads videos from files only"
    if deinterlacing is not None:
        reason = reason or "fields are deinterlaced in main memory"
    if turn is not None:
        reason = reason or "pictures are turned in main memory"
    if reason is None and len(settings.device) > 1:
        reason = "its frames lie on one GPU, and several share the work"
    layout = nvdec.output_format(format.pixel)
    if layout is None:
        reason = reason or f"it does not decode {format.pixel.name}"
    reason = reason or nvdec.unavailable_reason(media.path, cuda.Gpu(settings.device[0]))
    if reason is None and layout is not None:
        return "nvdec", replace(format, pixel=layout), None
    return *software, f"decoded in software, not by NVDEC: {reason}" if settings.decoder == "nvdec" else None
