"""What a run of `uprez bench` has to tell, as it is saved."""

from __future__ import annotations

from pydantic import BaseModel, Field

SCHEMA_VERSION = 1


class Row(BaseModel):
    """One measurement."""

    name: str = Field(description="what ran: decode, engine, encode, decode + encode, discarded or encoded")
    frames: int = Field(description="frames that were timed")
    seconds: float = Field(description="from the first of them to the last")
    rate: float = Field(description="frames in a second")
    cpu: float | None = Field(
        None, description="milliseconds of processor time a frame, of the threads between decoder and encoder"
    )
    share: float | None = Field(None, description="of the whole's floor, the slowest part alone; 1.0 is all of it")


class Report(BaseModel):
    """One run of `uprez bench`."""

    schema_version: int = Field(SCHEMA_VERSION, description="of this layout; it changes when a field's meaning does")
    when: str = Field(description="UTC, ISO 8601")
    processor: str
    cores: int = Field(description="that the process may use")
    memory: int = Field(description="bytes of main memory")
    gpu: str | None = Field(description="name, compute capability and driver")
    versions: dict[str, str] = Field(description="of Python, FFmpeg and the packages that matter")
    clip: str = Field(description="name of the clip, or how it was made")
    source: str = Field(description="size and pixel format of the clip")
    result: str = Field(description="size and pixel format of the finished frames")
    model: str
    backend: str
    decoder: str = Field("software", description="software or nvdec")
    encoder: str = Field(description="codec and its options")
    encoders: int = Field(1, description="how many of them worked at once, each on closed GOPs of its own")
    rows: list[Row]

    def row(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)
