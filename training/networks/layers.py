"""Conversion of trained layers to those of a ConvolutionChain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pipeline.superres.gpu.fused.chain import ChainLayer
from training.networks.convolution import Convolution


def chain_layer(layer: Convolution, slope: Tensor | None = None, **fields: Any) -> ChainLayer:
    """A 3x3 layer with its merged kernel; `slope` of PReLU, none if None, and `fields` are those of ChainLayer."""
    slopes = np.ones(len(layer.bias), np.float32) if slope is None else as_array(slope)
    return ChainLayer(as_array(layer.kernel()), as_array(layer.bias), slopes, **fields)


def as_array(tensor: Tensor) -> NDArray[np.float32]:
    """A copy of a tensor on the host, in float32."""
    return np.array(tensor.detach().float().cpu().numpy())
