"""Random patches of stored pictures, with random flips and quarter rotations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.pack import Kind
from training.picture_store import PictureStore, StoredPicture
from training.recipe import PatchRecipe

DRAWS = 7
"""Random integers of a patch; `PatchSampler.gather` names them."""
DRAW_LIMIT = 2**31

_STRIDE = 8  # of the grid of positions, which random shifts refine
_KINDS: tuple[Kind, ...] = ("photo", "drawn")
_CHANNEL_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def draw(seed: int, step: int, count: int, batch: int, device: torch.device) -> Tensor:
    """The random integers of the steps from `step` on, (count, batch, DRAWS) int64 in 0 .. DRAW_LIMIT - 1.

    They depend on the seed and the step alone, so a run that continues draws what it would have drawn without a cut.
    """
    # The generator of the CPU uses the lower 32 bits of its seed: a prime keeps different seeds apart there.
    generator = torch.Generator(device).manual_seed(seed * 1_000_003 + step)
    return torch.randint(DRAW_LIMIT, (count, batch, DRAWS), generator=generator, device=device)


@dataclass(frozen=True)
class Patches:
    """A batch, each (N, 3, side, side) in 0..1, float32 in channels-last order.

    Attributes:
        small: Patches of the small images.
        large: The same parts of the large ones.
        taught: The same parts of the teacher's output; None without a teacher.
    """

    small: Tensor
    large: Tensor
    taught: Tensor | None


class PatchSampler:
    """Gathers patches. Nothing in `gather` waits for the device, or depends on values there: it can be captured."""

    def __init__(self, store: PictureStore, side: int, recipe: PatchRecipe) -> None:
        """Find all positions.

        Args:
            store: The pictures.
            side: Side of a patch of the small image.
            recipe: What is drawn how often.

        Raises:
            ValueError: No picture is large enough, or none of a kind that the recipe requires.
        """
        self._store, self._side, self._recipe = store, side, recipe
        device = store.small.device
        tables, counts, textured = list[Tensor](), list[int](), list[int]()
        for kind in _KINDS:
            table, several = self._positions_of(kind)
            tables.append(table)
            counts.append(len(table))
            textured.append(several or len(table))
        self.counts = dict(zip(_KINDS, counts, strict=True))
        share = self._share_of_drawn()
        self._positions = torch.cat(tables)
        self._starts, self._counts, self._textured = (
            torch.tensor(values, device=device) for values in ([0, counts[0]], counts, textured)
        )
        self._drawn_below = int(share * DRAW_LIMIT)
        self._uniform_below = int(recipe.uniform * DRAW_LIMIT)
        self._permuted_below = int(recipe.permuted * DRAW_LIMIT)
        self._orders = torch.tensor(_CHANNEL_ORDERS, device=device)

    def _share_of_drawn(self) -> float:
        """The share of patches from drawn pictures."""
        total, drawn = sum(self.counts.values()), self.counts["drawn"]
        if not total:
            raise ValueError(f"no picture has room for a patch of {self._side} pixels; lower `patch`")
        share = drawn / total if self._recipe.drawn is None else self._recipe.drawn
        if (share > 0 and not drawn) or (share < 1 and drawn == total):
            missing = "drawn pictures" if not drawn else "photographs"
            raise ValueError(f"`drawn` is {share}, but there are no {missing} large enough; change it or the pack")
        return share

    def _positions_of(self, kind: Kind) -> tuple[Tensor, int]:
        """Positions of all patches of a kind, (N, 4) int64, the textured ones first, and the number of these.

        A position is the index of the picture's first pixel, the picture's width, y and x. It leaves room for
        _STRIDE - 1 more pixels, so that a patch shifted by as many is inside.
        """
        parts = [self._grid(picture) for picture in self._store.pictures if picture.kind == kind]
        if not parts:
            return torch.empty((0, 4), dtype=torch.int64, device=self._store.small.device), 0
        positions, textures = (torch.cat(part) for part in zip(*parts, strict=True))
        is_textured = textures >= self._recipe.texture
        return torch.cat([positions[is_textured], positions[~is_textured]]), int(is_textured.sum())

    def _grid(self, picture: StoredPicture) -> tuple[Tensor, Tensor]:
        """Positions of a picture's patches, (N, 4) int64, and their texture, (N,)."""
        device, room = self._store.small.device, self._side + _STRIDE - 1
        if min(picture.height, picture.width) < room:
            return torch.empty((0, 4), dtype=torch.int64, device=device), torch.empty(0, device=device)
        scale = self._store.scale
        textures = _texture(self._store.large_picture(picture), scale * room, scale * _STRIDE)
        corners = torch.stack(
            torch.meshgrid(*(torch.arange(n, device=device) * _STRIDE for n in textures.shape), indexing="ij"), dim=-1
        ).view(-1, 2)
        head = torch.tensor([picture.first, picture.width], device=device).expand(len(corners), 2)
        return torch.cat([head, corners], dim=1), textures.flatten()

    def gather(self, draws: Tensor) -> Patches:
        """The patches that random integers select: (N, DRAWS) int64, see `draw`."""
        by_kind, by_texture, by_row, by_y, by_x, mirrors, by_order = draws.unbind(1)
        kind = (by_kind < self._drawn_below).long()
        limit = torch.where(by_texture < self._uniform_below, self._counts[kind], self._textured[kind])
        places = self._positions[self._starts[kind] + by_row % limit]
        corner = places[:, 2:] + torch.stack([by_y, by_x], dim=1) % _STRIDE
        flips = torch.stack([mirrors >> bit & 1 for bit in range(3)], dim=1).bool()
        order = None
        if self._permuted_below:
            is_permuted = (by_order < self._permuted_below)[:, None]
            order = torch.where(is_permuted, self._orders[by_order % len(self._orders)], self._orders[0])
        store, scale = self._store, self._store.scale
        first, width = places[:, 0], places[:, 1]
        small = _pixel_indices(first, width, corner, self._side, flips)
        large = _pixel_indices(first * scale**2, width * scale, corner * scale, self._side * scale, flips)
        taught = None if store.taught is None else _pick(store.taught, large, order)
        return Patches(_pick(store.small, small, order), _pick(store.large, large, order), taught)


