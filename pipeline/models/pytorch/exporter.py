"""Export of a PyTorch module to ONNX."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import error_summary
from pipeline.system.onnx_runtime import cpu_session

if TYPE_CHECKING:
    import onnx

_OPSET = 17
_EXAMPLE_SIZE, _OTHER_SIZE = 64, (48, 80)
_LARGEST_DIFFERENCE = 1e-2  # of white, from PyTorch's output
_FIXED_SIZE = 128  # of networks that are exported for one size; larger frames are cut into tiles


def export_network(module: Any, channels: int) -> onnx.ModelProto:
    """Export a network for images of any size; for one size if its export depends on that, as with windowed attention.

    Args:
        module: A torch.nn.Module in evaluation mode, in float32 on the CPU, which enlarges (1, C, H, W).
        channels: C.

    Returns:
        The model, whose tensors are called "image" and "upscaled".

    Raises:
        Exception: Any error of the module or of PyTorch's exporter, which have no common parent.
    """
    model = _export(module, channels, _EXAMPLE_SIZE, is_free=True)
    if _suits_other_sizes(model, module, channels):
        return model
    return _export(module, channels, _FIXED_SIZE, is_free=False)


def first_sentence(error: Exception) -> str:
    """The first sentence of a message, or the error's name if it has none."""
    return error_summary(error).partition(". ")[0][:200]


def _export(module: Any, channels: int, side: int, *, is_free: bool) -> onnx.ModelProto:
    import onnx
    import torch

    axes = {"image": {2: "height", 3: "width"}, "upscaled": {2: "upscaled_height", 3: "upscaled_width"}}
    file = io.BytesIO()
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (torch.zeros(1, channels, side, side),),
            file,
            input_names=["image"],
            output_names=["upscaled"],
            dynamic_axes=axes if is_free else None,
            opset_version=_OPSET,
            dynamo=False,
        )
    return onnx.load_model_from_string(file.getvalue())


def _suits_other_sizes(model: onnx.ModelProto, module: Any, channels: int) -> bool:
    """True if the exported network has PyTorch's output for an image of another size than that of the example."""
    import torch

    image = np.random.default_rng(0).random((1, channels, *_OTHER_SIZE), np.float32)
    with torch.inference_mode():
        expected = module(torch.from_numpy(image)).numpy()
    try:
        (output,) = cpu_session(model.SerializeToString()).run(None, {"image": image})
    except Exception:  # ONNX Runtime's errors have no common parent
        return False
    return output.shape == expected.shape and float(np.abs(output - expected).max()) < _LARGEST_DIFFERENCE
