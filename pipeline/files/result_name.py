"""Names the output of a job where the user names none."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.media.encoding.image_codecs import image_encoder_for
from pipeline.media.reading.animation import is_animated_png
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.writing.container_support import GENERAL


def target_for(source: Path, to: Path | None, label: str) -> Path:
    """The path of a job's output.

    Args:
        source: The input. Images and animations keep their format: photo.x2.jpg, %05d.x2.png. Other files become
            .mkv, and standard input is written to standard output.
        to: Returned as it is unless it is a folder. None: the folder of the source.
        label: The size for the name, such as x2: in.x2.mkv.
    """
    if to is not None and not os.path.isdir(to):  # Path.is_dir raises on names that are too long
        return to
    if is_pipe(source) and to is None:
        return source
    stem = "stdin" if is_pipe(source) else source.stem
    suffix = ".apng" if is_animated_png(source) else source.suffix if image_encoder_for(source) else GENERAL.suffixes[0]
    return (to or source.parent) / f"{stem}.{label}{suffix}"
