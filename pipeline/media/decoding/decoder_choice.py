"""The choice between NVDEC and software decoding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.config.settings import Settings
from pipeline.frame import FrameFormat
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.decoder_count import engine_count, is_short, is_software_faster, reason_for_one
from pipeline.media.decoding.interlace.bwdif import Deinterlacing
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.media_info import MediaInfo
from pipeline.system import cuda


def choose_decoder(
    media: MediaInfo,
    settings: Settings,
    backend: str,
    deinterlacing: Deinterlacing | None = None,
    rotation: Orientation | None = None,
) -> tuple[str, FrameFormat, str | None]:
    """Choose what decodes a video.

    Args:
        media: The source.
        settings: `decoder` and `device` are used.
        backend: The upscaler's backend, "tensorrt" or "onnx".
        deinterlacing: The deinterlacing of the frames, which needs them in main memory; None for none.
        rotation: The rotation of the frames, which needs them in main memory; None for none.

    Returns:
        "nvdec" or "software", the format of the decoded frames, and a note if NVDEC was requested and can't be used.
    """
    format = media.video.format
    if settings.decoder == "software":
        return "software", format, None
    layout = nvdec.output_format(format.pixel)
    steps = ("cropped", media.video.crop), ("deinterlaced", deinterlacing), ("rotated", rotation)
    on_cpu = [name for name, step in steps if step is not None]
    reason = next(_objections(media, settings, backend, on_cpu), None)
    if reason is None and layout is None:
        reason = f"it does not decode {format.pixel.name}"
    if reason is None and settings.decoder == "auto" and _prefers_software(media, settings):
        return "software", format, None
    reason = reason or nvdec.undecodable_reason(media.path, cuda.Gpu(settings.device[0]))
    if reason is None and layout is not None:
        return "nvdec", replace(format, pixel=layout), None
    return "software", format, f"decoded in software, not by NVDEC: {reason}" if settings.decoder == "nvdec" else None


def _prefers_software(media: MediaInfo, settings: Settings) -> bool:
    """Return True if the cores are expected to decode at least as many frames as NVDEC's engines."""
    is_single = settings.decoders == 1 or is_short(media.video.frames) or reason_for_one(media)
    engines = 1 if is_single else engine_count(media, settings)
    return is_software_faster(engines if settings.decoders == "auto" else min(engines, settings.decoders))


def _objections(media: MediaInfo, settings: Settings, backend: str, on_cpu: list[str]) -> Iterator[str]:
    """Reasons against NVDEC that are known without trying it."""
    if backend != "tensorrt":
        yield "the upscaler does not run on a GPU"
    if media.images or media.pipe:
        yield "it reads video files only"
    if on_cpu:
        yield f"frames are {' and '.join(on_cpu)} in main memory"
    if len(settings.device) > 1:
        yield "its frames are in the memory of one GPU, and several are used"
