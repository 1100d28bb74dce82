"""Arrays in files, which several processes map into their memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.degradation.degrade import SCALE
from training.degradation.pair_plan import PairPlan


@dataclass(frozen=True)
class StoredArrays:
    """The folder of a set of pairs: its plan, the pictures, and the pairs.

    Attributes:
        folder: Where the files are.
        plan: The set.
        shapes: Height and width of each picture.
    """

    folder: Path
    plan: PairPlan
    shapes: tuple[tuple[int, int], ...]

    @classmethod
    def create(cls, folder: Path, plan: PairPlan, pictures: Sequence[NDArray[np.uint8]]) -> StoredArrays:
        """Write the pictures, (H, W, 3) uint8, and reserve space for the pairs."""
        stored = cls(folder, plan, tuple((picture.shape[0], picture.shape[1]) for picture in pictures))
        with (folder / "pictures").open("wb") as file:
            for picture in pictures:
                file.write(np.ascontiguousarray(picture).data)
        for name, side in (("low", plan.side), ("high", SCALE * plan.side)):
            with (folder / name).open("wb") as file:
                file.truncate(plan.count * 3 * side * side)
        (folder / "set.json").write_text(json.dumps({"plan": asdict(plan), "shapes": stored.shapes}))
        return stored

    @classmethod
    def open(cls, folder: Path) -> StoredArrays:
        """Open a folder that `create` has filled."""
        document = json.loads((folder / "set.json").read_text())
        shapes = tuple((height, width) for height, width in document["shapes"])
        return cls(folder, PairPlan(**document["plan"]), shapes)

    def pictures(self) -> list[NDArray[np.uint8]]:
        """All pictures, (H, W, 3) uint8, read where they are used."""
        pixels = np.memmap(self.folder / "pictures", np.uint8, "r")
        ends = np.cumsum([0, *(height * width * 3 for height, width in self.shapes)])
        return [
            pixels[start:end].reshape(*shape, 3) for start, end, shape in zip(ends, ends[1:], self.shapes, strict=False)
        ]

    def pairs(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The small patches, (N, 3, side, side), and the large ones; both can be written."""
        low, high = (
            np.memmap(self.folder / name, np.uint8, "r+", shape=(self.plan.count, 3, side, side))
            for name, side in (("low", self.plan.side), ("high", SCALE * self.plan.side))
        )
        return low, high
