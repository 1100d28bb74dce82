"""The inputs of `uprez upscale`: files by name, folders and patterns, each with the location of its output."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli.console import note
from pipeline.config.address import refuse_address
from pipeline.errors import InputError, SettingsError
from pipeline.media.reading.image_sequence import is_image
from pipeline.verification.verdict import count_phrase

VIDEO_SUFFIXES = set(".mp4 .mkv .mov .avi .webm .m4v .ts .m2ts .mts .mpg .mpeg .vob .wmv .flv .ogv .3gp .mxf".split())
_NO_VIDEO = f"no video there (looked for {' '.join(sorted(VIDEO_SUFFIXES))})"
# macOS stores attributes of a file in another one where the file system has no room for them (RFC 1740, appendix A).
_APPLE_DOUBLE_PREFIX, _APPLE_DOUBLE_MAGIC = "._", b"\x00\x05\x16\x07"
_OUTPUT_NAME = re.compile(r"\.(x[12348]|partial\d*)\.[^.]+$|^uprez-[0-9a-f]{8}\.part\.")


@dataclass(frozen=True)
class JobInput:
    """A video or an image to upscale. Without `folder` and `file`, its output is beside it.

    Attributes:
        source: The file, a pattern of numbered images, or - for standard input.
        folder: The folder of the output.
        file: The output.
        named: Whether it is the only source and was given by its name.
    """

    source: Path
    folder: Path | None = None
    file: Path | None = None
    named: bool = False


def resolve_inputs(sources: list[str], to: Path | None) -> list[JobInput]:
    """Find the inputs that the arguments of `uprez upscale` name.

    Args:
        sources: Files, folders and patterns; or one file and the name of its output.
        to: The folder for the outputs.

    Raises:
        InputError: A source is an address, or contains no video.
        SettingsError: The location of the outputs is ambiguous, or no folder.
    """
    for path in (*sources, to or "."):
        refuse_address(path)
    if to is not None and os.path.exists(to) and not os.path.isdir(to):
        raise SettingsError(f"`to` {to}: is a file, not a folder; `uprez upscale IN OUT` names an output")
    first = Path(sources[0])
    if len(sources) <= 2 and to is None and not os.path.isdir(first) and not _is_pattern(sources[0]):
        return [JobInput(first, file=Path(sources[1]) if len(sources) == 2 else None, named=True)]
    if len(sources) == 2 and to is None and not os.path.exists(sources[1]):
        raise SettingsError(f"{sources[1]}: no such file; give the folder for the outputs as `to`")
    inputs = [each for source in sources for each in _inputs_of(source, to, is_only=len(sources) == 1)]
    if not inputs:
        raise InputError(f"{', '.join(sources)}: {_NO_VIDEO}")
    return inputs


def _inputs_of(source: str, to: Path | None, is_only: bool) -> list[JobInput]:
    """The inputs of one argument: a folder, a pattern or a file."""
    path = Path(source)
    if os.path.isdir(path):
        return _all_in(path, to)
    if not _is_pattern(source):
        return [JobInput(path, folder=to, named=is_only)]
    inputs: list[JobInput] = []
    for found in map(Path, sorted(glob.glob(source, recursive=True))):
        inputs += _videos_in(found, to) if found.is_dir() else _as_input(found, to, images=True)
    return inputs


def _all_in(folder: Path, to: Path | None) -> list[JobInput]:
    """The videos in `folder`. Raises InputError if there is none."""
    inputs = _videos_in(folder, to)
    images = sum(is_image(path) and not _is_apple_double(path) for path in folder.iterdir())
    advice = f"'{folder / '*'}' upscales each"
    if not inputs:
        seen = f", but {count_phrase(images, 'image')} there: {advice}" if images else ""
        raise InputError(f"{folder}: {_NO_VIDEO}{seen}")
    if images:
        note(f"{folder}: {count_phrase(images, 'image')} skipped: {advice}")
    return inputs


def _videos_in(folder: Path, to: Path | None) -> list[JobInput]:
    """The videos in `folder` and in the folders within, whose outputs are in folders of the same names."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [each for file in files for each in _as_input(file, to / file.relative_to(folder).parent if to else None)]


def _as_input(path: Path, to: Path | None, images: bool = False) -> list[JobInput]:
    """An input if the name of `path` is that of a video, or of an image if `images` are included; else none."""
    if path.suffix.lower() not in VIDEO_SUFFIXES and not (images and is_image(path)):
        return []
    if _is_apple_double(path):
        return []
    if _OUTPUT_NAME.search(path.name):
        note(f"{path}: skipped, its name is that of an earlier output")
        return []
    return [JobInput(path, folder=to)]


def _is_apple_double(path: Path) -> bool:
    """Return True if `path` has the attributes of the file whose name it has after its prefix, and no video."""
    if not path.name.startswith(_APPLE_DOUBLE_PREFIX):
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_APPLE_DOUBLE_MAGIC)) == _APPLE_DOUBLE_MAGIC
    except OSError:
        return False  # the reason is reported when it is opened as a video


def _is_pattern(source: str) -> bool:
    return glob.has_magic(source) and not os.path.exists(source)
