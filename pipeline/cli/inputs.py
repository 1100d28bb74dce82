"""What is wished for on the command line: sources by name, folders and patterns, each with a place for its result."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli.console import note
from pipeline.config.address import refuse_address
from pipeline.errors import InputError, SettingsError
from pipeline.media.reading.image_sequence import is_image
from pipeline.verification.verdict import count_phrase

VIDEO_SUFFIXES = set(".mp4 .mkv .mov .avi .webm .m4v .ts .m2ts .mts .mpg .mpeg .vob .wmv .flv .ogv .3gp .mxf".split())
_NOTHING = f"no video there (looked for {' '.join(sorted(VIDEO_SUFFIXES))})"
_OURS = re.compile(r"\.(x[12348]|partial\d*)\.[^.]+$|^uprez-[0-9a-f]{8}\.part\.")


@dataclass(frozen=True)
class JobInput:
    """A video to upscale. folder: for the result; file: the result's own name; neither: a name beside the source.

    named: it alone was asked for, by name.
    """

    source: Path
    folder: Path | None = None
    file: Path | None = None
    named: bool = False


def resolve_inputs(sources: list[str], to: Path | None) -> list[JobInput]:
    """What is wished for: each video, and where its result shall go."""
    for path in (*sources, to or "."):
        refuse_address(path)
    if to is not None and to.exists() and not to.is_dir():
        raise SettingsError(f"--to {to}: is a file; it names a folder, and `uprez upscale IN OUT` a file")
    first = Path(sources[0])
    if len(sources) <= 2 and to is None and not first.is_dir() and not _is_pattern(sources[0]):
        return [JobInput(first, file=Path(sources[1]) if len(sources) == 2 else None, named=True)]
    if len(sources) == 2 and to is None and not Path(sources[1]).exists():
        raise SettingsError(f"{sources[1]}: no such file; the folder for the results goes behind --to")
    wishes: list[JobInput] = []
    for source in sources:
        root = Path(source)
        if root.is_dir():
            wishes += _all_in(root, to)
        elif _is_pattern(source):
            for found in map(Path, sorted(glob.glob(source, recursive=True))):
                wishes += _in_folder(found, to) if found.is_dir() else _if_video(found, to, pictures=True)
        else:
            wishes.append(JobInput(root, folder=to, named=len(sources) == 1))
    if not wishes:
        raise InputError(f"{', '.join(sources)}: {_NOTHING}")
    return wishes


def _all_in(root: Path, to: Path | None) -> list[JobInput]:
    """A wish for each video in the folder `root`. Raises InputError if there is none."""
    wishes, pictures = _in_folder(root, to), sum(map(is_image, root.iterdir()))
    advice = f"'{root / '*'}' upscales each"
    if not wishes:
        seen = f", but {count_phrase(pictures, 'picture')} there: {advice}" if pictures else ""
        raise InputError(f"{root}: {_NOTHING}{seen}")
    if pictures:
        note(f"{root}: {count_phrase(pictures, 'picture')} left alone: {advice}")
    return wishes


def _in_folder(root: Path, to: Path | None) -> list[JobInput]:
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return [wish for path in found for wish in _if_video(path, to / path.relative_to(root).parent if to else None)]


def _if_video(path: Path, to: Path | None, pictures: bool = False) -> list[JobInput]:
    """A wish if `path` is called like a video, or like a picture where `pictures` were asked for too."""
    if path.suffix.lower() not in VIDEO_SUFFIXES and not (pictures and is_image(path)):
        return []
    if _OURS.search(path.name):
        note(f"{path}: looks like a result by its name, left alone")
        return []
    return [JobInput(path, folder=to)]


def _is_pattern(source: str) -> bool:
    return glob.has_magic(source) and not Path(source).exists()
