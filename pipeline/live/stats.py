"""What a live stream has to tell about itself, at any moment: for the status line, the page, and metrics.

Nothing here holds a secret: addresses are shown without user names, passwords and keys.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["connecting", "live", "waiting", "failed", "ended"]


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class Delay(_Figures):
    """From a packet's coming to the hand-over of what became of it, in seconds, over the last minute."""

    p50: float
    p95: float
    p99: float
    frames: int = Field(description="that were counted")


class OutputFigures(_Figures):
    """One output of a stream."""

    name: str = Field(description="its address, without secrets, or its file")
    kind: Literal["rtsp", "rtmp", "mpegts", "hls", "file"]
    status: Status
    reason: str = Field("", description="why it is not live")
    packets: int = Field(0, description="that were written")
    bytes: int = 0
    dropped: dict[str, int] = Field(default_factory=dict, description="video packets left out, by reason")
    connects: int = Field(0, description="how often it was opened")
    lag: float = Field(0.0, description="seconds of stream that wait to be written")


class StreamFigures(_Figures):
    """One stream. All counts are since the start of the process."""

    name: str
    source: str = Field(description="its address, without secrets")
    status: Status
    reason: str = Field("", description="why it is not live")
    seconds: float = Field(0.0, description="in that status")
    source_format: str = Field("", description="such as 960x540 yuv420p, h264, 30 fps; empty until known")
    result_format: str = ""
    model: str = ""
    backend: str = ""
    rate_in: float = Field(0.0, description="frames decoded in a second, over the last seconds")
    rate_out: float = Field(0.0, description="frames encoded in a second, over the last seconds")
    frames_in: int = Field(0, description="frames decoded")
    frames_out: int = Field(0, description="frames of the source that came through, without what --fill repeats")
    frames_filled: int = Field(0, description="frames repeated in gaps")
    dropped: dict[str, int] = Field(default_factory=dict, description="frames decoded and then left out, by reason")
    skipped: dict[str, int] = Field(default_factory=dict, description="packets left out before that, by reason")
    waiting: int = Field(0, description="frames that wait at the live edge")
    most_waiting: int = Field(0, description="the most that ever did")
    delay: Delay | None = None
    connects: int = Field(0, description="how often it was connected")
    faults: dict[str, int] = Field(default_factory=dict, description="what ended connections, or attempts, by kind")
    outputs: tuple[OutputFigures, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reconnects(self) -> int:
        """How often it came back."""
        return max(0, self.connects - 1)


class GpuFigures(_Figures):
    """One GPU, as its driver tells."""

    name: str
    use: float = Field(description="share of the last second in which it was at work, 0 to 1")
    memory: int = Field(description="bytes in use, by all processes")
    memory_total: int


class LiveFigures(_Figures):
    """The whole process. schema_version changes when a field's meaning does."""

    schema_version: int = 1
    uptime: float = Field(description="seconds")
    memory: int = Field(description="bytes of main memory, with its children")
    streams: tuple[StreamFigures, ...]
    gpus: tuple[GpuFigures, ...] = ()
