"""The report of benchmarks/models.py."""

from __future__ import annotations

from pydantic import BaseModel, Field

from pipeline import HostFacts


class Quality(BaseModel):
    """The quality of one network, or of bicubic, in dB of PSNR on luma."""

    set5: float | None = Field(
        None, description="mean over the images of Set5; null for a network that enlarges nothing"
    )
    clip: float | None = Field(None, description="of the mean squared error over the frames of the compressed clip")
    reason: str | None = Field(None, description="why it could not be measured")


class Rate(BaseModel):
    """The rate of one bare network at one size of the input."""

    frames_per_second: float | None = None
    backend: str | None = Field(None, description="what ran it, as the session reports it")
    same_as: str | None = Field(None, description="the network of the same graph that was measured in its place")
    reason: str | None = Field(None, description="why there is no rate")


class Network(BaseModel):
    """A network, with what was measured of it."""

    name: str
    scale: int
    parameters: int
    licence: str
    graph: str = Field(description="digest of the graph without the values of weights")
    quality: Quality | None = None
    rates: dict[str, Rate] = Field(default_factory=dict, description="by the size of the input, WIDTHxHEIGHT")


class Material(BaseModel):
    """What the quality was measured on."""

    set5: list[str] = Field(description="names of the images")
    clip: str
    frames: list[int] = Field(description="numbers of the frames that are compared, from 0")
    crf: int = Field(description="of libx264, preset medium")


class Report(BaseModel):
    """One or several runs of models.py: quality and rates may come from different machines."""

    material: Material | None = None
    quality_on: HostFacts | None = Field(None, description="the machine that measured the quality")
    rates_on: HostFacts | None = Field(None, description="the machine that measured the rates")
    bicubic: dict[int, Quality] = Field(
        default_factory=dict, description="bicubic resampling in place of a network, by scale; 1: the clip as it is"
    )
    networks: list[Network] = []

    def find(self, name: str) -> Network | None:
        """The network of this name; None if the report has none."""
        return next((network for network in self.networks if network.name == name), None)
