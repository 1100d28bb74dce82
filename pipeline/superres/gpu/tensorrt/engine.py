"""TensorRT engines: the image sizes that they support, how they are built from ONNX, and their cache key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from pipeline.errors import ModelError
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.gpu.tensorrt.library import TensorRtLibrary
from pipeline.superres.gpu.tensorrt.prelu import prelu_as_max as rewrite_prelu

BUILD_OPTIONS, PLAIN_OPTIONS = "strongly typed, PReLU as Max", "strongly typed"  # with and without rewriting the ONNX


@dataclass(frozen=True)
class Shapes:
    """The image sizes that an engine supports.

    Attributes:
        low: Smallest (H, W).
        typical: The (H, W) that the engine is optimized for.
        high: Largest (H, W).
    """

    low: HeightWidth
    typical: HeightWidth
    high: HeightWidth

    @classmethod
    def fixed(cls, height: int, width: int) -> Shapes:
        """A single size, for which TensorRT builds the fastest engines."""
        return cls((height, width), (height, width), (height, width))

    @property
    def is_fixed(self) -> bool:
        """True if a single size is supported."""
        return self.low == self.high

    def supports(self, height: int, width: int) -> bool:
        """True if images of this size are supported."""
        return self.low[0] <= height <= self.high[0] and self.low[1] <= width <= self.high[1]

    def distance(self, height: int, width: int) -> int:
        """Difference in pixels between an image of this size and one of the typical size."""
        return abs(height * width - self.typical[0] * self.typical[1])

    def __str__(self) -> str:
        low, typical, high = (f"{width}x{height}" for height, width in (self.low, self.typical, self.high))
        return low if self.is_fixed else f"{low} to {high}, best at {typical}"


def build_engine(library: TensorRtLibrary, model: ModelSpec, shapes: Shapes, prelu_as_max: bool = True) -> bytes:
    """Build an engine. TensorRT needs a GPU for this, TensorRT-RTX does not.

    Args:
        library: The TensorRT library.
        model: The network.
        shapes: Image sizes to support.
        prelu_as_max: Rewrite PReLU so that TensorRT-RTX fuses it; for comparisons, False leaves the network as it is.

    Returns:
        The serialized engine.

    Raises:
        BackendError: TensorRT can't use the GPU.
        ModelError: TensorRT can't parse or build the network.
    """
    trt = library.trt
    builder = library.create_builder()
    network = builder.create_network(_creation_flags(trt))
    parser = trt.OnnxParser(network, library.logger)
    if not parser.parse(_prepared(model) if prelu_as_max else model.path.read_bytes()):
        reason = parser.get_error(0).desc() if parser.num_errors else library.last_error()
        raise ModelError(f"{model.path}: {library.name} {library.version} can't parse it: {reason}")
    plan = builder.build_serialized_network(network, _build_config(trt, builder, network, model, shapes))
    if plan is None:
        raise ModelError(f"{model.path}: {library.name} {library.version} can't build it: {library.last_error()}")
    return bytes(plan)


def _prepared(model: ModelSpec) -> bytes:
    """The ONNX file of `model`, rewritten where TensorRT then builds faster engines.

    A file that onnx can't read is left to TensorRT's parser, whose error states what is wrong.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        network = onnx.load(model.path)
    except DecodeError:
        return model.path.read_bytes()
    return bytes(rewrite_prelu(network).SerializeToString())


def _creation_flags(trt: Any) -> int:
    """Flags for a strongly typed network. TensorRT 10 needs one; where there is none, all networks are."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _build_config(trt: Any, builder: Any, network: Any, model: ModelSpec, shapes: Shapes) -> Any:
    config = builder.create_builder_config()
    # The network's types determine the precision, except for TF32, which is a way to multiply fp32.
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
    """Everything that an engine depends on: engines with different keys are different engines.

    Attributes:
        onnx_sha256: Digest of the ONNX file.
        precision: Precision of the network.
        library: "rtx" or "tensorrt"; "none" where neither is installed.
        version: Version of the library; "" for none.
        gpu: Product name of the GPU.
        capability: Its compute capability.
        driver: Version of the NVIDIA driver.
        shapes: Image sizes that the engine supports.
        options: Build options.
    """

    onnx_sha256: str
    precision: str
    library: str
    version: str
    gpu: str
    capability: str
    driver: str
    shapes: Shapes
    options: str = BUILD_OPTIONS

    @property
    def digest(self) -> str:
        """Digest of all fields, which names the cached file."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> Self:
        """Restore a key from JSON that `asdict` gave. Raises TypeError, KeyError or ValueError for other content."""
        low, typical, high = (fields["shapes"][name] for name in ("low", "typical", "high"))
        return cls(**{**fields, "shapes": Shapes(_size(low), _size(typical), _size(high))})


def _size(pair: Any) -> HeightWidth:
    height, width = pair
    return int(height), int(width)
