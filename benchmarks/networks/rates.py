"""Rates of bare networks, by the engine that uprez itself chooses."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from networks.report import Network, Rate
from pipeline import (
    PIXEL_FORMATS,
    Colour,
    Frame,
    FrameFormat,
    ModelSpec,
    Session,
    SessionRequest,
    Settings,
    UprezError,
    bicubic,
    find_model,
    open_session,
    to_8_bit,
)

SRGB = (1, 13)  # H.273's codes of the primaries and of the transfer
MEASUREMENTS = 3  # the rate is their median
CELL = 8  # pixels of a shape in the test image


def graph_digest(model: ModelSpec) -> str:
    """A digest of what the rate depends on: operators, attributes, and shapes of weights instead of their values."""
    import onnx

    graph = onnx.load(model.path).graph
    numbers: dict[str, int] = {}

    def number(tensor: str) -> int:
        return numbers.setdefault(tensor, len(numbers))

    parts: list[object] = [model.scale, [number(each.name) for each in graph.input]]
    for weight in graph.initializer:
        # Sizes and axes are integers, and belong to the structure.
        value = onnx.numpy_helper.to_array(weight).tolist() if weight.data_type == onnx.TensorProto.INT64 else None
        parts.append([number(weight.name), list(weight.dims), weight.data_type, value])
    for node in graph.node:
        attributes = [(each.name, attribute_digest(each)) for each in node.attribute]
        names = [number(each) for each in (*node.input, *node.output)]
        parts.append([node.op_type, names, sorted(attributes)])
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def attribute_digest(attribute: Any) -> str:
    """An attribute without the values of a tensor of floats."""
    tensor = attribute.t
    if attribute.HasField("t") and tensor.data_type not in (tensor.INT32, tensor.INT64):
        return f"{tensor.data_type} {list(tensor.dims)}"
    return hashlib.sha256(attribute.SerializeToString()).hexdigest()


def same_graphs(networks: Iterable[Network]) -> Iterator[list[Network]]:
    """The networks in groups of the same graph, the cheapest first: those of the fewest weights and lowest scale."""
    groups: dict[str, list[Network]] = {}
    for network in networks:
        groups.setdefault(network.graph, []).append(network)
    yield from sorted(groups.values(), key=lambda group: (group[0].parameters, group[0].scale))


def measured_rate(name: str, backend: str, size: tuple[int, int], seconds: float) -> Rate:
    """Measure a network. If it fails, the rate has the reason.

    Args:
        name: Name of the network.
        backend: "tensorrt" for fp16 on a GPU, or "onnx" for fp32 on the CPU.
        size: (W, H) of its input.
        seconds: How long to measure, after a warm-up.
    """
    format = FrameFormat(*size, PIXEL_FORMATS["gbrp"], Colour(1, True, *SRGB))
    try:
        model = find_model(name, "fp16" if backend == "tensorrt" else "fp32")
        settings = Settings.load(None, model=name)
        with open_session(SessionRequest(backend, model, format, settings)) as session:
            session.collect(session.submit(Frame(format, textured_planes(format), 0))).release()
            return Rate(frames_per_second=session_rate(session, seconds), backend=session.backend)
    except UprezError as error:
        return Rate(reason=str(error))


def session_rate(session: Session[Any], seconds: float) -> float:
    """Frames/s of the network alone: runs are queued without waiting, after a warm-up that finds their number."""
    runs, elapsed = 1, 0.0
    while True:
        elapsed = run_time(session, runs)
        if elapsed >= seconds / MEASUREMENTS:
            break
        runs = max(2 * runs, round(runs * seconds / MEASUREMENTS / elapsed))
    if elapsed > seconds:  # a slow network: one measurement is long enough
        return runs / elapsed
    return runs / statistics.median(run_time(session, runs) for _ in range(MEASUREMENTS))


def run_time(session: Session[Any], runs: int) -> float:
    start = time.perf_counter()
    session.run_network(runs)
    return time.perf_counter() - start


def textured_planes(format: FrameFormat) -> tuple[NDArray[np.uint8], ...]:
    """Smooth random shapes with grain, since processors are faster on flat images."""
    random = np.random.default_rng(0)
    cells = random.random((format.height // CELL + 2, format.width // CELL + 2, 3))
    shapes = bicubic(cells.astype(np.float32), format.height, format.width)
    image = to_8_bit(255 * (shapes + 0.05 * random.standard_normal(shapes.shape)))
    return tuple(np.ascontiguousarray(image[..., channel]) for channel in (1, 2, 0))
