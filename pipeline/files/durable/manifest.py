"""The manifest of a work folder: whose segments it contains, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import OutputError
from pipeline.files.durable.fingerprint import Fingerprint, fingerprint_digest, job_fingerprint
from pipeline.files.plan import Plan
from pipeline.media.av_errors import translate_write_errors
from pipeline.system.atomic_file import write_atomically
from pipeline.system.cache import read_record, record_bytes

_FORMAT = 1
_ALLOCATION = ("encoders", "gop", "threads", "waiting")  # fields of VideoEncoding that depend on the machine


@dataclass(frozen=True)
class Manifest:
    """The facts that a job needs to continue.

    Attributes:
        fingerprint: Everything that the output depends on, by name.
        source: The source's path when the job began.
        target: The output's path.
        frames: Frames that the output was expected to have; None if unknown.
        segment_frames: Frames of each segment but the last.
        allocation: Encoders, frames of a GOP, threads and waiting frames, which depend on the machine.
        format: Version of the work folder's format.
    """

    fingerprint: Fingerprint
    source: str
    target: str
    frames: int | None
    segment_frames: int
    allocation: Mapping[str, int]
    format: int = _FORMAT

    @classmethod
    def of(cls, plan: Plan) -> Manifest:
        """Return the manifest of a job that begins."""
        allocation = {name: int(getattr(plan.encoding, name)) for name in _ALLOCATION}
        source, target = str(plan.media.path.absolute()), str(plan.target.absolute())
        return cls(job_fingerprint(plan), source, target, plan.frames, plan.segment_frames, allocation)

    @classmethod
    def read(cls, path: Path) -> Manifest | None:
        """Read a manifest; None if there is none, or it is damaged.

        Raises:
            OutputError: It was written by another version of this package.
        """
        facts: Any = read_record(path)
        if not isinstance(facts, dict):
            return None
        if facts.get("format") != _FORMAT:
            raise OutputError(
                f"{path.parent}: is the work folder of another version of uprez, which can continue it; "
                f"`uprez clean {path.parent}` removes it"
            )
        return cls(**facts)

    def write(self, path: Path) -> None:
        """Write the manifest, completely or not at all. Raises OutputError."""
        with translate_write_errors(path):
            write_atomically(path, record_bytes(asdict(self)), durable=True)

    @property
    def job(self) -> str:
        """The digest of the fingerprint, which all segments carry."""
        return fingerprint_digest(self.fingerprint)

    def apply_to(self, plan: Plan) -> Plan:
        """Return `plan` with the allocation and the segments of this job."""
        allocation: Mapping[str, Any] = self.allocation
        encoding = replace(plan.encoding, **allocation)
        return replace(plan, encoding=encoding, segment_frames=self.segment_frames)
