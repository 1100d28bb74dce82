"""The number of codec contexts that decode a video in parallel, and the frames that may wait for their turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import av
import av.codec.codec

from pipeline.config.settings import Settings
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.parallel_contexts import ContextOpener, ParallelDecoding, open_software_context
from pipeline.media.decoding.random_access import header_parser
from pipeline.media.reading.input_container import CODING_ORDER_DEMUXERS
from pipeline.media.reading.media_info import MediaInfo
from pipeline.system import cuda, host

# While the frames of one GOP are yielded, the next GOPs are decoded. So that n decoders are busy all the time, about
# (n - 1) / 2 GOPs of frames wait, and n GOPs after a pause, when all of them were decoded as far as possible: 1,680 for
# seven decoders and GOPs of 240 frames, which are 5.2 GB at 1080p. GPUs with so many engines have 80 GB and more.
_MAX_WAITING_BYTES = {"software": 2 * 2**30, "nvdec": 8 * 2**30}
_SHARE_OF_MEMORY = 8  # its inverse
_MIN_WAITING, _MAX_WAITING = 8, 300  # frames for each decoder; more are of no use with GOPs of up to 300 frames
_MIN_FRAMES = 480  # of a video, below which opening several decoders takes longer than they gain
_MIN_THREADS, _MAX_THREADS = 2, 16  # of a decoder in software

# Frames of H.264 per second at 1080p, measured; both rates are proportional to the number of pixels. An engine of an
# H100 or H200 decodes 440 to 530. 16 cores decode 570 to 1150 with one decoder, by content, and 1.25 times as many with
# four (710 instead of 570; 1.35 times at 540p).
_ENGINE_RATE, _CORE_RATE = 450, 60
_MANY_CORES, _SOFTWARE_DECODERS = 16, 4


@dataclass(frozen=True)
class DecoderCount:
    """How many decoders work in parallel.

    Attributes:
        count: Number of codec contexts.
        waiting: The largest number of decoded frames that wait because earlier ones are not ready; 0 for one context.
    """

    count: int = 1
    waiting: int = 0


def count_decoders(
    media: MediaInfo, settings: Settings, decoder: str, backend: str, frames: int | None
) -> tuple[DecoderCount, str | None]:
    """Choose the number of decoders.

    Args:
        media: The source.
        settings: `decoders`, `device` and `vram` are used.
        decoder: "software" or "nvdec".
        backend: The upscaler's backend, "tensorrt" or "onnx".
        frames: Number of frames that will be decoded, None if unknown.

    Returns:
        The number, and a note if more were requested than are used.
    """
    requested = settings.decoders
    count = requested
    if requested == "auto":
        count = 1 if is_short(frames) else _useful_count(media, settings, decoder, backend)
    assert count != "auto"
    if count == 1:
        return DecoderCount(), None
    if reason := reason_for_one(media):
        return DecoderCount(), None if requested == "auto" else f"only one decoder is used: {reason}"
    waiting = _waiting_bytes(settings, decoder) // media.video.format.bytes
    possible = max(1, min(count, waiting // _MIN_WAITING))
    waiting = min(waiting, possible * _MAX_WAITING)
    note = None
    if requested != "auto" and possible < count:
        note = f"only {possible} of {count} decoders are used: memory is too small for more"
    return (DecoderCount(possible, waiting) if possible > 1 else DecoderCount()), note


def _useful_count(media: MediaInfo, settings: Settings, decoder: str, backend: str) -> int:
    """The number of decoders that are faster than fewer, for a video that can be decoded in parallel."""
    if decoder == "nvdec":
        return engine_count(media, settings)
    # Upscaling on a CPU is slower than one decoder, and needs the cores and the memory.
    return _SOFTWARE_DECODERS if backend == "tensorrt" and host.cores() >= _MANY_CORES else 1


def is_software_faster(engines: int) -> bool:
    """Return True if the cores are expected to decode at least as many frames as `engines` of NVDEC."""
    return host.cores() * _CORE_RATE >= engines * _ENGINE_RATE


def reason_for_one(media: MediaInfo) -> str | None:
    """The reason why a video can't be decoded in parallel, None if it can."""
    return next(_reasons_for_one(media), None)


def _reasons_for_one(media: MediaInfo) -> Iterator[str]:
    if media.images or media.pipe:
        yield "only video files are read several times"
    if header_parser(_codec(media), None) is None:
        yield f"it is not known where decoding of {media.video.codec} can start"
    if media.container in CODING_ORDER_DEMUXERS:
        yield f"its container, {media.container}, does not have the times at which frames are shown"


def is_short(frames: int | None) -> bool:
    """Return True if so few frames are decoded more quickly by one decoder."""
    return frames is not None and frames < _MIN_FRAMES


def engine_count(media: MediaInfo, settings: Settings) -> int:
    """The number of NVDEC engines that can decode a video's codec on the GPU of the settings, at least 1."""
    return nvdec.engine_count(cuda.Gpu(settings.device[0]), _codec(media), media.video.format.pixel)


def parallel_decoding(decoder: str, decoders: DecoderCount, settings: Settings) -> ParallelDecoding | None:
    """How a video is decoded in parallel; None for one codec context.

    NVDEC is faster than software by its number of engines. So where only one of them can work, which shows while the
    stream is read, software decodes the rest if it is faster than that one and NVDEC was not requested.

    Args:
        decoder: "software" or "nvdec".
        decoders: Their number.
        settings: `decoder` and `device` are used.
    """
    if decoders.count == 1:
        return None
    opener: ContextOpener
    alone: ContextOpener | None = None
    if decoder == "nvdec":
        opener = partial(nvdec.open_context, gpu=cuda.Gpu(settings.device[0]))
        if settings.decoder == "auto" and is_software_faster(engines=1):
            alone = partial(open_software_context, threads=min(_MAX_THREADS, host.cores()))
    else:
        threads = max(_MIN_THREADS, -(-host.cores() // decoders.count))
        opener = partial(open_software_context, threads=threads)
    return ParallelDecoding([opener] * decoders.count, decoders.waiting, alone=alone)


def _codec(media: MediaInfo) -> str:
    """FFmpeg's name of the codec, whatever decodes it: "av1", not "libdav1d"."""
    try:
        return av.Codec(media.video.codec, "r").canonical_name
    except av.codec.codec.UnknownCodecError:  # as that of numbered images
        return media.video.codec


def _waiting_bytes(settings: Settings, decoder: str) -> int:
    if decoder == "software":
        memory = host.available_memory()
    else:
        memory = settings.vram or cuda.Gpu(settings.device[0]).free_memory
    return min(_MAX_WAITING_BYTES[decoder], memory // _SHARE_OF_MEMORY)
