"""`probe`: the description of a source, of which no more than one frame is decoded."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from pipeline.config.address import refuse_address
from pipeline.media.av_errors import translate_read_errors
from pipeline.media.codec_parameters import codec_name
from pipeline.media.reading.animation import is_animated_png
from pipeline.media.reading.image_sequence import ImageSequence, is_image, is_pattern, open_images
from pipeline.media.reading.input_container import open_input, select_video
from pipeline.media.reading.late_streams import LateStreams
from pipeline.media.reading.media_info import MediaInfo, StreamInfo
from pipeline.media.reading.pipe import Pipe, is_pipe
from pipeline.media.reading.text_tags import read_chapters
from pipeline.media.reading.video_info import read_video_info


def probe(path: str | Path, video: int | None = None) -> MediaInfo:
    """Describe a source.

    Args:
        path: A video file, an image, a pattern of numbered images such as "%05d.png", or "-" for standard input.
        video: The index of the stream to upscale, None for the first video.

    Raises:
        InputError: It can't be read, or has no such video.
        SettingsError: `path` is the address of a network stream.
    """
    refuse_address(path)
    path = Path(path)
    if is_pipe(path):
        pipe = Pipe.standard_input()
        with open_input(path, pipe=pipe) as container:
            return replace(_read_media_info(path, container, video), pipe=pipe)
    if is_pattern(path) or (is_image(path) and os.path.exists(path) and not is_animated_png(path)):
        images = ImageSequence.find(path)
        with open_images(images) as container:
            return _with_images(_read_media_info(path, container), images)
    with open_input(path) as container:
        return replace(_read_media_info(path, container, video), bytes=path.stat().st_size)


def _read_media_info(path: Path, container: InputContainer, video: int | None = None) -> MediaInfo:
    with translate_read_errors(path, "at its beginning"):
        stream = select_video(path, container, video)
        with LateStreams(path, container) as late:
            others = tuple(
                _read_stream_info(late.describe(each), each.index)
                for each in container.streams
                if each.index != stream.index
            )
        duration = container.duration / av.time_base if container.duration else None
        return MediaInfo(
            path=path,
            container=container.format.name,
            duration=duration,
            bytes=0,
            video=read_video_info(path, container, stream, duration),
            others=others,
            chapters=len(read_chapters(container)),
            metadata=dict(container.metadata),
        )


def _with_images(media: MediaInfo, images: ImageSequence) -> MediaInfo:
    """`media`, which describes the first image, as the description of all `images`."""
    video = replace(media.video, frames=len(images.files), start=0)
    duration = float(images.length / video.rate)
    return replace(media, video=video, duration=duration, bytes=images.bytes, images=images)


def _read_stream_info(stream: Any, index: int) -> StreamInfo:
    context = stream.codec_context
    details = ""
    if stream.type == "audio" and context is not None:
        details = f"{context.sample_rate} Hz {context.layout.name}"
    return StreamInfo(
        index=index,
        kind=stream.type,
        codec=context.name if context is not None else codec_name(stream) or "unknown",
        language=stream.language,
        title=stream.metadata.get("title"),
        details=details,
    )
