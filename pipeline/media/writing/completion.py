"""What is written into a finished file, as FFmpeg's muxers do not write it, or PyAV can't tell them to."""

from __future__ import annotations

from pathlib import Path

from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.writing import sample_aspect
from pipeline.media.writing.container_support import container_for
from pipeline.media.writing.matroska_chapters import append_chapters
from pipeline.media.writing.video_metadata import complete_boxes


def complete_file(part: Path, target: Path, encoding: VideoEncoding, chapters: bytes | None) -> list[str]:
    """Complete the finished file `part`.

    Args:
        part: The file, closed.
        target: The name that it will have.
        encoding: The encoding of its video.
        chapters: Matroska's element to append to it, None for none.

    Returns:
        A line for each part that its header has no space for.
    """
    dropped = sample_aspect.complete_file(part, target, encoding)
    if chapters and not append_chapters(part, chapters):
        dropped.append("chapters dropped: the header has no space for them")
    if container_for(target).iso and (encoding.stereo or encoding.projection):
        complete_boxes(part, encoding.stereo)
    return dropped
