"""Conversion of trained layers to those of a ConvolutionStack."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pipeline.superres.gpu.fused.stack import StackLayer


def stack_layer(layer: tuple[Tensor, Tensor], slope: Tensor | None = None, **fields: Any) -> StackLayer:
    """A layer of a kernel and a bias.

    Args:
        layer: Kernel, (outputs, inputs, 3, 3) or (outputs, inputs, 1, 1), and bias, (outputs,).
        slope: Slopes of PReLU, (outputs,); none if None.
        fields: Further fields of StackLayer.
    """
    weight, bias = map(_as_array, layer)
    slopes = np.ones(len(bias), np.float32) if slope is None else _as_array(slope)
    return StackLayer(weight, bias, slopes, **fields)


def _as_array(tensor: Tensor) -> NDArray[np.float32]:
    """A copy of a tensor on the host, in float32."""
    return np.array(tensor.detach().float().cpu().numpy())
