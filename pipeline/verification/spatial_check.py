"""Compares the stereoscopic layout and the spherical projection of source and output."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.media_info import MediaInfo, VideoInfo
from pipeline.media.reading.spatial import INTERLEAVED
from pipeline.media.writing.container_support import container_for
from pipeline.media.writing.video_metadata import VideoMetadata, supported_metadata
from pipeline.verification.verdict import Fault


def compare_spatial(source: VideoInfo, output: MediaInfo) -> Iterator[Fault | str]:
    """Yield faults about what the file of `output` could signal and does not, and remarks about what it can't."""
    video = output.video
    expected = _expected(source, output)
    if source.stereo != expected.stereo:
        yield f"the source's stereoscopic layout, {source.stereo}, is not signalled"
    if expected.stereo != video.stereo:
        layouts = f"{video.stereo or 'none'}, the source's {source.stereo or 'none'}"
        yield Fault("stereo", f"its stereoscopic layout is {layouts}")
    if source.projection and not expected.projection:
        yield f"the source's projection, {source.projection}, is not signalled"
    if expected.projection != video.projection:
        shapes = f"{video.projection or 'flat'}, the source's {expected.projection or 'flat'}"
        alike = str(video.projection) == str(expected.projection)
        yield Fault("projection", f"its projection is {shapes}{', in another pose or with other bounds' * alike}")


def _expected(source: VideoInfo, output: MediaInfo) -> VideoMetadata:
    """Return what the output should say of the source's layout and projection."""
    video, format = output.video, output.video.format
    if Orientation.from_matrix(source.display_matrix) != Orientation.from_matrix(video.display_matrix):
        return VideoMetadata()  # frames were rotated
    is_resized = (format.width, format.height) != (source.format.width, source.format.height)
    stereo = None if is_resized and source.stereo in INTERLEAVED else source.stereo
    projection = source.projection and source.projection.resized(Fraction(format.width, source.format.width))
    codec = av.Codec(video.codec, "r").canonical_name
    metadata = VideoMetadata(stereo=stereo, projection=projection)
    return supported_metadata(metadata, container_for(output.path).muxer, codec)
