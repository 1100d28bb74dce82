"""Checks of a job's output before the start: it can be written, and no file of the user is lost by it."""

from __future__ import annotations

import os
import shutil

from pipeline.config.address import refuse_address
from pipeline.errors import OutputError, UprezError
from pipeline.files.plan import Plan
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.probe import probe
from pipeline.media.reading.truncation import missing_bytes
from pipeline.media.writing.output_kind import check_output

# How far the number of frames of an earlier output may be off: containers without an index only allow to estimate it.
_FRAME_TOLERANCE, _FRAME_TOLERANCE_SHARE = 2, 0.1


def check_target(plan: Plan) -> None:
    """Check that the output of `plan` can be written and replaces neither the source nor another video.

    Raises:
        OutputError: It can't be, or would.
        SettingsError: It is an address.
    """
    target = plan.target
    if is_pipe(target):
        return
    refuse_address(target)
    try:
        exists = target.exists()
        if exists and any(os.path.samefile(source, target) for source in plan.media.files):
            raise OutputError(f"{target}: is the input itself; give the output another name")
    except OSError as error:
        raise OutputError(f"{target}: {error.strerror}") from error
    if exists and not (target.is_file() or target.is_dir()):
        raise OutputError(f"{target}: is a device or a pipe, not a file; - writes to standard output")
    if target.is_dir():
        raise OutputError(f"{target}: is a folder; give a file name, or `to={target}`")
    if not target.parent.is_dir():
        raise OutputError(f"{target}: the folder {target.parent} does not exist: create it first")
    check_output(target, plan.media.files, plan.frames, plan.encoding.rate, plan.settings.overwrite)
    if exists and (other := _another_video(plan)):
        advice = "it is never replaced: remove it, give another name, or the folder for several outputs as `to`"
        raise OutputError(f"{target}: {other}; {advice}")
    if exists and not plan.settings.overwrite:
        raise OutputError(f"{target}: exists already; `overwrite=True` replaces it")
    if not os.access(target.parent, os.W_OK):
        raise OutputError(
            f"{target}: the folder {target.parent} is not writable: check its permissions or write elsewhere"
        )


def check_earlier_output(plan: Plan) -> None:
    """Check that the file at the output's path is a complete video, as this job would write it. It is not decoded.

    Raises:
        OutputError: It can't be read, is cut off, was never finished, or is another video.
    """
    target, advice = plan.target, "`overwrite=True` replaces it"
    try:
        found = probe(target)
        missing = missing_bytes(target, found.container)
    except UprezError as error:
        raise OutputError(f"{target}: exists and is not a complete video ({error}); {advice}") from error
    if missing:
        raise OutputError(f"{target}: exists and is cut off: at least {missing} bytes are missing; {advice}")
    if plan.frames and found.video.frames is None:
        raise OutputError(f"{target}: exists and was never finished: it declares no length; {advice}")
    if other := _another_video(plan):
        raise OutputError(f"{target}: exists and {other}; rename or remove it")


def _another_video(plan: Plan) -> str | None:
    """Why the file at the output's path is no earlier output of this job; None if it may be one.

    A shell expands `*.mp4` to several videos, the second of which would be taken for the output.
    """
    try:
        existing = probe(plan.target).video
    except UprezError:
        return None
    output, found = plan.encoding.format, existing.format
    if (found.width, found.height) != (output.width, output.height):
        size = f"{found.width}x{found.height}"
        return f"is a video of {size}, and this job writes {output.width}x{output.height}: it may be a source"
    expected = plan.frames
    frames = existing.frames
    tolerance = max(_FRAME_TOLERANCE, _FRAME_TOLERANCE_SHARE * (expected or 0))
    if frames and expected and abs(frames - expected) > tolerance:
        return f"is a video of about {frames} frames, and this job writes {expected}: it may be a source"
    return None


def free_disk(plan: Plan) -> int:
    """Free bytes on the disk of the output."""
    return shutil.disk_usage(plan.target.parent).free
