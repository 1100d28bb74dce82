"""The outcome of a file's job."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """The outcome of a job.

    Attributes:
        path: The output. If the job was stopped, its name says so: NAME.partial.mkv; with `resume` it is the folder of
            the finished segments, OUTPUT.uprez, after which the same job continues.
        frames_in: Frames decoded from the source, in the part that was requested.
        frames_out: Frames written.
        stopped: Whether `Job.stop` ended the job before the end of the source.
        source_intact: Whether the source was neither damaged nor truncated. If not, the output contains all that could
            be decoded.
        frames_lost: Frames of the source that could not be decoded or are missing.
        frames_damaged: Frames of the source with visible damage.
        seconds: Time from the first packet to the finished file.
        backend: What ran the network: library, version and device.
        bottleneck: The stage that limited the rate: "decode", "upscale" or "encode".
        frames_repeated: Frames written that repeat the one before, bit for bit, and were not upscaled again.
        frames_resumed: Frames written by earlier runs of the job, which was interrupted.
        notes: What the plan had to report before the start, a line each.
        findings: What turned out to be special about source or output, a line each.
    """

    path: Path
    frames_in: int
    frames_out: int
    stopped: bool
    source_intact: bool
    frames_lost: int
    frames_damaged: int
    seconds: float
    backend: str
    bottleneck: str
    frames_repeated: int = 0
    frames_resumed: int = 0
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Frames per second, on average."""
        return (self.frames_out - self.frames_resumed) / self.seconds if self.seconds else 0.0

    @property
    def complete(self) -> bool:
        """Deprecated: `not stopped`."""
        _warn("complete", "not Result.stopped")
        return not self.stopped

    @property
    def whole(self) -> bool:
        """Deprecated: `source_intact`."""
        _warn("whole", "Result.source_intact")
        return self.source_intact

    @property
    def lost(self) -> int:
        """Deprecated: `frames_lost`."""
        _warn("lost", "Result.frames_lost")
        return self.frames_lost

    @property
    def damaged(self) -> int:
        """Deprecated: `frames_damaged`."""
        _warn("damaged", "Result.frames_damaged")
        return self.frames_damaged


def _warn(old: str, new: str) -> None:
    message = f"Result.{old} is now {new}; the old name will be removed in the next version"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
