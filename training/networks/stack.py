"""A ConvolutionStack in torch: any network that the fused kernels can run, as a module without training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import ModelError
from pipeline.superres.gpu.fused.stack import ConvolutionStack, StackLayer
from training.networks.residual import add_to_enlarged


class StackNetwork(nn.Module):
    """Enlarges images: (N, planes, H, W) in 0..1 to (N, planes, scale * H, scale * W)."""

    def __init__(self, stack: ConvolutionStack) -> None:
        """Copy the weights. Raises ModelError if the stack reduces its output, which is not supported."""
        super().__init__()
        if stack.reduction != 1:
            raise ModelError(f"a network that reduces its output by {stack.reduction}; only 1 is supported here")
        self._layers = stack.layers
        self._scale, self._residual, self._clipped = stack.scale, stack.residual, stack.clipped
        for index, layer in enumerate(stack.layers):
            for name in ("weight", "bias", "slope", "ones_weight"):
                if (values := getattr(layer, name)) is not None:
                    self.register_buffer(f"{name}{index}", torch.from_numpy(values.copy()))

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Compute all layers, in the dtype of the weights."""
        outputs = list[Tensor]()
        for index, layer in enumerate(self._layers):
            outputs.append(self._layer(index, layer, image, outputs))
        enlarged = add_to_enlarged(image, outputs[-1], self._scale, self._residual)
        return enlarged.clamp(0, 1) if self._clipped else enlarged

    def _layer(self, index: int, layer: StackLayer, image: Tensor, outputs: list[Tensor]) -> Tensor:
        weight, bias, slope = (getattr(self, f"{name}{index}") for name in ("weight", "bias", "slope"))
        if layer.joined:
            source = torch.cat([outputs[each] for each in layer.joined], dim=1)
        else:
            source = outputs[index - 1] if index else image
        if layer.ones_weight is not None:
            weight = torch.cat([weight, getattr(self, f"ones_weight{index}")[:, None]], dim=1)
            source = torch.cat([source, torch.ones_like(source[:, :1])], dim=1)
        y = functional.conv2d(source, weight, bias, padding=0 if layer.joined else 1)
        y = functional.silu(y) if layer.smooth else torch.where(y > 0, y, y * slope[:, None, None])
        if layer.operand is None:
            return y
        x = outputs[layer.operand]
        return x + y if layer.epilogue == "add" else (x + y) * (torch.sigmoid(y) - 0.5)
