"""Where a result goes: nothing of the user's may be lost there, and it must be possible to write."""

from __future__ import annotations

import os
import shutil

from pipeline.config.address import refuse_address
from pipeline.errors import OutputError, UprezError
from pipeline.files.plan import Plan
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.probe import probe
from pipeline.media.writing.result_kind import check_form

_FRAMES_GUESSED = 2  # times as many as there are may be guessed, where a container does not tell


def check_target(plan: Plan) -> None:
    """Raise OutputError if writing the result would cost the source or another video, or can't succeed.

    Raises SettingsError where it is an address.
    """
    target = plan.target
    if is_pipe(target):
        return
    refuse_address(target)
    try:
        exists = target.exists()
        if exists and any(os.path.samefile(source, target) for source in plan.media.files):
            raise OutputError(f"{target}: is the input itself; give the result another name")
    except OSError as error:
        raise OutputError(f"{target}: {error.strerror}") from error
    if exists and not (target.is_file() or target.is_dir()):
        raise OutputError(f"{target}: is a device or a pipe, no file; - writes to standard output")
    if target.is_dir():
        raise OutputError(f"{target}: is a folder; give a file name, or --to {target}")
    check_form(target, plan.media.files, plan.frames, plan.encoding.rate, plan.settings.overwrite)
    if exists and not plan.settings.overwrite:
        raise OutputError(f"{target}: exists already; --overwrite replaces it")
    if exists and (other := _another_video(plan)):
        raise OutputError(f"{target}: {other}; delete it first, or give another name")
    if not target.parent.is_dir():
        raise OutputError(f"{target}: the folder {target.parent} does not exist: make it first")
    if not os.access(target.parent, os.W_OK):
        raise OutputError(f"{target}: the folder {target.parent} may not be written to")


def _another_video(plan: Plan) -> str | None:
    """Why what lies under the result's name is no earlier result, None if it may be: `*.mp4` can be two films."""
    try:
        there = probe(plan.target).video
    except UprezError:
        return None
    made = plan.encoding.format
    if (there.format.width, there.format.height) != (made.width, made.height):
        size = f"{there.format.width}x{there.format.height}"
        return f"is a video of {size}, not an earlier result ({made.width}x{made.height})"
    expected = plan.frames
    if there.frames and expected and max(there.frames, expected) > _FRAMES_GUESSED * min(there.frames, expected):
        return f"is a video of {there.frames} frames, not an earlier result ({expected})"
    return None


def free_disk(plan: Plan) -> int:
    """Bytes that the disk of the result has left."""
    return shutil.disk_usage(plan.target.parent).free
