"""Facts about the machine and the software on it, for reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, Field

from pipeline.system import host


class HostFacts(BaseModel):
    """The machine and the software that a report was made with. Reports inherit from it."""

    when: str = Field(description="time of the report, UTC, ISO 8601")
    processor: str = Field(description="the processor's name")
    cores: int = Field(description="cores that the process may use")
    memory: int = Field(description="main memory in bytes")
    gpu: str | None = Field(description="name, compute capability and driver of the GPUs used; null: none")
    versions: dict[str, str] = Field(description="versions of Python, FFmpeg and the packages that matter to speed")


def host_facts(gpus: Sequence[int] | None = ()) -> HostFacts:
    """The facts of this machine at this time.

    Args:
        gpus: Numbers of the GPUs that are used, as CUDA counts them; None: all.

    Raises:
        BackendError: There is no GPU of such a number.
    """
    return HostFacts(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        processor=host.processor(),
        cores=host.cores(),
        memory=host.total_memory(),
        gpu=_describe_gpus(range(len(host.gpus())) if gpus is None else gpus),
        versions=host.versions(),
    )


def _describe_gpus(numbers: Sequence[int]) -> str | None:
    if not numbers:
        return None
    first = host.gpus()[numbers[0]]
    count = f"{len(numbers)} x " if len(numbers) > 1 else ""
    return f"{count}{first.name}, compute capability {first.capability}, driver {first.driver}"
