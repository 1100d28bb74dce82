"""The report of `uprez bench`, as it is saved."""

from __future__ import annotations

from pydantic import BaseModel, Field

from pipeline.diagnostics.host_facts import HostFacts

SCHEMA_VERSION = 1


class BenchmarkRow(BaseModel):
    """One measurement of `benchmark`, or of a method of `StageBenchmark`."""

    name: str = Field(description="what ran: decode, engine, encode, decode + encode, discarded or encoded")
    frames: int = Field(description="number of frames that were timed")
    seconds: float = Field(description="time from the first of them to the last")
    rate: float = Field(description="frames per second")
    cpu: float | None = Field(
        None, description="milliseconds of processor time per frame, of the threads between decoder and encoder"
    )
    share: float | None = Field(
        None, description="rate relative to the bottleneck, the slowest part alone; 1.0: nothing is lost"
    )


class BenchmarkReport(HostFacts):
    """One run of `uprez bench`."""

    schema_version: int = Field(SCHEMA_VERSION, description="version of this layout; changes with a field's meaning")
    clip: str = Field(description="name of the clip, or how it was generated")
    source: str = Field(description="size and pixel format of the clip")
    result: str = Field(description="size and pixel format of upscaled frames")
    model: str = Field(description="name, scale and precision of the network")
    backend: str = Field(description="what ran the network: library, version and device")
    decoder: str = Field("software", description="software or nvdec")
    decoders: int = Field(1, description="number of parallel decoders")
    encoder: str = Field(description="codec and its options")
    encoders: int = Field(1, description="number of parallel encoders, each on closed GOPs of its own")
    rows: list[BenchmarkRow]

    def row(self, name: str) -> BenchmarkRow:
        """The row of that name. Raises StopIteration if it was not measured."""
        return next(row for row in self.rows if row.name == name)
