"""ONNX → engine: the sizes it serves, building it, and what it is known by."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from pipeline.errors import ModelError
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.tensorrt.library import TensorRtLibrary

BUILD_OPTIONS = "strongly typed"

Size = tuple[int, int]  # (H, W)


@dataclass(frozen=True)
class Shapes:
    """The picture sizes that an engine serves: from `low` to `high`, in each direction, and best at `typical`."""

    low: Size
    typical: Size
    high: Size

    @classmethod
    def fixed(cls, height: int, width: int) -> Shapes:
        """One size only, which is what TensorRT makes the fastest engines for."""
        return cls((height, width), (height, width), (height, width))

    @property
    def is_fixed(self) -> bool:
        return self.low == self.high

    def serve(self, height: int, width: int) -> bool:
        return self.low[0] <= height <= self.high[0] and self.low[1] <= width <= self.high[1]

    def distance(self, height: int, width: int) -> int:
        """How many pixels a picture has more or less than those that the engine is best at."""
        return abs(height * width - self.typical[0] * self.typical[1])

    def __str__(self) -> str:
        low, typical, high = (f"{width}x{height}" for height, width in (self.low, self.typical, self.high))
        return low if self.is_fixed else f"{low} to {high}, best at {typical}"


def build(flavour: TensorRtLibrary, model: ModelSpec, shapes: Shapes) -> bytes:
    """An engine of `model`, serialised. Needs no GPU with TensorRT-RTX.

    Raises ModelError where TensorRT can't parse or build the network.
    """
    trt = flavour.trt
    flavour.logger.complaints.clear()
    builder = trt.Builder(flavour.logger)
    network = builder.create_network(_creation_flags(trt))
    parser = trt.OnnxParser(network, flavour.logger)
    if not parser.parse(model.path.read_bytes()):
        reason = parser.get_error(0).desc() if parser.num_errors else flavour.complaint()
        raise ModelError(f"{model.path}: {flavour.name} {flavour.version} can't take it: {reason}")
    plan = builder.build_serialized_network(network, _configured(trt, builder, network, model, shapes))
    if plan is None:
        raise ModelError(f"{model.path}: {flavour.name} {flavour.version} can't build it: {flavour.complaint()}")
    return bytes(plan)


def _creation_flags(trt: Any) -> int:
    """TensorRT 10 wants to be told what RTX and 11 always do."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _configured(trt: Any, builder: Any, network: Any, model: ModelSpec, shapes: Shapes) -> Any:
    config = builder.create_builder_config()
    # Precision lies in the network's types, but for TF32, which is how fp32 may be multiplied.
    (config.set_flag if model.precision == "tf32" else config.clear_flag)(trt.BuilderFlag.TF32)
    if shapes.is_fixed:
        network.get_input(0).shape = (1, model.channels, *shapes.low)
        return config
    profile = builder.create_optimization_profile()
    sizes = shapes.low, shapes.typical, shapes.high
    profile.set_shape(model.input, *((1, model.channels, *size) for size in sizes))
    config.add_optimization_profile(profile)
    return config


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on: another value of any field is another engine."""

    onnx_sha256: str
    precision: str
    flavour: str
    version: str
    gpu: str
    capability: str
    driver: str
    shapes: Shapes
    options: str = BUILD_OPTIONS

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> Self:
        """The key that `asdict` gave, back from JSON. Raises TypeError, KeyError or ValueError for anything else."""
        low, typical, high = (fields["shapes"][name] for name in ("low", "typical", "high"))
        return cls(**{**fields, "shapes": Shapes(_size(low), _size(typical), _size(high))})


def _size(pair: Any) -> Size:
    height, width = pair
    return int(height), int(width)
