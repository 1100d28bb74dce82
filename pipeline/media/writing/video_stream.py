"""The stream of the upscaled video: added to the container, configured, its encoder opened."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from pipeline.errors import OutputError
from pipeline.media.encoding.codecs import codec_of, encoder_for, encoder_spec
from pipeline.media.encoding.dts import RetimedEncoder
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.encoding.encoder_context import configure, open_context
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.formats import find_encoder
from pipeline.media.encoding.gif import GifEncoder
from pipeline.media.encoding.hdr import hdr_parameters
from pipeline.media.encoding.parallel_gop import ParallelEncoder
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.spatial import STEREO_TAG
from pipeline.media.writing import alpha, metadata
from pipeline.media.writing.container_support import codec_tag, container_spec
from pipeline.media.writing.video_metadata import VideoMetadata, add_video_metadata

VideoEncoder = Encoder | RetimedEncoder | ParallelEncoder


def add_video_stream(
    container: OutputContainer, path: Path, encoding: VideoEncoding, original: VideoStream
) -> tuple[VideoStream, list[str]]:
    """Add the stream of the upscaled video to `container`; its encoder is configured and not yet open.

    Args:
        container: The output, whose header is not yet written.
        path: The name of the output, for error messages.
        encoding: How the video is encoded.
        original: The source's video stream, whose tags and disposition are copied.

    Returns:
        The stream, and a line for each kind of HDR metadata that is dropped.

    Raises:
        OutputError: The container does not support the codec.
    """
    muxer = container.format.name
    try:
        stream = container.add_stream(encoding.codec, rate=encoding.rate)
    except ValueError as error:
        codec = find_encoder(encoding.codec).canonical_name
        raise OutputError(f"{path}: {muxer} does not support {codec}{_advice(muxer)}") from error
    assert isinstance(stream, VideoStream)
    metadata.copy_stream_metadata(stream, original, container_spec(muxer).iso)
    alpha.remove_alpha_tag(stream.metadata)
    stream.metadata.pop(STEREO_TAG, None)  # added again below, if the output has that layout
    described = VideoMetadata(encoding.hdr, encoding.stereo, encoding.projection)
    in_container = add_video_metadata(stream, muxer, described)
    dropped = _dropped_hdr(muxer, encoding.codec, encoding.hdr, in_container.hdr is not None) if encoding.hdr else []
    configure(stream.codec_context, encoding)
    if tag := codec_tag(container, codec_of(encoding.codec).name):
        stream.codec_context.codec_tag = tag
    stream.time_base = encoding.time_base
    if encoding.display_matrix:
        stream.set_display_matrix(encoding.display_matrix)
    return stream, dropped


def open_encoder(stream: VideoStream, encoding: VideoEncoding) -> None:
    """Open the encoder of `stream`.

    Raises:
        OutputError: The encoder does not have an option, or rejects its value.
    """
    context = stream.codec_context
    try:
        open_context(context)
    except (av.error.FFmpegError, ValueError) as error:
        options = " ".join(f"{key}={value}" for key, value in encoding.options.items())
        advice = f"`ffmpeg -h encoder={encoding.codec}` lists what it accepts"
        raise OutputError(f"{encoding.codec} refuses its options ({options}) at {encoding.format}: {advice}") from error
    if unknown := [name for name in context.options if name in encoding.options]:
        raise OutputError(f"{encoding.codec} has no option {', '.join(unknown)}: `ffmpeg -h encoder={encoding.codec}`")


def create_encoder(
    path: Path, context: VideoCodecContext, encoding: VideoEncoding, time_base: Fraction, shift: int
) -> VideoEncoder:
    """Return the stage that encodes frames for a stream.

    Args:
        path: The output, for error messages.
        context: The stream's open encoder.
        encoding: How the video is encoded.
        time_base: The time base of the frames' pts, in seconds.
        shift: Added to each frame's pts, in units of `time_base`.
    """
    spec = encoder_spec(encoding.codec)
    if spec.image and spec.image.colours:
        return GifEncoder(path, context, time_base, shift)
    if encoding.encoders > 1:
        return ParallelEncoder(path, context, encoding, time_base, shift)
    single = Encoder(path, context, time_base, shift)
    return RetimedEncoder(single, shift) if spec.unreliable_dts else single


def _advice(muxer: str) -> str:
    spec = container_spec(muxer)
    if spec.web_only:
        return ': `codec="auto"` chooses one that it supports'
    return ": choose another `codec`" if spec.matroska else "; .mkv supports nearly every codec"


def _dropped_hdr(muxer: str, codec: str, hdr: Hdr, in_container: bool) -> list[str]:
    """Return a line for what can't be written of `hdr`; `in_container`: the container stores it."""
    is_half = bool(hdr.primaries) != bool(hdr.luminance)
    if is_half and not container_spec(muxer).partial_hdr_metadata:
        missing = "luminance" if hdr.primaries else "primaries"
        return [f"HDR mastering data dropped: {muxer} does not support it without {missing}; .mkv does"]
    if not in_container and not hdr_parameters(codec, hdr):
        what = "HDR mastering and light level data"
        better = encoder_for(Role.EFFICIENT).name
        return [f"{what} dropped: {codec} in {muxer} does not support it; {better} does"]
    return []
