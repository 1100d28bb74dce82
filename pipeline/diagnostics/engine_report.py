"""The report of `uprez bench --engines`, as it is saved."""

from __future__ import annotations

from pydantic import BaseModel, Field

from pipeline.diagnostics.host_facts import HostFacts
from pipeline.system.cuda import Gpu

ENGINE_SCHEMA_VERSION = 1

ENGINE_TITLES = {
    "tensorrt": "TensorRT",
    "tensorrt-max": "TensorRT, PReLU as Max",
    "fused-mma": "fused, mma.sync",
    "fused-wgmma": "fused, wgmma",
    "fused-fp16acc": "fused, mma.sync, fp16 accumulation",
}
"""The engines that are compared, in the order in which they are measured, with their titles in tables."""


class EngineRow(BaseModel):
    """One engine on one network and size. If it was not measured, `reason` is set, and what is missing is null."""

    network: str = Field(description="name of the network, in fp16")
    size: str = Field(description="WIDTHxHEIGHT of the input in pixels")
    engine: str = Field(description=f"one of {', '.join(ENGINE_TITLES)}")
    library: str | None = Field(None, description="what ran: TensorRT's name and version, or fused kernels")
    one_lane: float | None = Field(None, description="frames per second with one lane (execution context and stream)")
    two_lanes: float | None = Field(None, description="frames per second of two lanes that run in turn")
    relative_error: float | None = Field(
        None,
        description="norm of the output's difference from ONNX Runtime in fp32, relative to the norm of the latter",
    )
    worst_error: float | None = Field(None, description="largest difference of a sample, in levels of 8 bit")
    build_seconds: float | None = Field(None, description="time until the first output; compiled kernels may be cached")
    kernels: list[str] | None = Field(
        None,
        description="for fused kernels, each kernel's layers, warps across x down x rows, blocks on a multiprocessor "
        "and instruction",
    )
    reason: str | None = Field(None, description="why it was not measured, or not completely")

    @property
    def fastest(self) -> float | None:
        """The better of the two rates; None if there is none."""
        return max((rate for rate in (self.one_lane, self.two_lanes) if rate is not None), default=None)


class GpuDetails(BaseModel):
    """Facts about a GPU that limit the rate of networks."""

    memory: int = Field(description="device memory in bytes")
    multiprocessors: int = Field(description="number of multiprocessors")
    clock: int = Field(description="highest clock of the multiprocessors in MHz")
    memory_clock: int = Field(description="highest clock of the memory in MHz")
    memory_bus: int = Field(description="width of the memory bus in bits")
    l2_cache: int = Field(description="size of the L2 cache in bytes")
    shared_memory: int = Field(description="shared memory of a multiprocessor in bytes")
    shared_memory_of_block: int = Field(description="largest shared memory of a block in bytes")


def gpu_details(gpu: Gpu) -> GpuDetails:
    """The details of a GPU, as CUDA reports them."""
    properties = gpu.device.properties
    return GpuDetails(
        memory=gpu.facts.memory,
        multiprocessors=properties.multiprocessor_count,
        clock=properties.clock_rate // 1000,
        memory_clock=properties.memory_clock_rate // 1000,
        memory_bus=properties.global_memory_bus_width,
        l2_cache=properties.l2_cache_size,
        shared_memory=properties.max_shared_memory_per_multiprocessor,
        shared_memory_of_block=properties.max_shared_memory_per_block_optin,
    )


class EngineReport(HostFacts):
    """One run of `uprez bench --engines`."""

    schema_version: int = Field(
        ENGINE_SCHEMA_VERSION, description="version of this layout; changes with a field's meaning"
    )
    details: GpuDetails
    seconds: float = Field(description="how long each rate was measured, after a warm-up")
    image: str = Field(description="the image that all networks ran on")
    rows: list[EngineRow]

    def row(self, network: str, size: str, engine: str) -> EngineRow | None:
        """The row of one engine on one network and size, None if there is none."""
        wanted = network, size, engine
        return next((row for row in self.rows if (row.network, row.size, row.engine) == wanted), None)
