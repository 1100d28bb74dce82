"""A folder of photographs, split into training and held-out images, and random crops of them.

Complete photographs are stored on the device, the large and the small images as one row of bytes each. Crops are
gathered from there, so nothing is copied between host and device while training.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.images import halve, list_images, read_rgb
from training.network import SCALE

_HELD_OUT_OF = 8
_SMALLEST_SIDE = 512
# Mean magnitude of the Laplacian, in 8-bit levels, from which a crop counts as textured.
_TEXTURE = 4.0
_TEXTURE_OF_PHOTOGRAPH = 6.0
_STRIDE = 16


def load(folder: Path, halved: bool, threads: int = 16) -> tuple[list[Tensor], list[Tensor]]:
    """Load the training and validation images, each (3, H, W) uint8 with even sides, on the host.

    Each photograph is used at two sizes, halved and quartered: the first halving removes the noise of camera and JPEG,
    the second makes detail as dense as it is in small images.
    """
    paths = list({title(path): path for path in reversed(list_images(folder))}.values())[::-1]
    with ThreadPoolExecutor(threads) as pool:
        sizes = list(pool.map(lambda path: _sizes(read_rgb(path), halved), paths))
    training: list[Tensor] = []
    validation: list[Tensor] = []
    for path, images in zip(paths, sizes, strict=True):
        (validation if is_held_out(path) else training).extend(images)
    return training, validation


def title(path: Path) -> str:
    """The file name without the hash before it. Photographs with the same title are versions of each other."""
    return re.sub(r"^[0-9a-f]{8}_", "", path.stem)


def is_held_out(path: Path) -> bool:
    """Whether a photograph is held out: one in eight, by its title alone, regardless of the rest of the folder."""
    return zlib.crc32(title(path).encode()) % _HELD_OUT_OF == 0


def _sizes(image: NDArray[np.uint8], halved: bool) -> list[Tensor]:
    """Both sizes of a photograph; an empty list if it is too small or too flat."""
    first = image if halved else halve(image)
    images = [torch.from_numpy(size).permute(2, 0, 1) for size in (first, halve(first))]
    if min(images[0].shape[1:]) < _SMALLEST_SIDE:
        return []
    if _texture(images[1], size=64, stride=64).mean() < _TEXTURE_OF_PHOTOGRAPH:
        return []
    return [image[:, : even(image.shape[1]), : even(image.shape[2])] for image in images]


def even(length: int) -> int:
    """Round down to a multiple of SCALE."""
    return length // SCALE * SCALE


def _texture(image: Tensor, size: int, stride: int) -> Tensor:
    """Mean magnitude of the Laplacian of each `size` square of an image, (3, H, W) uint8."""
    grey = image.float().mean(dim=0, keepdim=True)
    kernel = torch.tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=torch.float32, device=grey.device)
    padded = functional.pad(grey[None], (1, 1, 1, 1), mode="replicate")
    edges = functional.conv2d(padded, kernel[None, None]).abs()
    return functional.avg_pool2d(edges, size, stride)[0, 0]


def shrink(image: Tensor) -> Tensor:
    """Halve an image, (3, H, W) uint8, to (3, H / 2, W / 2) uint8 by antialiased bicubic (Keys, a = -0.5)."""
    small = functional.interpolate(image[None].float(), scale_factor=1 / SCALE, mode="bicubic", antialias=True)
    return small[0].round().clamp(0, 255).to(torch.uint8)


class Crops:
    """Textured crops of images, with random positions, flips, quarter rotations and channel orders."""

    def __init__(self, images: Iterable[Tensor], size: int, device: torch.device) -> None:
        """Store the images on the device.

        Args:
            images: Images, (3, H, W) uint8.
            size: Side of a crop of the small image; that of the large image is twice as long.
            device: Device that trains.
        """
        self.size = size
        self.device = device
        large, small, places = [], [], []
        base = 0
        for image in images:
            image = image.to(device)
            shrunk = shrink(image)
            places.append(self._textured_positions(image, base))
            large.append(image.permute(1, 2, 0).reshape(-1))
            small.append(shrunk.permute(1, 2, 0).reshape(-1))
            base += shrunk.numel()
        self._large, self._small = torch.cat(large), torch.cat(small)
        self._positions = torch.cat(places)
        if not len(self):
            raise ValueError(f"no textured crop of {SCALE * size} pixels in these images")

    def __len__(self) -> int:
        return len(self._positions)

    def _textured_positions(self, image: Tensor, base: int) -> Tensor:
        """Positions of textured crops, (N, 4) int64: offset of the small image in bytes, its width, y and x.

        A position leaves room for `_STRIDE` - 1 more pixels, so that a crop shifted by as many is inside.
        """
        room = SCALE * (self.size + _STRIDE)
        if min(image.shape[1:]) < room:
            return torch.empty((0, 4), dtype=torch.int64, device=self.device)
        grid = (_texture(image, room, SCALE * _STRIDE) >= _TEXTURE).nonzero() * _STRIDE
        head = torch.tensor([base, image.shape[2] // SCALE], device=self.device)
        return torch.cat([head.expand(len(grid), 2), grid], dim=1)

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw pairs (count, 3, size, size), (count, 3, 2 size, 2 size): float32 in 0..1, channels last."""

        def random_below(limit: int, *shape: int) -> Tensor:
            return torch.randint(limit, (count, *shape), generator=generator, device=self.device)

        places = self._positions[random_below(len(self))]
        base, width = places[:, 0], places[:, 1]
        corner = places[:, 2:] + random_below(_STRIDE, 2)
        mirrors = random_below(2, 3).bool()
        channels = torch.rand((count, 3), generator=generator, device=self.device).argsort(dim=1)
        # Half of the crops keep their colours: unnatural orders of channels teach edges only.
        channels[: count // 2] = torch.arange(3, device=self.device)
        small = _gather(self._small, base, width, corner, self.size, mirrors, channels)
        large = _gather(
            self._large, base * SCALE**2, width * SCALE, corner * SCALE, self.size * SCALE, mirrors, channels
        )
        return small, large


def _gather(
    pixels: Tensor, base: Tensor, width: Tensor, corner: Tensor, size: int, mirrors: Tensor, channels: Tensor
) -> Tensor:
    """Gather crops, (N, 3, size, size) in 0..1, from a row of uint8 RGB bytes; three mirrors give 8 orientations."""
    line = torch.arange(size, device=pixels.device)
    lines = torch.where(mirrors[:, :2, None], size - 1 - line, line) + corner[:, :, None]
    places = lines[:, 0, :, None] * width[:, None, None] + lines[:, 1, None, :]
    places = torch.where(mirrors[:, 2, None, None], places.transpose(1, 2), places)
    index = (base[:, None, None] + 3 * places)[..., None] + channels[:, None, None, :]
    picked = pixels[index].permute(0, 3, 1, 2)
    return picked.contiguous(memory_format=torch.channels_last).float() / 255
