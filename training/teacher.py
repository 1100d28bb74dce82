"""A larger network whose output is a second target."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import torch
from torch import Tensor

from pipeline.superres.gpu.fused.recognition import recognise
from training.checkpoint import load_checkpoint
from training.networks.averaged import averaged_network
from training.networks.stack import StackNetwork
from training.picture_store import Teach
from training.recipe import TeacherRecipe


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_teacher(path: Path, recipe: TeacherRecipe, scale: int, device: torch.device) -> Teach:
    """Load a teacher.

    Args:
        path: An ONNX file that the fused kernels can run, with RGB from 0 to 1, or a checkpoint of a run.
        recipe: The teacher's table.
        scale: Scale of the network that it teaches.
        device: Device that trains.

    Raises:
        ValueError: It is another file than the recipe requires, or has another scale.
        UnknownStructure: The fused kernels can't run the ONNX file.
    """
    if recipe.sha256 not in (None, digest(path)):
        raise ValueError(f"{path} has SHA-256 {digest(path)[:12]}, the recipe requires {str(recipe.sha256)[:12]}")
    is_onnx = path.suffix == ".onnx"
    stack = recognise(onnx.load(path)) if is_onnx else averaged_network(load_checkpoint(path)).stack()
    if (stack.scale, stack.planes) != (scale, 3):
        raise ValueError(f"{path} has scale {stack.scale} and {stack.planes} planes, not {scale} and 3")
    # fp16 on a GPU is 60 dB and more from fp32, and its error differs between the orientations that are averaged.
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    network = StackNetwork(stack).to(device, dtype, memory_format=torch.channels_last)
    return lambda picture: _enlarge(network, picture, recipe.ensemble, dtype)


@torch.no_grad()
def _enlarge(network: StackNetwork, picture: Tensor, ensemble: int, dtype: torch.dtype) -> Tensor:
    """Enlarge a picture, (3, H, W) uint8, as the mean over 1 or 8 orientations; uint8."""
    image = (picture[None].float() / 255).to(dtype)
    total = torch.zeros((), device=picture.device)
    for orientation in range(ensemble):
        transposes, flips = orientation >= 4, [axis for axis in (2, 3) if orientation >> (axis - 2) & 1]
        turned = (image.transpose(2, 3) if transposes else image).flip(flips)
        output = network(turned.contiguous(memory_format=torch.channels_last)).float().flip(flips)
        total = total + (output.transpose(2, 3) if transposes else output)
    return (total[0] / ensemble * 255).round().clamp(0, 255).to(torch.uint8)
