"""A folder of photographs, split into what is trained on and what is held out, and crops drawn from it.

Whole photographs lie on the device as one row of bytes each for the large and the small pictures.
Crops are gathered from there, so nothing is copied between host and device while training.
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

from training.network import SCALE
from training.pictures import halve, list_pictures, read_rgb

_HELD_OUT_OF = 8
_SMALLEST_SIDE = 512
# Mean magnitude of the Laplacian, in 8-bit levels, from which a crop counts as textured.
_TEXTURE = 4.0
_TEXTURE_OF_PHOTOGRAPH = 6.0
_STRIDE = 16


def load(folder: Path, halved: bool, threads: int = 16) -> tuple[list[Tensor], list[Tensor]]:
    """Training and validation pictures, each (3, H, W) uint8 with even sides, on the host.

    Each photograph comes at two sizes, halved and quartered: the first halving removes a camera's
    noise and JPEG's, the second makes detail as dense as it is in small pictures.
    """
    paths = list({title(path): path for path in reversed(list_pictures(folder))}.values())[::-1]
    with ThreadPoolExecutor(threads) as pool:
        sizes = list(pool.map(lambda path: _sizes(read_rgb(path), halved), paths))
    training: list[Tensor] = []
    validation: list[Tensor] = []
    for path, pictures in zip(paths, sizes, strict=True):
        (validation if is_held_out(path) else training).extend(pictures)
    return training, validation


def title(path: Path) -> str:
    """The name of a photograph without a hash before it; of two that share it, one is a version of the other."""
    return re.sub(r"^[0-9a-f]{8}_", "", path.stem)


def is_held_out(path: Path) -> bool:
    """One photograph in eight, by its title alone, whatever else lies in the folder."""
    return zlib.crc32(title(path).encode()) % _HELD_OUT_OF == 0


def _sizes(image: NDArray[np.uint8], halved: bool) -> list[Tensor]:
    """The sizes of a photograph that are worth having: none of a tiny or a flat one."""
    first = image if halved else halve(image)
    pictures = [torch.from_numpy(size).permute(2, 0, 1) for size in (first, halve(first))]
    if min(pictures[0].shape[1:]) < _SMALLEST_SIDE:
        return []
    if _texture(pictures[1], size=64, stride=64).mean() < _TEXTURE_OF_PHOTOGRAPH:
        return []
    return [picture[:, : even(picture.shape[1]), : even(picture.shape[2])] for picture in pictures]


def even(length: int) -> int:
    return length // SCALE * SCALE


def _texture(picture: Tensor, size: int, stride: int) -> Tensor:
    """Mean magnitude of the Laplacian of each `size` square of a (3, H, W) uint8 picture."""
    grey = picture.float().mean(dim=0, keepdim=True)
    kernel = torch.tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=torch.float32, device=grey.device)
    padded = functional.pad(grey[None], (1, 1, 1, 1), mode="replicate")
    edges = functional.conv2d(padded, kernel[None, None]).abs()
    return functional.avg_pool2d(edges, size, stride)[0, 0]


def shrink(picture: Tensor) -> Tensor:
    """(3, H, W) uint8 to (3, H / 2, W / 2) uint8 by antialiased bicubic (Keys, a = -0.5)."""
    small = functional.interpolate(picture[None].float(), scale_factor=1 / SCALE, mode="bicubic", antialias=True)
    return small[0].round().clamp(0, 255).to(torch.uint8)


class Crops:
    """Textured crops of pictures: random places, flips, quarter turns and channel orders."""

    def __init__(self, pictures: Iterable[Tensor], size: int, device: torch.device) -> None:
        """`size` is the side of a crop of the small picture; the large one is twice that."""
        self.size = size
        self.device = device
        large, small, places = [], [], []
        base = 0
        for picture in pictures:
            picture = picture.to(device)
            shrunk = shrink(picture)
            places.append(self._places(picture, base))
            large.append(picture.permute(1, 2, 0).reshape(-1))
            small.append(shrunk.permute(1, 2, 0).reshape(-1))
            base += shrunk.numel()
        self._large, self._small = torch.cat(large), torch.cat(small)
        self._places_of_all = torch.cat(places)
        if not len(self):
            raise ValueError(f"no textured crop of {SCALE * size} pixels in these pictures")

    def __len__(self) -> int:
        return len(self._places_of_all)

    def _places(self, picture: Tensor, base: int) -> Tensor:
        """(N, 4) int64: where the small picture begins among all bytes, its width, and y, x in it.

        A place leaves room for `_STRIDE` - 1 more pixels, so that any crop near it lies inside.
        """
        room = SCALE * (self.size + _STRIDE)
        if min(picture.shape[1:]) < room:
            return torch.empty((0, 4), dtype=torch.int64, device=self.device)
        grid = (_texture(picture, room, SCALE * _STRIDE) >= _TEXTURE).nonzero() * _STRIDE
        head = torch.tensor([base, picture.shape[2] // SCALE], device=self.device)
        return torch.cat([head.expand(len(grid), 2), grid], dim=1)

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pairs (count, 3, size, size), (count, 3, 2 size, 2 size): float32 in 0..1, channels last."""

        def chance(limit: int, *shape: int) -> Tensor:
            return torch.randint(limit, (count, *shape), generator=generator, device=self.device)

        places = self._places_of_all[chance(len(self))]
        base, width = places[:, 0], places[:, 1]
        corner = places[:, 2:] + chance(_STRIDE, 2)
        turns = chance(2, 3).bool()
        channels = torch.rand((count, 3), generator=generator, device=self.device).argsort(dim=1)
        # Half the crops keep their colours: an order that nature never shows teaches edges alone.
        channels[: count // 2] = torch.arange(3, device=self.device)
        small = _gather(self._small, base, width, corner, self.size, turns, channels)
        large = _gather(self._large, base * SCALE**2, width * SCALE, corner * SCALE, self.size * SCALE, turns, channels)
        return small, large


def _gather(
    pixels: Tensor, base: Tensor, width: Tensor, corner: Tensor, size: int, turns: Tensor, channels: Tensor
) -> Tensor:
    """Crops (N, 3, size, size) in 0..1 out of a row of uint8 RGB bytes, turned by three mirrors each."""
    line = torch.arange(size, device=pixels.device)
    lines = torch.where(turns[:, :2, None], size - 1 - line, line) + corner[:, :, None]
    places = lines[:, 0, :, None] * width[:, None, None] + lines[:, 1, None, :]
    places = torch.where(turns[:, 2, None, None], places.transpose(1, 2), places)
    index = (base[:, None, None] + 3 * places)[..., None] + channels[:, None, None, :]
    picked = pixels[index].permute(0, 3, 1, 2)
    return picked.contiguous(memory_format=torch.channels_last).float() / 255
