"""PyTorch checkpoints become ONNX models. Most of this needs the extra `torch`, and is skipped without it."""

from __future__ import annotations

import importlib.util
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models.pytorch.checkpoint import SUFFIXES, read_checkpoint
from pipeline.system.onnx_runtime import load_onnx_runtime

HAS_TORCH = importlib.util.find_spec("torch") is not None and importlib.util.find_spec("spandrel") is not None
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="pip install 'uprez[torch]'")
pytestmark = pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own


class Touch:
    """An object whose unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def compact(features: int = 8, convolutions: int = 2, scale: int = 2) -> dict[str, Any]:
    """Weights of SRVGGNetCompact, by the names that its authors gave them."""
    import torch

    weights, inputs = {}, 3
    generator = torch.Generator().manual_seed(0)
    for index in range(convolutions + 2):
        outputs = 3 * scale**2 if index == convolutions + 1 else features
        weights[f"body.{2 * index}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator) / 20
        weights[f"body.{2 * index}.bias"] = torch.randn(outputs, generator=generator) / 20
        if index <= convolutions:
            weights[f"body.{2 * index + 1}.weight"] = torch.rand(outputs, generator=generator)
        inputs = outputs
    return weights


def run(model: onnx.ModelProto, image: Any) -> Any:
    session = load_onnx_runtime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image})[0]


@needs_torch
@pytest.mark.parametrize("wrapped", [None, "params", "params_ema"])
def test_pth_file_gives_the_output_of_pytorch(tmp_path: Path, wrapped: str | None) -> None:
    import torch
    from spandrel import ModelLoader

    weights = compact()
    torch.save({wrapped: weights} if wrapped else weights, tmp_path / "net.pth")
    model, companions = read_checkpoint(tmp_path / "net.pth")
    assert companions == {}
    for size in ((24, 40), (33, 17)):
        image = torch.rand(1, 3, *size)
        with torch.inference_mode():
            expected = ModelLoader("cpu").load_from_state_dict(weights).model(image)
        np.testing.assert_allclose(run(model, image.numpy()), expected.numpy(), atol=1e-5)


@needs_torch
def test_safetensors_file_gives_the_same_model_as_pth(tmp_path: Path) -> None:
    import safetensors.torch
    import torch

    torch.save(compact(), tmp_path / "net.pth")
    safetensors.torch.save_file(compact(), tmp_path / "net.safetensors")
    image = np.random.default_rng(0).random((1, 3, 16, 24), np.float32)
    outputs = [run(read_checkpoint(tmp_path / f"net.{suffix}")[0], image) for suffix in ("pth", "safetensors")]
    np.testing.assert_array_equal(*outputs)


@needs_torch
@pytest.mark.parametrize("form", ["pickle", "torch"])
def test_pickle_with_code_is_refused_and_not_executed(tmp_path: Path, form: str) -> None:
    import torch

    harmful = {"params": compact(), "more": Touch(tmp_path / "executed")}
    if form == "torch":
        torch.save(harmful, tmp_path / "net.pth")
    else:
        (tmp_path / "net.pth").write_bytes(pickle.dumps(harmful["more"]))
    with pytest.raises(ModelError, match="not loaded: it contains other objects than tensors, which could run code"):
        read_checkpoint(tmp_path / "net.pth")
    assert not (tmp_path / "executed").exists()


@needs_torch
def test_cut_files_are_refused_in_one_line(tmp_path: Path) -> None:
    import safetensors.torch
    import torch

    torch.save(compact(), tmp_path / "net.pth")
    safetensors.torch.save_file(compact(), tmp_path / "net.safetensors")
    for name in ("net.pth", "net.safetensors"):
        complete = (tmp_path / name).read_bytes()
        for length in (0, 1, len(complete) // 2, len(complete) - 1):
            (tmp_path / name).write_bytes(complete[:length])
            with pytest.raises(ModelError, match="damaged") as raised:
                read_checkpoint(tmp_path / name)
            assert "\n" not in str(raised.value)


@needs_torch
def test_header_that_declares_an_enormous_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(ModelError, match="not a checkpoint of PyTorch, or a damaged one"):
        read_checkpoint(tmp_path / "net.safetensors")


@needs_torch
@pytest.mark.parametrize(
    ("content", "message"),
    [([1, 2], "contains a list instead of tensors by name"), ({"a": 1}, "no architecture that spandrel knows")],
)
def test_checkpoint_of_something_else_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    import torch

    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(ModelError, match=message):
        read_checkpoint(tmp_path / "net.pth")


@needs_torch
def test_weights_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    import torch

    weights = compact()
    weights["body.2.weight"] = torch.zeros(3, 3, 3, 3)
    torch.save(weights, tmp_path / "net.pth")
    with pytest.raises(ModelError, match="its weights do not fit the architecture that they seem to be of"):
        read_checkpoint(tmp_path / "net.pth")


@pytest.mark.skipif(HAS_TORCH, reason="PyTorch and spandrel are installed")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_extra_is_named_with_its_command(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"net{suffix}").write_bytes(b"")
    with pytest.raises(ModelError, match=rf"^{suffix} files are read by PyTorch .*: pip install 'uprez\[torch\]'"):
        read_checkpoint(tmp_path / f"net{suffix}")


def test_file_beyond_two_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "net.pth").open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(ModelError, match="2147483648 bytes; up to 2147483647 are supported"):
        read_checkpoint(tmp_path / "net.pth")
