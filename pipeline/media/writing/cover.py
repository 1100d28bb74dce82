"""Cover art: an image that belongs to a file, which FFmpeg presents as a video stream of one packet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from av.stream import Disposition

from pipeline.errors import InputError
from pipeline.media.av_errors import translate_read_errors
from pipeline.media.reading.input_container import demux, open_input
from pipeline.media.reading.pipe import is_pipe

_TYPES = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png"), "gif": ("gif", "image/gif")}
_TYPES |= {"bmp": ("bmp", "image/bmp"), "webp": ("webp", "image/webp"), "tiff": ("tif", "image/tiff")}


def is_cover(stream: Any) -> bool:
    """Return True if `stream` is cover art; chapter thumbnails are not."""
    return bool(stream.disposition & Disposition.attached_pic) and not is_thumbnail(stream)


def is_thumbnail(stream: Any) -> bool:
    """Return True if `stream` is the thumbnails of chapters."""
    return bool(stream.disposition & Disposition.timed_thumbnails)


def read_cover(path: Path, index: int) -> bytes:
    """Return the content of the image file that stream `index` carries; b"" if the stream is empty.

    Raises:
        InputError: The file can't be read again, or is a pipe.
    """
    if is_pipe(path):
        raise InputError("-: a pipe can be read only once")
    with (
        translate_read_errors(path),
        open_input(path) as container,
        demux(container, container.streams[index]) as packets,
    ):
        return next((bytes(packet) for packet in packets if packet.size), b"")


def name_and_type(codec: str, metadata: dict[str, str]) -> tuple[str, str]:
    """Return file name and MIME type of the attachment that cover art becomes in Matroska files."""
    suffix, mime_type = _TYPES.get(codec, (codec, f"image/{codec}"))
    return metadata.get("filename", f"cover.{suffix}"), metadata.get("mimetype", mime_type)
