"""The outcome of a job whose frames are all in segments: what its result has to report, once these are joined."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from pipeline.media.av_errors import translate_write_errors
from pipeline.system.atomic_file import write_atomically
from pipeline.system.cache import read_record, record_bytes


@dataclass(frozen=True)
class Outcome:
    """What is known of a job before its segments are joined.

    Attributes:
        frames: Frames of the output.
        frames_in: Frames decoded from the source.
        frames_lost: Frames of the source that could not be decoded or are missing.
        frames_damaged: Frames of the source with visible damage.
        source_intact: The source was neither damaged nor truncated.
        backend: What ran the network.
        findings: What turned out to be special about the source, a line each.
    """

    frames: int
    frames_in: int
    frames_lost: int
    frames_damaged: int
    source_intact: bool
    backend: str
    findings: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write it, completely or not at all. Raises OutputError."""
        with translate_write_errors(path):
            write_atomically(path, record_bytes(asdict(self)), durable=True)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read it; None if it is missing or damaged: the source is then decoded again."""
        facts: Any = read_record(path)
        if not isinstance(facts, dict):
            return None
        try:
            return cls(**{**facts, "findings": tuple(facts["findings"])})
        except (KeyError, TypeError):  # of another version
            return None
