"""Sizes at which pictures are used, and the small images of training pairs."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional


def resize(picture: Tensor, factor: float, how: Literal["area", "bicubic"]) -> Tensor:
    """Reduce a picture, (3, H, W) uint8; "area" is the mean of what a pixel covers, "bicubic" has a = -0.5."""
    if factor == 1:
        return picture
    height, width = (round(side * factor) for side in picture.shape[1:])
    image = picture[None].float()
    if how == "area":
        return _as_uint8(functional.interpolate(image, size=(height, width), mode="area"))
    return _as_uint8(functional.interpolate(image, size=(height, width), mode="bicubic", antialias=True))


def shrink(picture: Tensor, scale: int) -> Tensor:
    """Reduce a picture, (3, H, W) uint8 with sides that `scale` divides, by antialiased bicubic (Keys, a = -0.5)."""
    return _as_uint8(
        functional.interpolate(picture[None].float(), scale_factor=1 / scale, mode="bicubic", antialias=True)
    )


def crop_to_multiple(picture: Tensor, multiple: int) -> Tensor:
    """The upper left part of a picture, (3, H, W), whose sides `multiple` divides."""
    height, width = (side // multiple * multiple for side in picture.shape[1:])
    return picture[:, :height, :width]


def _as_uint8(image: Tensor) -> Tensor:
    """Round a batch of one image, (1, 3, H, W), to (3, H, W) uint8."""
    return image[0].round().clamp(0, 255).to(torch.uint8)
