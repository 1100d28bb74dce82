"""Recognition of operators that read the image itself: its normalisation, its copies, and its enlargement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.superres.gpu.fused.onnx_graph import OnnxGraph, as_float32
from pipeline.superres.gpu.fused.stack import SCALES, Residual, UnknownStructure

Affine = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Factor and offset, each of shape (1 or planes,): the tensor is image * factor + offset."""

_REARRANGING = frozenset(
    "Cast Concat ConstantOfShape Expand Gather Reshape Shape Slice Squeeze Tile Transpose Unsqueeze".split()
)


@dataclass(frozen=True)
class ImageCopies:
    """A tensor of copies of the image.

    Attributes:
        scale: The square of it is the number of copies.
        copies_first: Whether its channels are in the order (copy, plane).
        planes_first: Whether its channels are in the order (plane, copy).
    """

    scale: int
    copies_first: bool
    planes_first: bool


@dataclass
class ImageReader:
    """Reads the operators on the image.

    Attributes:
        graph: The graph.
        normalised: For each tensor that is the image with a factor and an offset, these two. The image is one of them.
        rearranged: The tensors that are made of the image, and of sizes, by operators that compute nothing.
        enlarged: For each tensor that is the enlarged image, the interpolation and the scale.
    """

    graph: OnnxGraph
    normalised: dict[str, Affine] = field(default_factory=dict)
    rearranged: set[str] = field(default_factory=set)
    enlarged: dict[str, tuple[Residual, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.normalised[self.graph.image] = np.ones(1, np.float32), np.zeros(1, np.float32)
        self.rearranged.add(self.graph.image)

    def normalise(self, kind: str, output: str, inputs: list[str]) -> bool:
        """Read an Add, Sub, Mul or Div of the image with a constant; False if `inputs` are something else."""
        if inputs[0] in self.graph.constants and kind in ("Add", "Mul"):
            inputs = inputs[::-1]
        if inputs[0] not in self.normalised or inputs[1] not in self.graph.constants:
            return False
        constant = self.graph.constants[inputs[1]]
        if constant.size != 1 and (constant.ndim < 3 or constant.size != constant.shape[-3]):
            raise UnknownStructure(f"a normalisation of the image by a constant of shape {constant.shape}")
        value, (factor, offset) = as_float32(constant).ravel(), self.normalised[inputs[0]]
        if kind in ("Mul", "Div"):
            if kind == "Div" and not value.all():
                raise UnknownStructure("a division of the image by 0")
            times = as_float32(value if kind == "Mul" else 1 / value)
            self.normalised[output] = factor * times, offset * times
        else:
            self.normalised[output] = factor, offset + (value if kind == "Add" else -value)
        return True

    def folded(self, source: str, weight: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """The fields of the first layer with which it reads the image itself instead of tensor `source`."""
        factor, offset = self.normalised[source]
        planes, weight = weight.shape[1], as_float32(weight)
        if factor.size not in (1, planes) or offset.size not in (1, planes):
            raise UnknownStructure(f"a normalisation of {max(factor.size, offset.size)} planes, not {planes}")
        fields = {"weight": weight * factor[None, :, None, None]}
        if offset.any():
            fields["ones_weight"] = (weight * offset[None, :, None, None]).sum(axis=1)
        return fields

    def rearrange(self, kind: str, outputs: Iterable[str], inputs: list[str]) -> bool:
        """Read an operator that rearranges the image or computes a size; False if it is or reads something else."""
        read = [name for name in inputs if name and name not in self.graph.constants]
        if kind not in _REARRANGING or not read or not self.rearranged.issuperset(read):
            return False
        self.rearranged.update(outputs)
        return True

    def copies(self, name: str, planes: int, channels: int) -> ImageCopies:
        """Find out how tensor `name`, which is added to `channels` channels, consists of copies of the image."""
        image, value = self.graph.evaluated(name, planes)
        scale = round((channels / planes) ** 0.5)
        fits = channels == planes * scale**2 and value.ndim == 4 and value.shape[1] in (1, channels)
        if not fits or value.shape[::2] != image.shape[::2] or value.shape[3] != image.shape[3]:
            raise UnknownStructure(f"an image of {planes} planes added to {channels} channels")
        added = np.broadcast_to(value, (1, channels, *image.shape[2:]))
        return ImageCopies(
            scale,
            copies_first=np.array_equal(added, np.tile(image, (1, scale**2, 1, 1))),
            planes_first=np.array_equal(added, image.repeat(scale**2, axis=1)),
        )

    def enlarge(self, output: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        """Read a Resize."""
        scales = self.graph.constant(inputs[2] if len(inputs) > 2 else "", "the scales of a Resize").ravel()
        is_whole = scales.size == 4 and scales[2] in SCALES and scales.tolist() == [1, 1, scales[2], scales[2]]
        if inputs[0] != self.graph.image or not is_whole:
            raise UnknownStructure("a Resize that does not enlarge the image by a whole number up to 4")
        mode, how = attributes.get("mode", b"nearest"), attributes.get("coordinate_transformation_mode", b"half_pixel")
        rounding = attributes.get("nearest_mode", b"round_prefer_floor")
        rounds = how == b"half_pixel" and rounding.startswith(b"round")
        repeats = rounds or (how == b"asymmetric" and rounding == b"floor")
        if mode == b"nearest" and repeats:
            self.enlarged[output] = "nearest", int(scales[2])
        elif mode == b"linear" and how in (b"half_pixel", b"pytorch_half_pixel"):
            self.enlarged[output] = "bilinear", int(scales[2])
        else:
            raise UnknownStructure(f"a Resize with mode {mode.decode()} and {how.decode()} coordinates")
