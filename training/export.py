"""Export of weights to ONNX in fp32 and fp16, and comparison of both with torch.

The graphs are written node by node, so that they contain only Conv, PRelu, Concat, Add and DepthToSpace, and do not
depend on the version of torch.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.network import CHANNELS, SCALE, Network, count_parameters

_OPSET = 17
_IR_VERSION = 8
_TOLERANCE = {"fp32": 1e-4, "fp16": 1e-2}
_DTYPES = {"fp32": np.dtype(np.float32), "fp16": np.dtype(np.float16)}


def main() -> None:
    """Write the ONNX files of trained weights."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("weights", type=Path, help="an .npz file that training wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="clear-x2")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in write_models(load_weights(options.weights), options.out, options.name):
        print(f"{path}: {path.stat().st_size} bytes")


def write_all(network: Network, folder: Path, name: str) -> list[Path]:
    """Write the weights (.npz, fp32) and both models into `folder`, after comparing the models with torch."""
    weights = folder / f"{name}.npz"
    np.savez(weights, **{key: value.float().cpu().numpy() for key, value in network.state_dict().items()})
    return [weights, *write_models(network, folder, name)]


def load_weights(path: Path) -> Network:
    """Load a network from an .npz file; the arrays determine its size."""
    with np.load(path) as arrays:
        state = {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    layers = sum(key.startswith("activations.") for key in state) - 1
    network = Network(state["tail.weight"].shape[1], layers)
    network.load_state_dict(state)
    return network


def write_models(network: Network, folder: Path, name: str) -> list[Path]:
    """Write `name`.fp32.onnx and `name`.fp16.onnx. Raises ValueError if one differs from torch by too much."""
    network = network.cpu().float().eval()
    paths = []
    for precision, dtype in _DTYPES.items():
        model = build(network, dtype, name)
        onnx.checker.check_model(model, full_check=True)
        difference = compare(network, model, dtype)
        if not difference <= _TOLERANCE[precision]:
            raise ValueError(f"{precision} differs from torch by {difference:.2g}")
        print(f"{precision}: at most {difference:.2g} from torch in fp32")
        paths.append(folder / f"{name}.{precision}.onnx")
        paths[-1].write_bytes(model.SerializeToString())
    return paths


def build(network: Network, dtype: np.dtype, name: str) -> onnx.ModelProto:
    """Convert the network to ONNX: input (1, 3, height, width), output twice as large, RGB in 0..1, of `dtype`."""
    nodes, values = [], []

    def constant(label: str, array: torch.Tensor) -> str:
        values.append(numpy_helper.from_array(array.detach().numpy().astype(dtype), label))
        return label

    def convolve(source: str, target: str, weight: torch.Tensor, bias: torch.Tensor) -> None:
        inputs = [source, constant(f"{target}.weight", weight), constant(f"{target}.bias", bias)]
        nodes.append(helper.make_node("Conv", inputs, [target], target, kernel_shape=[3, 3], pads=[1] * 4))

    current = "input"
    for index, (convolution, activation) in enumerate(zip(network.convolutions, network.activations, strict=True)):
        convolve(current, f"conv{index}", convolution.weight, convolution.bias)
        current = f"prelu{index}"
        slope = constant(f"{current}.slope", activation.weight.view(-1, 1, 1))
        nodes.append(helper.make_node("PRelu", [f"conv{index}", slope], [current], current))
    # torch's pixel shuffle has the order (colour, position), ONNX's default is (position, colour): copies stay plain.
    order = torch.arange(CHANNELS * SCALE**2).view(CHANNELS, -1).T.flatten()
    convolve(current, "tail", network.tail.weight[order], network.tail.bias[order])
    nodes += [
        helper.make_node("Concat", ["input"] * SCALE**2, ["copies"], "copies", axis=1),
        helper.make_node("Add", ["copies", "tail"], ["sum"], "sum"),
        helper.make_node("DepthToSpace", ["sum"], ["output"], "output", blocksize=SCALE, mode="DCR"),
    ]
    kind = helper.np_dtype_to_tensor_dtype(dtype)
    graph = helper.make_graph(nodes, name, [_tensor("input", kind, 1)], [_tensor("output", kind, SCALE)], values)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="uprez training",
    )
    helper.set_model_props(model, describe(network, name))
    return model


def _tensor(name: str, kind: TensorProto.DataType, factor: int) -> onnx.ValueInfoProto:
    sides = ["height", "width"] if factor == 1 else [f"{factor}*height", f"{factor}*width"]
    return helper.make_tensor_value_info(name, kind, [1, CHANNELS, *sides])


def describe(network: Network, name: str) -> dict[str, str]:
    """The metadata of the ONNX file, which uprez reads."""
    return {
        "uprez.name": name,
        "uprez.scale": str(SCALE),
        "uprez.channels": "rgb",
        "uprez.range": "1",
        "uprez.licence": "CC0-1.0",
        "uprez.overlap": str(network.overlap),
        "uprez.description": f"x2 for video and photographs, {count_parameters(network)} parameters, "
        "trained on CC0 photographs halved by antialiased bicubic",
    }


@torch.no_grad()
def compare(network: Network, model: onnx.ModelProto, dtype: np.dtype) -> float:
    """Largest difference between torch in fp32 and the model in ONNX Runtime on the CPU, at two odd sizes."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    largest = 0.0
    for height, width in ((37, 50), (64, 33)):
        image = _smooth(random.random((1, CHANNELS, height, width)))
        expected = network(torch.from_numpy(image)).numpy()
        (output,) = session.run(None, {"input": image.astype(dtype)})
        if output.dtype != dtype or output.shape != expected.shape:
            raise ValueError(f"output is {output.dtype} {output.shape}, not {dtype} {expected.shape}")
        largest = max(largest, float(np.abs(output.astype(np.float32) - expected).max()))
    return largest


def _smooth(noise: NDArray[np.float64]) -> NDArray[np.float32]:
    """Smooth noise so that neighbours are similar, as in images, and round it to 8-bit steps."""
    for axis in (2, 3):
        noise = (np.roll(noise, 1, axis) + noise + np.roll(noise, -1, axis)) / 3
    return (noise * 255).round().astype(np.float32) / 255


if __name__ == "__main__":
    main()
