"""The work folder of a job, OUTPUT.uprez beside the output: manifest, finished segments, and a lock.

    OUTPUT.uprez/
      job.json            whose segments these are (manifest.py)
      000000.segment      the first segment, and so on (media/segments/segment_file.py)
      outcome.json        what the job has to report, once all its frames are in segments (outcome.py)
      uprez-….part.mkv    the output while it is written
      lock                held by the process that works on the job; the system releases it however that ends

A segment that is there is complete. The first that is missing or damaged is where the job continues.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from pipeline.errors import OutputError
from pipeline.files.durable.fingerprint import differences
from pipeline.files.durable.manifest import Manifest
from pipeline.files.durable.outcome import Outcome
from pipeline.files.plan import Plan
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.segments.segment_file import SegmentError, SegmentWriter, StoredSegment
from pipeline.system.atomic_file import sync_folder

log = logging.getLogger(__name__)

SUFFIX = ".uprez"
MANIFEST_NAME = "job.json"
_OUTCOME = "outcome.json"
_LOCK, _SEGMENTS, _PARTS = "lock", "*.segment", "*.part*"
_PATIENCE = 1.0  # seconds; `uprez jobs` holds a lock for less


class WorkInProgress(OutputError):
    """Another process works on the same output."""


class WorkFolder:
    """The work folder of a job that runs; for use in a `with` statement, at whose end the lock is released.

    Attributes:
        path: The folder.
        plan: The plan, as the job was begun with it.
        segments: Number of finished segments.
        times: The pts of their frames, as the encoder returned them, in the order of presentation.
        others: Number of packets of other streams in them, by stream index of the source.
    """

    def __init__(self, plan: Plan) -> None:
        """Open the work folder of `plan`, or create it.

        Raises:
            OutputError: It can't be written, another process works on it, or it belongs to another job.
        """
        self.path = work_path(plan.target)
        with translate_write_errors(plan.target):
            self.path.mkdir(exist_ok=True)
        sync_folder(self.path.parent)
        self._lock = lock_work(self.path)
        try:
            self._manifest = self._open_manifest(plan)
            self.plan = self._manifest.apply_to(plan)
            self.segments, self.times, self.others = 0, array("q"), Counter[int]()
            self._read_segments()
        except BaseException:
            self.close()
            raise

    @property
    def frames(self) -> int:
        """Number of frames in the finished segments."""
        return len(self.times)

    @property
    def folder_of_output(self) -> Path | None:
        """The folder for the output while it is written: this one, if a file in it can be renamed to the output."""
        return self.path if self.path.stat().st_dev == self.path.parent.stat().st_dev else None

    def new_segment(self) -> SegmentWriter:
        """Return a writer of the next segment. Raises OSError."""
        return SegmentWriter(self._segment_path(self.segments))

    def commit(self, writer: SegmentWriter) -> None:
        """Finish the next segment. Raises OSError."""
        facts = writer.commit(self._manifest.job, self.segments)
        self.segments += 1
        self.times.extend(facts.times)
        self.others.update(facts.others)

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the job if all its frames are in segments; None if not."""
        outcome = Outcome.read(self.path / _OUTCOME)
        return outcome if outcome and outcome.frames == self.frames else None

    def finish(self, outcome: Outcome) -> None:
        """Keep the outcome of the job, whose frames are all in segments. Raises OutputError."""
        outcome.write(self.path / _OUTCOME)

    def read(self) -> Iterator[StoredSegment]:
        """Read all finished segments in order. Raises OutputError if one is damaged or missing."""
        for index in range(self.segments):
            try:
                segment = self._segment(index)
            except SegmentError as error:
                raise OutputError(f"{error}; the same command makes it again") from error
            yield segment

    def remove(self) -> None:
        """Remove the folder with everything in it that this package wrote. What can't be removed stays."""
        with contextlib.suppress(OSError):
            remove_work(self.path, self._lock)
        self._lock.release()

    def close(self) -> None:
        """Release the lock, and remove the folder if there is no finished segment in it."""
        if self._lock.is_locked and self.path.is_dir() and not segment_paths(self.path):
            self.remove()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _open_manifest(self, plan: Plan) -> Manifest:
        path, new = self.path / MANIFEST_NAME, Manifest.of(plan)
        found = Manifest.read(path)
        if found is not None and found.job == new.job:
            return found
        if segment_paths(self.path):
            reason = "its job.json is damaged" if found is None else _other_job(found, new)
            advice = f"`uprez clean {self.path}` removes it"
            raise OutputError(f"{self.path}: can't be continued: {reason}; {advice}")
        new.write(path)
        return new

    def _read_segments(self) -> None:
        """Read the finished segments; those from the first on that is damaged or missing are removed.

        Raises:
            OutputError: One can't be read, which may pass: nothing is removed.
        """
        for index in itertools.count():
            try:
                facts = self._segment(index).facts
            except SegmentError as error:
                if self._segment_path(index).exists():
                    log.warning("%s; the job continues before it", error)
                break
            self.segments += 1
            self.times.extend(facts.times)
            self.others.update(facts.others)
        with translate_write_errors(self.path):
            for path in (*self.path.glob(_PARTS), *self.path.glob(_SEGMENTS)):
                if path.suffix != ".segment" or path.name >= self._segment_path(self.segments).name:
                    path.unlink()
            sync_folder(self.path)

    def _segment(self, index: int) -> StoredSegment:
        """Read a segment. Raises SegmentError if it has to be made again, OutputError if it can't be read."""
        path = self._segment_path(index)
        try:
            segment = StoredSegment(path)
        except OSError as error:
            advice = "nothing was removed; try again once it can be read"
            raise OutputError(f"{path}: can't be read ({error.strerror}): {advice}") from error
        if (segment.facts.job, segment.facts.index) != (self._manifest.job, index):
            raise SegmentError(f"{path}: belongs to another job")
        return segment

    def _segment_path(self, index: int) -> Path:
        return self.path / f"{index:06}.segment"


