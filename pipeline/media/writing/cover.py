"""Cover art: a picture that belongs to a file, which FFmpeg shows as a video stream of one packet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from av.stream import Disposition

from pipeline.media.av_errors import translate_read_errors
from pipeline.media.reading.input_container import open_input

_KINDS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png"), "gif": ("gif", "image/gif")}
_KINDS |= {"bmp": ("bmp", "image/bmp"), "webp": ("webp", "image/webp"), "tiff": ("tif", "image/tiff")}


def is_cover(stream: Any) -> bool:
    """Whether `stream` is cover art, and not one of the small pictures of chapters."""
    return bool(stream.disposition & Disposition.attached_pic) and not is_thumbnail(stream)


def is_thumbnail(stream: Any) -> bool:
    return bool(stream.disposition & Disposition.timed_thumbnails)


def picture(path: Path, index: int) -> bytes:
    """The picture of stream `index`, as a file of its own would hold it; b"" if there is none."""
    with translate_read_errors(path), open_input(path) as container:
        return next((bytes(packet) for packet in container.demux(container.streams[index]) if packet.size), b"")


def name_and_type(codec: str, metadata: dict[str, str]) -> tuple[str, str]:
    """What the attachment of a cover is called, and its MIME type."""
    suffix, kind = _KINDS.get(codec, (codec, f"image/{codec}"))
    return metadata.get("filename", f"cover.{suffix}"), metadata.get("mimetype", kind)
