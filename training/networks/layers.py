"""Conversion of trained layers to those of a ConvolutionChain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pipeline.superres.gpu.fused.chain import ChainLayer


def chain_layer(layer: tuple[Tensor, Tensor], slope: Tensor | None = None, **fields: Any) -> ChainLayer:
    """A layer of a kernel and a bias.

    Args:
        layer: Kernel, (outputs, inputs, 3, 3) or (outputs, inputs, 1, 1), and bias, (outputs,).
        slope: Slopes of PReLU, (outputs,); none if None.
        fields: Further fields of ChainLayer.
    """
    weight, bias = map(_as_array, layer)
    slopes = np.ones(len(bias), np.float32) if slope is None else _as_array(slope)
    return ChainLayer(weight, bias, slopes, **fields)


def _as_array(tensor: Tensor) -> NDArray[np.float32]:
    """A copy of a tensor on the host, in float32."""
    return np.array(tensor.detach().float().cpu().numpy())
