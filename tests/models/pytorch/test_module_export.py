"""A torch.nn.Module becomes a model file. Most of this needs PyTorch, and is skipped without it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipeline
from pipeline.errors import ModelError
from pipeline.system.onnx_runtime import load_onnx_runtime

HAS_TORCH = importlib.util.find_spec("torch") is not None
pytestmark = [
    pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed"),
    pytest.mark.filterwarnings("ignore:.*:Warning"),  # PyTorch's own
]


def upscaling_module(channels: int = 3, scale: int = 2) -> Any:
    """A module that repeats pixels, with a dropout that only evaluation mode leaves out."""
    import torch

    torch.manual_seed(0)
    first = torch.nn.Conv2d(channels, channels * scale**2, 3, padding=1)
    with torch.no_grad():
        first.weight.mul_(0.02)
        torch.nn.init.zeros_(first.bias)
        for output in range(channels * scale**2):
            first.weight[output, output // scale**2, 1, 1] = 1
    return torch.nn.Sequential(first, torch.nn.Dropout(0.5), torch.nn.PixelShuffle(scale))


@pytest.fixture
def export() -> Any:
    from pipeline.models.pytorch.module_export import export_module

    return export_module


@pytest.mark.parametrize("channels", [3, 1])
def test_the_exported_network_gives_the_output_of_the_module(export: Any, channels: int) -> None:
    import torch

    module = upscaling_module(channels)
    path: Path = export(module)
    assert path.name.startswith("Sequential.")
    session = load_onnx_runtime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for size in ((24, 40), (33, 17)):
        image = torch.rand(1, channels, *size)
        with torch.inference_mode():
            expected = module.eval()(image)
        (output,) = session.run(None, {"image": image.numpy()})
        np.testing.assert_allclose(output, expected.numpy(), atol=1e-5)


def test_the_module_is_not_changed(export: Any) -> None:
    import torch

    module = upscaling_module().half().train()
    before = [parameter.clone() for parameter in module.parameters()]
    export(module)
    assert module.training
    for parameter, expected in zip(module.parameters(), before, strict=True):
        assert parameter.dtype is torch.float16
        assert parameter.requires_grad
        assert torch.equal(parameter, expected)


def test_the_same_module_has_the_same_file(export: Any) -> None:
    assert export(upscaling_module()) == export(upscaling_module())


def test_an_upscaler_of_a_module_gives_the_pixels_of_the_module() -> None:
    import torch

    module = upscaling_module()
    image = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
    with pipeline.Upscaler(module, backend="onnx") as upscaler:
        assert upscaler.scale == 2
        large = upscaler(image)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        expected = module.eval()(tensor)[0].permute(1, 2, 0).mul(255).round().clamp(0, 255).numpy()
    assert np.abs(large - expected).max() <= 1


def test_modules_that_are_no_upscalers_are_refused_in_one_line(export: Any) -> None:
    import torch

    class Pair(torch.nn.Module):  # type: ignore[misc]  # PyTorch has no types here
        def forward(self, image: Any) -> Any:
            return image, image

    class Broken(torch.nn.Module):  # type: ignore[misc]  # PyTorch has no types here
        def forward(self, image: Any) -> Any:
            raise RuntimeError("needs a mask\nand more")

    class Locked(torch.nn.Module):  # type: ignore[misc]  # PyTorch has no types here
        def __deepcopy__(self, memo: Any) -> Any:
            raise TypeError("can't be copied")

    for module, message in (
        (Pair(), "the module Pair returns a tuple; an upscaler returns one tensor"),
        (Broken(), r"the module Broken accepts neither 3 nor 1 channels, .* \(needs a mask\)"),
        (torch.nn.Conv2d(3, 6, 1), "channels"),
        (Locked(), r"the module Locked can't be copied \(can't be copied\); export it as ONNX"),
    ):
        with pytest.raises(ModelError, match=message) as raised:
            pipeline.Upscaler(module, backend="onnx")
        assert "\n" not in str(raised.value)


def test_a_module_that_can_not_be_exported_is_refused(export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def fail(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("unsupported operator\nsecond line")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(ModelError, match=r"Sequential can't be exported to ONNX \(unsupported operator\)$"):
        export(upscaling_module())
