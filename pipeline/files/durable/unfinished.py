"""Unfinished jobs: the work folders that interrupted jobs have left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.files.durable.manifest import Manifest
from pipeline.files.durable.work_folder import (
    MANIFEST_NAME,
    SUFFIX,
    is_in_progress,
    lock_work,
    remove_work,
    segment_paths,
    work_path,
)
from pipeline.media.av_errors import translate_write_errors


@dataclass(frozen=True)
class UnfinishedJob:
    """A job whose finished segments are kept.

    Attributes:
        path: Its work folder.
        source: The source's path when the job began; "" if the manifest can't be read.
        done: Frames in finished segments, 0 if unknown; the last segment may have fewer.
        frames: Frames that the output was expected to have; None if unknown.
        bytes: Size of the finished segments.
        in_progress: A process works on it.
        fault: Why it can't be continued; "" if nothing is known to prevent it.
    """

    path: Path
    source: str
    done: int
    frames: int | None
    bytes: int
    in_progress: bool
    fault: str = ""


def unfinished_jobs(folder: Path) -> list[UnfinishedJob]:
    """Return the unfinished jobs in `folder` and the folders within it. Raises OutputError if it is no folder."""
    if not folder.is_dir():
        raise OutputError(f"{folder}: is no folder")
    found = sorted(path for path in folder.rglob(f"*{SUFFIX}") if path.is_dir())
    return [_describe(path) for path in found if segment_paths(path) or (path / MANIFEST_NAME).exists()]


def remove_unfinished(path: Path) -> UnfinishedJob:
    """Remove the segments of an unfinished job, and return its description.

    Args:
        path: The work folder, or the output.

    Raises:
        OutputError: There is no such work folder, a process works on it, or its files can't be removed.
    """
    # `.` and `/` have no name, so no output is called so
    folder = path if path.name.endswith(SUFFIX) or not path.name else work_path(path)
    if not folder.is_dir() or not (segment_paths(folder) or (folder / MANIFEST_NAME).exists()):
        raise OutputError(f"{path}: no unfinished job there; `uprez jobs` lists them")
    job = _describe(folder)
    with translate_write_errors(folder):
        remove_work(folder, lock_work(folder))
    return job


def _describe(path: Path) -> UnfinishedJob:
    segments, manifest, fault = segment_paths(path), None, ""
    try:
        manifest = Manifest.read(path / MANIFEST_NAME)
        fault = "" if manifest else f"its {MANIFEST_NAME} is damaged"
    except OutputError as error:
        fault = str(error)
    done, frames = (len(segments) * manifest.segment_frames, manifest.frames) if manifest else (0, None)
    return UnfinishedJob(
        path=path,
        source=manifest.source if manifest else "",
        done=done if frames is None else min(done, frames),
        frames=frames,
        bytes=sum(map(_size, segments)),
        in_progress=is_in_progress(path),
        fault=fault,
    )


def _size(path: Path) -> int:
    """The size of a file in bytes; 0 if it was removed meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
