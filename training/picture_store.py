"""Complete pictures on the device that trains: nothing is copied between host and device while training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from training.pack import Kind, PackedPicture
from training.recipe import PatchRecipe
from training.resizing import crop_to_multiple, resize, shrink

Teach = Callable[[Tensor], Tensor]
"""Enlarges a small image, (3, H, W) uint8, to (3, scale * H, scale * W) uint8."""


@dataclass(frozen=True)
class StoredPicture:
    """A picture's place in the store.

    Attributes:
        kind: "photo", or "drawn" by program.
        first: Index of its first pixel in the small pixels; that of the large ones is scale² times as high.
        height, width: Size of the small picture.
    """

    kind: Kind
    first: int
    height: int
    width: int


@dataclass(frozen=True)
class PictureStore:
    """All pictures, at all sizes, as rows of pixels.

    Attributes:
        scale: Size of the large pictures / size of the small ones.
        pictures: Their places.
        small: Pixels of the small pictures, (P, 3) uint8.
        large: Pixels of the large pictures, (scale² * P, 3) uint8.
        taught: Pixels of the teacher's output, like `large`; None without a teacher.
    """

    scale: int
    pictures: tuple[StoredPicture, ...]
    small: Tensor
    large: Tensor
    taught: Tensor | None

    def large_picture(self, picture: StoredPicture) -> Tensor:
        """The large picture, (scale * H, scale * W, 3) uint8."""
        scale = self.scale
        count = picture.height * picture.width
        pixels = self.large[picture.first * scale**2 : (picture.first + count) * scale**2]
        return pixels.view(picture.height * scale, picture.width * scale, 3)


def store_pictures(
    pictures: Iterable[PackedPicture], recipe: PatchRecipe, scale: int, device: torch.device, teach: Teach | None = None
) -> PictureStore:
    """Copy pictures to the device, and reduce them there.

    Args:
        pictures: The pictures.
        recipe: Sizes at which they are used.
        scale: Size of the large pictures / size of the small ones.
        device: Device that trains.
        teach: The teacher.
    """
    small, large, taught = list[Tensor](), list[Tensor](), list[Tensor]()
    places, first = list[StoredPicture](), 0
    for picture in pictures:
        original = torch.from_numpy(picture.pixels).to(device).permute(2, 0, 1)
        for factor in recipe.sizes:
            truth = crop_to_multiple(resize(original, factor, recipe.resize), scale)
            shrunk = shrink(truth, scale)
            small.append(_pixels(shrunk))
            large.append(_pixels(truth))
            if teach:
                taught.append(_pixels(teach(shrunk)))
            places.append(StoredPicture(picture.kind, first, *shrunk.shape[1:]))
            first += len(small[-1])
    if not places:
        raise ValueError("the pack has no pictures for training; pack some whose split is train")
    return PictureStore(scale, tuple(places), torch.cat(small), torch.cat(large), torch.cat(taught) if taught else None)


def _pixels(picture: Tensor) -> Tensor:
    return picture.permute(1, 2, 0).reshape(-1, 3)
