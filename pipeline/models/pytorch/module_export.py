"""A torch.nn.Module of the running program as a model file in the user's cache."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.models.model_cache import write_model
from pipeline.models.pytorch.exporter import export_network, first_sentence
from pipeline.system.cache import cache_folder

_CHANNELS = (3, 1)  # tried in this order
_SIDE = 64  # of the image of the trial


def export_module(module: Any) -> Path:
    """Export a module to an ONNX file: a copy of it, in evaluation mode, in float32 on the CPU.

    Args:
        module: A torch.nn.Module that enlarges images (N, C, H, W), with C = 3 or 1.

    Returns:
        The file, whose name is that of the module's class and of its content.

    Raises:
        ModelError: In one line: the module can't be copied, run or exported, or the cache can't be written.
        OutputError: The cache folder can't be created.
    """
    name = type(module).__name__
    try:
        copied = copy.deepcopy(module).cpu().float().eval().requires_grad_(False)
    except Exception as error:  # of the module's own code, among others
        raise ModelError(f"the module {name} can't be copied ({first_sentence(error)}); export it as ONNX") from error
    channels = _input_channels(copied, name)
    try:
        content = export_network(copied, channels).SerializeToString()
    except Exception as error:  # the exporter's errors have no common parent
        raise ModelError(f"the module {name} can't be exported to ONNX ({first_sentence(error)})") from error
    path = cache_folder("models") / f"{name}.{hashlib.sha256(content).hexdigest()[:32]}.onnx"
    write_model(path, content)
    return path


def _input_channels(module: Any, name: str) -> int:
    """The number of channels of the images that a module accepts."""
    import torch

    errors: list[Exception] = []
    for channels in _CHANNELS:
        try:
            with torch.inference_mode():
                output = module(torch.zeros(1, channels, _SIDE, _SIDE))
        except Exception as error:  # of the module's own code
            errors.append(error)
            continue
        if not isinstance(output, torch.Tensor):
            raise ModelError(f"the module {name} returns a {type(output).__name__}; an upscaler returns one tensor")
        return channels
    raise ModelError(
        f"the module {name} accepts neither 3 nor 1 channels, (1, C, {_SIDE}, {_SIDE}) in float32 "
        f"({first_sentence(errors[0])})"
    ) from errors[0]
