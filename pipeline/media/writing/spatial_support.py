"""The stereoscopic layout and the projection that an output can signal; what it can't is named in a note."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.media.encoding.codecs import codec_of
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.spatial import INTERLEAVED, UNKNOWN_MODE
from pipeline.media.writing.container_support import container_for
from pipeline.media.writing.video_metadata import VideoMetadata, supported_metadata


def representable_spatial(encoding: VideoEncoding, source: VideoInfo, target: Path) -> tuple[VideoEncoding, list[str]]:
    """Return `encoding` with the layout and the projection that the output signals.

    Args:
        encoding: With those that the frames have after rotation.
        source: The video that is upscaled.
        target: The output, whose suffix chooses the container.

    Returns:
        The encoding, and a note for each of the two that is dropped.
    """
    wanted = VideoMetadata(stereo=encoding.stereo, projection=encoding.projection)
    found = supported_metadata(wanted, container_for(target).muxer, codec_of(encoding.codec).name)
    if source.stereo in INTERLEAVED and _is_resized(encoding, source):
        found = replace(found, stereo=None)
    notes = []
    if source.stereo and not found.stereo:
        notes.append(f"stereoscopic layout {source.stereo} dropped: {_reason(encoding, source, target)}")
    if source.projection and not found.projection:
        notes.append(f"{source.projection} projection dropped: {_reason_of_place(encoding, source, target)}")
    return replace(encoding, stereo=found.stereo, projection=found.projection), notes


def _reason(encoding: VideoEncoding, source: VideoInfo, target: Path) -> str:
    """Why the source's stereoscopic layout can't be signalled."""
    if source.stereo == UNKNOWN_MODE:
        return "the file does not say how the views are packed, or only one is decoded"
    if source.stereo in INTERLEAVED and _is_resized(encoding, source):
        return "upscaling mixes samples of both eyes: convert it to left_right first"
    return _reason_of_place(encoding, source, target)


def _reason_of_place(encoding: VideoEncoding, source: VideoInfo, target: Path) -> str:
    """Why the output can't signal what the source does."""
    if (encoding.stereo, encoding.projection) == (None, None) and container_for(target).stereo_modes:
        return "frames are rotated"
    return f"{encoding.codec} in {target.suffix.lower() or 'a pipe'} does not support it; .mkv may"


def _is_resized(encoding: VideoEncoding, source: VideoInfo) -> bool:
    format, before = encoding.format, source.format
    return (format.width, format.height) != (before.width, before.height)
