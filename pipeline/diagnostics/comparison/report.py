"""The figures of a comparison, as they are saved."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.diagnostics.host_facts import HostFacts

SCHEMA_VERSION = 1


class FrameQuality(BaseModel):
    """One frame, measured against that of the reference."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    index: int = Field(description="number of the frame, counted from the first one that is compared")
    time: float = Field(description="seconds after the first frame of the video")
    psnr: float = Field(description="PSNR on luma in dB; Infinity: equal")
    ssim: float | None = Field(description="SSIM on luma, 1: equal; null: the frame is smaller than 8x8")
    flicker: float | None = Field(
        description="mean difference between its change from the frame before and the reference's, in levels of "
        "8-bit luma; null: there is no frame before it"
    )


class ComparisonRow(BaseModel):
    """One of the videos that are compared."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    name: str = Field(description="name of the network or the file")
    kind: Literal["reference", "bicubic", "model", "file"] = Field(
        description="bicubic: the source, enlarged by bicubic resampling"
    )
    size: str | None = Field(None, description="WIDTHxHEIGHT of its own frames; null: it failed")
    scale: int | None = Field(None, description="the factor of a network; null: no network")
    backend: str | None = Field(None, description="what ran the network: library, version and device")
    rate: float | None = Field(
        None, description="frames per second of the network's session in the steady state, without decoder and encoder"
    )
    psnr: float | None = Field(None, description="PSNR on luma of the mean squared error over all frames, in dB")
    ssim: float | None = Field(None, description="mean SSIM on luma")
    flicker: float | None = Field(None, description="mean flicker, in levels of 8-bit luma")
    missing: int = Field(0, description="frames without a counterpart at their time, in this video or the reference")
    failure: str | None = Field(None, description="why the network could not be used; null: it was")
    frames: list[FrameQuality] = Field(default_factory=list, description="each frame; none without a reference")


class ComparisonReport(HostFacts):
    """One run of `uprez compare`."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    schema_version: int = Field(SCHEMA_VERSION, description="version of this layout; changes with a field's meaning")
    source: str = Field(description="the clip, or the file whose times are those of the frames")
    reference: str | None = Field(None, description="the original; null: without figures of quality")
    size: str = Field(description="WIDTHxHEIGHT at which everything is compared")
    times: list[float] = Field(description="seconds after the first frame of the video, of each frame compared")
    shown: list[int] = Field(description="index into `times` of each frame on the page")
    notes: list[str] = Field(default_factory=list, description="what to know of the figures and the images")
    rows: list[ComparisonRow]
