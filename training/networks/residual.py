"""The last layer of all networks: a convolution and a pixel shuffle, added to the enlarged image."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from pipeline.superres.gpu.fused.stack import Residual


def add_to_enlarged(image: Tensor, detail: Tensor, scale: int, residual: Residual) -> Tensor:
    """Shuffle detail and add it to the enlarged image, in the dtype of the image.

    Under autocast, the sum in bf16 would be off by half an 8-bit level.

    Args:
        image: (N, planes, H, W).
        detail: (N, planes * scale², H, W).
        scale: Factor by which the image is enlarged.
        residual: Interpolation by which it is enlarged; "none" if it is not added.

    Returns:
        (N, planes, scale * H, scale * W).
    """
    detail = detail.to(image.dtype)
    if residual == "none":
        return functional.pixel_shuffle(detail, scale)
    if residual == "nearest":
        return functional.pixel_shuffle(detail + image.repeat_interleave(scale**2, dim=1), scale)
    enlarged = functional.interpolate(image, scale_factor=scale, mode="bilinear", align_corners=False)
    return functional.pixel_shuffle(detail, scale) + enlarged
