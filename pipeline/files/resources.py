"""Estimates of the main memory, GPU memory and disk space that a job needs, in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.files import budget
from pipeline.media.writing.output_kind import find_output_kind

if TYPE_CHECKING:
    from pipeline.files.plan import Plan

# A rule of thumb: x264 at crf 17 spends about this many bits per pixel on film; 6 steps of crf halve it.
_BITS_PER_PIXEL, _CRF_HALVING, _REFERENCE_CRF = 0.12, 6, 17
_DECODER_FRAMES = 20  # that FFmpeg's decoders hold, roughly
_PROCESS_BYTES = 200_000_000  # Python, FFmpeg and ONNX Runtime before the first frame
_CUDA_BYTES = 700_000_000  # the CUDA libraries and TensorRT in main memory


def main_memory(plan: Plan) -> int:
    """Bytes of main memory."""
    settings, encoding = plan.settings, plan.encoding
    small, large = plan.media.video.format.bytes, encoding.format.bytes
    waiting = settings.queue + settings.slots * len(settings.device)
    network = _network_memory(plan) if plan.backend == "onnx" else _CUDA_BYTES
    encoders = budget.memory(encoding, encoding.encoders, encoding.gop)
    decoders = plan.decoders.count * _DECODER_FRAMES + (plan.decoders.waiting if plan.decoder == "software" else 0)
    return _PROCESS_BYTES + (waiting + decoders) * small + waiting * large + encoders + network


def video_memory(plan: Plan) -> int:
    """Bytes of memory of each GPU; 0 on the CPU."""
    if plan.backend != "tensorrt":
        return 0
    settings = plan.settings
    frames = settings.slots * (plan.media.video.format.bytes + plan.encoding.format.bytes)
    needed = frames + settings.contexts * _network_memory(plan)
    decoded = plan.decoders.waiting * plan.media.video.format.bytes if plan.decoder == "nvdec" else 0
    return decoded + (needed if settings.vram is None else min(needed, settings.vram))


def disk_space(plan: Plan) -> int | None:
    """Bytes of the output; None if the number of frames is unknown, or it is no file."""
    media, encoding, frames = plan.media, plan.encoding, plan.frames
    if kind := find_output_kind(plan.target, media.video.format):
        return kind.estimated_bytes(encoding, frames)
    if frames is None:
        return None
    try:
        crf = float(encoding.options.get("crf", _REFERENCE_CRF))
    except ValueError:  # the encoder will refuse it, in its own words
        crf = _REFERENCE_CRF
    bits = _BITS_PER_PIXEL * 2 ** ((_REFERENCE_CRF - crf) / _CRF_HALVING)
    pixels = encoding.format.width * encoding.format.height * frames
    copied = media.bytes - (media.video.bit_rate or 0) / 8 * (media.duration or 0)
    return int(pixels * bits / 8 + max(0, copied if media.video.bit_rate else 0))


def _network_memory(plan: Plan) -> int:
    """Bytes of the network and of what resamples its output."""
    format, (width, height) = plan.media.video.format, plan.size
    resampled = 3 * width * height * plan.model.dtype.itemsize if plan.is_resampled else 0
    return plan.model.working_bytes(format.width, format.height) + resampled
