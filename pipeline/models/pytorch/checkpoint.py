"""A PyTorch checkpoint, whose architecture spandrel recognises by its weights, as an ONNX model.

Only tensors are loaded: no object of the file is constructed and none of its code runs.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ModelError
from pipeline.models.pytorch.exporter import export_network, first_sentence
from pipeline.models.spec import LARGEST_MODEL

if TYPE_CHECKING:
    import onnx

SUFFIXES = (".pth", ".pt", ".ckpt", ".safetensors")


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
    if (size := path.stat().st_size) > LARGEST_MODEL:
        raise ModelError(f"{size} bytes; up to {LARGEST_MODEL} are supported")
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
        raise ModelError(
            f"its weights do not fit the architecture that they seem to be of ({first_sentence(error)})"
        ) from error
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
        raise ModelError(
            f"not a checkpoint of PyTorch, or a damaged one ({first_sentence(error)}); copy it again"
        ) from error
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
        return export_network(descriptor.model.eval().float(), descriptor.input_channels)
    except Exception as error:  # the exporter's errors have no common parent
        name = descriptor.architecture.name
        raise ModelError(f"{name} can't be exported to ONNX ({first_sentence(error)})") from error