def _texture(picture: Tensor, side: int, stride: int) -> Tensor:
    """Mean magnitude of the Laplacian, in 8-bit levels, of each square of a picture, (H, W, 3) uint8."""
    grey = picture.float().mean(dim=2)
    kernel = torch.tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=torch.float32, device=grey.device)
    padded = functional.pad(grey[None, None], (1, 1, 1, 1), mode="replicate")
    edges = functional.conv2d(padded, kernel[None, None]).abs()
    return functional.avg_pool2d(edges, side, stride)[0, 0]


def _pixel_indices(first: Tensor, width: Tensor, corner: Tensor, side: int, flips: Tensor) -> Tensor:
    """Indices of patches' pixels, (N, side, side); flips (vertical, horizontal, of axes) give eight orientations."""
    line = torch.arange(side, device=first.device)
    lines = torch.where(flips[:, :2, None], side - 1 - line, line) + corner[:, :, None]
    indices = first[:, None, None] + lines[:, 0, :, None] * width[:, None, None] + lines[:, 1, None, :]
    return torch.where(flips[:, 2, None, None], indices.transpose(1, 2), indices)


def _pick(pixels: Tensor, indices: Tensor, order: Tensor | None) -> Tensor:
    """The pixels, (P, 3) uint8, at (N, H, W) indices as (N, 3, H, W) in 0..1; `order` of channels, (N, 3)."""
    picked = pixels[indices]
    if order is not None:
        picked = picked.gather(3, order[:, None, None, :].expand(picked.shape))
    return picked.permute(0, 3, 1, 2).float() / 255
