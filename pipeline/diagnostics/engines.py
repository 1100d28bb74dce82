"""TensorRT engines for programs, and the error of an engine's output against ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.colour.psnr import psnr_of_error
from pipeline.config.settings import Settings
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.superres.backend_choice import choose_model
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.tensorrt import engine as tensorrt_engine
from pipeline.superres.gpu.tensorrt import library
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.network import EngineResources, Network
from pipeline.superres.output_check import textured_image
from pipeline.system.cuda import Gpu


@dataclass(frozen=True)
class SerializedEngine:
    """A TensorRT engine for one frame size.

    Attributes:
        data: What `Runtime.deserialize_cuda_engine` of `module` takes.
        module: The Python module that it was built with: "tensorrt_rtx" or "tensorrt".
        version: The version of that.
    """

    data: bytes
    module: str
    version: str


@dataclass(frozen=True)
class NetworkError:
    """The difference between two outputs of a network.

    Attributes:
        psnr: In dB; the peak is white. Infinity if they are equal.
        worst: Largest difference, in levels of 8 bit.
    """

    psnr: float
    worst: float


def build_engine(model: ModelSpec, width: int, height: int, engine: str = "auto") -> SerializedEngine:
    """Build the engine that uprez itself uses for frames of one size. It is not cached.

    Args:
        model: From `find_model`.
        width: Of the network's input, in pixels.
        height: Of the network's input, in pixels.
        engine: "rtx", "tensorrt", or "auto": the first that is installed.

    Raises:
        BackendError: TensorRT is not installed.
        ModelError: It can't build the network.
    """
    loaded = library.load(engine)
    data = tensorrt_engine.build_engine(loaded, model, tensorrt_engine.Shapes.fixed(height, width))
    return SerializedEngine(data, loaded.trt.__name__, loaded.version)


def engine_error(settings: Settings, side: int = 256) -> NetworkError:
    """The error of a TensorRT engine against ONNX Runtime in fp32 on the CPU, on a textured image.

    Args:
        settings: Its `model`, `precision`, `engine` and first `device`.
        side: Width and height of the image, in pixels.

    Raises:
        BackendError: The engine is refused, because its error is too large, or can't be built.
    """
    model = choose_model(settings, "tensorrt")
    resources = EngineResources(Gpu(settings.device[0]), library.load(settings.engine), EngineCache(), model)
    network = Network(resources, side, side)
    lane = network.lane()
    try:
        return network_error(lane.run_once, settings.model, side)
    finally:
        lane.close()
        network.close()


def network_error(run: validation.RunNetwork, model: str, side: int = 256) -> NetworkError:
    """The error of any implementation of a network against ONNX Runtime in fp32 on the CPU, on a textured image.

    Args:
        run: (1, C, H, W) → (1, C, scale·H, scale·W), of any float dtype.
        model: The network's name.
        side: Width and height of the image, in pixels.
    """
    exact = catalogue.find(model, "fp32")
    image = textured_image(side, side, exact)
    difference = (run(image).astype(np.float64) - validation.reference_output(exact, image)) / exact.value_range
    return NetworkError(
        psnr=psnr_of_error(float(np.mean(difference**2)), peak=1), worst=float(255 * np.abs(difference).max())
    )