def segment_paths(path: Path) -> list[Path]:
    """Return the finished segments in the work folder `path`, in order."""
    return sorted(path.glob(_SEGMENTS))


def work_path(target: Path) -> Path:
    """Return the work folder of the output `target`."""
    return target.with_name(target.name + SUFFIX)


def remove_work(path: Path, lock: FileLock) -> None:
    """Remove the work folder `path`; files that this package did not write stay, and so does the folder then.

    Args:
        path: The folder.
        lock: Its lock, held, and released at the end: no other process begins to work in the folder meanwhile.

    Raises:
        OSError: A file can't be removed.
    """
    for file in (*path.glob(_SEGMENTS), *path.glob(_PARTS), path / _OUTCOME, path / MANIFEST_NAME):
        file.unlink(missing_ok=True)
    try:
        (path / _LOCK).unlink(missing_ok=True)
        lock.release()
    except PermissionError:  # Windows removes no file that is open
        lock.release()
        (path / _LOCK).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it is not empty
        path.rmdir()


def _other_job(found: Manifest, new: Manifest) -> str:
    return f"it has segments of another job ({', '.join(differences(found.fingerprint, new.fingerprint))})"


def lock_work(folder: Path, patience: float = _PATIENCE) -> FileLock:
    """Lock a work folder, and return its lock.

    Args:
        folder: The folder.
        patience: Seconds to wait for another process, which may only be asking whether the folder is in use.

    Raises:
        OutputError: Another process holds the lock.
    """
    lock = FileLock(folder / _LOCK, timeout=patience)
    with translate_write_errors(folder / _LOCK), contextlib.suppress(NotImplementedError):
        try:
            lock.acquire()
        except Timeout as error:  # an OSError too
            message = f"{folder}: another process works on this output: wait for its end, or end it"
            raise WorkInProgress(message) from error
    return lock


def is_in_progress(folder: Path) -> bool:
    """Return True if a process works on the job of a work folder."""
    if not (folder / _LOCK).exists():
        return False
    try:
        lock_work(folder, patience=0).release()
    except WorkInProgress:
        return True
    except OutputError:  # it can't be locked at all
        return False
    return False
