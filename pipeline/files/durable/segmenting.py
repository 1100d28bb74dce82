"""Decides whether a job writes its video in segments that are kept, and of how many frames.

A segment is encoded by encoders of its own, which begin with a key frame and are drained at its end. So no state of an
encoder goes beyond a segment, and a job that is continued encodes the same packets as one that was never interrupted.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.files.budget import reason_for_one_encoder
from pipeline.media.encoding.codecs import encoder_spec
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.media_info import MediaInfo
from pipeline.media.writing.output_kind import find_output_kind
from pipeline.system import host

# The work that an interruption can cost, in frames: on a CPU, networks take up to seconds for a frame. Shorter segments
# make larger files: see docs/durable.md.
_CPU_FRAMES, _GPU_FRAMES = 48, 240
_WAITING = 8  # frames that wait for the encoder of a segment


def choose_segments(
    media: MediaInfo, target: Path, encoding: VideoEncoding, settings: Settings, backend: str
) -> tuple[VideoEncoding, int, str]:
    """Choose the frames of a segment.

    Args:
        media: The source.
        target: The output.
        encoding: As it would be without segments.
        settings: Its `resume` requests segments, or forbids them.
        backend: What runs the network.

    Returns:
        The encoding; the frames of a segment, 0 for none; a note if segments were requested and are impossible.
    """
    if not settings.resume:
        return encoding, 0, ""
    if reason := _obstacle(media, target, encoding):
        return encoding, 0, f"the job can't be resumed if it is interrupted: {reason}"
    least = _CPU_FRAMES if backend == "onnx" else _GPU_FRAMES
    if encoding.encoders > 1:
        return encoding, -(-least // encoding.gop) * encoding.gop, ""
    frames = _multiple_of_gop(least, encoding.options.get("g"))
    parallel = encoder_spec(encoding.codec).parallel
    threads = max(parallel.threads, host.cores()) if parallel else 0
    # The second encoder begins the next segment while the first one is drained.
    return replace(encoding, encoders=2, gop=frames, threads=threads, waiting=_WAITING), frames, ""


def _multiple_of_gop(frames: int, requested: str | None) -> int:
    """`frames`, rounded up to a multiple of the GOP length that is requested, unless that is longer."""
    gop = int(requested) if requested else 1
    return -(-frames // gop) * gop if gop <= frames else frames


def _obstacle(media: MediaInfo, target: Path, encoding: VideoEncoding) -> str:
    """Why segments are impossible; "" if they are possible."""
    if find_output_kind(target, media.video.format):
        return "the output is no container of video"
    if media.pipe:
        return "standard input can be read only once"
    return reason_for_one_encoder(encoding)
