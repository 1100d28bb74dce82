"""Figures of live streams at a moment, for the status line, the web page and metrics.

They contain no secrets: addresses are shown without user names, passwords and keys.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["connecting", "live", "waiting", "failed", "ended"]


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class Delay(_Figures):
    """Percentiles of the seconds from reading a packet to handing over its encoded frame, over the last minute."""

    p50: float
    p95: float
    p99: float
    frames: int = Field(description="number of frames that were measured")


class OutputFigures(_Figures):
    """One output of a stream."""

    name: str = Field(description="its address without secrets, or its file")
    kind: Literal["rtsp", "rtmp", "mpegts", "hls", "file"]
    status: Status
    reason: str = Field("", description="why it is not live")
    packets: int = Field(0, description="packets written")
    bytes: int = Field(0, description="bytes written")
    dropped: dict[str, int] = Field(default_factory=dict, description="packets of video that were dropped, by reason")
    connects: int = Field(0, description="number of times it was opened")
    lag: float = Field(0.0, description="seconds of video that wait to be written")


class StreamFigures(_Figures):
    """One stream. Counts begin at the start of the process."""

    name: str
    source: str = Field(description="its address without secrets")
    status: Status
    reason: str = Field("", description="why it is not live")
    seconds: float = Field(0.0, description="seconds in this status")
    source_format: str = Field("", description="such as 960x540 yuv420p, h264, 30 fps; empty until known")
    result_format: str = Field("", description="format and codec of the output")
    model: str = Field("", description="name of the model")
    backend: str = Field("", description="backend that runs the model")
    rate_in: float = Field(0.0, description="frames decoded per second, over the last 5 seconds")
    rate_out: float = Field(0.0, description="frames encoded per second, over the last 5 seconds")
    frames_in: int = Field(0, description="frames decoded")
    frames_out: int = Field(0, description="frames of the source that were encoded, without those that `fill` repeats")
    frames_repeated: int = Field(
        0, description="frames that repeat the one before, bit for bit, and were not upscaled again"
    )
    frames_filled: int = Field(0, description="frames repeated in gaps")
    dropped: dict[str, int] = Field(default_factory=dict, description="decoded frames that were dropped, by reason")
    skipped: dict[str, int] = Field(
        default_factory=dict, description="packets that were dropped before decoding, by reason"
    )
    waiting: int = Field(0, description="decoded frames that wait to be upscaled")
    most_waiting: int = Field(0, description="the largest number that ever waited")
    delay: Delay | None = None
    connects: int = Field(0, description="number of connections that delivered video")
    faults: dict[str, int] = Field(default_factory=dict, description="what ended connections and attempts, by kind")
    outputs: tuple[OutputFigures, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reconnects(self) -> int:
        """The number of reconnections."""
        return max(0, self.connects - 1)


class GpuFigures(_Figures):
    """One GPU, as its driver reports it."""

    name: str
    use: float = Field(description="share of the last second in which it was busy, 0 to 1")
    memory: int = Field(description="bytes in use by all processes")
    memory_total: int = Field(description="total bytes")


class LiveFigures(_Figures):
    """The complete process. schema_version changes when the meaning of a field does."""

    schema_version: int = 1
    uptime: float = Field(description="seconds since the start")
    memory: int = Field(description="bytes of main memory in use, including child processes")
    streams: tuple[StreamFigures, ...]
    gpus: tuple[GpuFigures, ...] = ()
