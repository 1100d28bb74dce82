"""A PyTorch checkpoint, whose architecture spandrel recognises by its weights, as an ONNX model.

Only tensors are loaded: no object of the file is constructed and none of its code runs.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import ModelError
from pipeline.system.onnx_runtime import load_onnx_runtime

if TYPE_CHECKING:
    import onnx

SUFFIXES = (".pth", ".pt", ".ckpt", ".safetensors")
_OPSET = 17
_LARGEST_FILE = 2**31 - 1  # bytes, of the model in ONNX: protobuf's limit
_EXAMPLE_SIZE, _OTHER_SIZE = 64, (48, 80)
_LARGEST_DIFFERENCE = 1e-2  # of white, from PyTorch's output
_FIXED_SIZE = 128  # of networks that are exported for one size; larger frames are cut into tiles


def read_checkpoint(path: Path) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Load a checkpoint and export its network to ONNX, for images of any size if the architecture permits it.

    Args:
        path: A file whose suffix is one of SUFFIXES.

    Returns:
        The model, and no digests: there is no other file.

    Raises:
        ModelError: In one line, without the file's name: the extra is not installed, the file is damaged or contains
            other objects than tensors, or its architecture is not known or can't be exported.
        OSError: The file can't be read.
    """
    if (size := path.stat().st_size) > _LARGEST_FILE:
        raise ModelError(f"{size} bytes; up to {_LARGEST_FILE} are supported")
    content = path.read_bytes()
    try:
        import torch  # noqa: F401
        from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError, canonicalize_state_dict
    except ImportError as error:
        raise ModelError(
            f"{path.suffix} files are read by PyTorch and spandrel ({error}): pip install 'uprez[torch]', "
            "or export the network as ONNX"
        ) from error
    weights = _weights(content, path.suffix.lower())
    try:
        descriptor = ModelLoader("cpu").load_from_state_dict(canonicalize_state_dict(weights))
    except UnsupportedModelError as error:
        raise ModelError("no architecture that spandrel knows has these weights; export the network as ONNX") from error
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"its weights do not fit the architecture that they seem to be of ({_line(error)})") from error
    if not isinstance(descriptor, ImageModelDescriptor):
        raise ModelError(
            f"{descriptor.architecture.name} needs more than an image, such as a mask; an upscaler does not"
        )
    return _exported(descriptor), {}


def _weights(content: bytes, suffix: str) -> dict[str, Any]:
    """The tensors of a checkpoint by name. Raises ModelError."""
    read: Callable[[bytes], Any] = _read_safetensors if suffix == ".safetensors" else _read_pickle
    try:
        weights = read(content)
    except pickle.UnpicklingError as error:
        raise ModelError(
            "not loaded: it contains other objects than tensors, which could run code, or is damaged; "
            "save its state_dict alone, as .safetensors"
        ) from error
    except Exception as error:  # of zip files, of pickles, and of safetensors, which have no common parent
        raise ModelError(f"not a checkpoint of PyTorch, or a damaged one ({_line(error)}); copy it again") from error
    if not isinstance(weights, dict):
        raise ModelError(f"contains a {type(weights).__name__} instead of tensors by name; save its state_dict")
    return weights


def _read_safetensors(content: bytes) -> Any:
    import safetensors.torch

    return safetensors.torch.load(content)


def _read_pickle(content: bytes) -> Any:
    import torch

    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _exported(descriptor: Any) -> onnx.ModelProto:
    """The network for images of any size; for one size if its export depends on that, as with windowed attention."""
    try:
        model = _export(descriptor, _EXAMPLE_SIZE, is_free=True)
        return model if _suits_other_sizes(model, descriptor) else _export(descriptor, _FIXED_SIZE, is_free=False)
    except Exception as error:  # the exporter's errors have no common parent
        raise ModelError(f"{descriptor.architecture.name} can't be exported to ONNX ({_line(error)})") from error


def _export(descriptor: Any, side: int, *, is_free: bool) -> onnx.ModelProto:
    import onnx
    import torch

    module = descriptor.model.eval().float()
    example = torch.zeros(1, descriptor.input_channels, side, side)
    axes = {"image": {2: "height", 3: "width"}, "upscaled": {2: "upscaled_height", 3: "upscaled_width"}}
    file = io.BytesIO()
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            file,
            input_names=["image"],
            output_names=["upscaled"],
            dynamic_axes=axes if is_free else None,
            opset_version=_OPSET,
            dynamo=False,
        )
    return onnx.load_model_from_string(file.getvalue())


def _suits_other_sizes(model: onnx.ModelProto, descriptor: Any) -> bool:
    """True if the exported network has PyTorch's output for an image of another size than that of the example."""
    import torch

    ort = load_onnx_runtime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    image = np.random.default_rng(0).random((1, descriptor.input_channels, *_OTHER_SIZE), np.float32)
    with torch.inference_mode():
        expected = descriptor.model(torch.from_numpy(image)).numpy()
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        (output,) = session.run(None, {"image": image})
    except Exception:  # ONNX Runtime's errors have no common parent
        return False
    return output.shape == expected.shape and float(np.abs(output - expected).max()) < _LARGEST_DIFFERENCE


def _line(error: Exception) -> str:
    """The first sentence of a message."""
    return (str(error).splitlines() or [type(error).__name__])[0].partition(". ")[0][:200]
