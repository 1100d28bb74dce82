"""The end of a run: ONNX files, their checks, the curve and the card.

`python -m training.finish DIR --data PACK...` does it again, or for a run that is not finished, from its checkpoint.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from pipeline.colour.psnr import psnr
from pipeline.errors import UprezError
from pipeline.superres.gpu.fused.recognition import recognise
from training.card import CardFacts, write_card
from training.checkpoint import NAME, Checkpoint, load_checkpoint
from training.curve import draw_curve
from training.export import count_weights, overlap, write_models
from training.networks.averaged import averaged_network
from training.networks.build import Network
from training.pack import Pack, read_pack
from training.recipe import Recipe
from training.validation import Validation

_LEAST_AGREEMENT = {"fp32": 90.0, "fp16": 55.0}  # dB, of an ONNX file with torch in fp32, on the held-out pictures
_SIDE = 256  # of the parts of pictures that are compared, as ONNX Runtime is slow in fp16


def main(arguments: list[str] | None = None) -> int:
    """Write the files of a run; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.finish", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of a run, with its checkpoint")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="all parts of the pack")
    options = parser.parse_args(arguments)
    try:
        checkpoint = load_checkpoint(options.folder / NAME)
        finish(checkpoint, read_pack(options.data, threads=os.cpu_count() or 1), options.folder)
    except (UprezError, ValueError, OSError) as error:
        print(f"training.finish: {error}", file=sys.stderr)
        return 2
    return 0


def finish(checkpoint: Checkpoint, pack: Pack, folder: Path) -> None:
    """Write the ONNX files of the moving average, the curve and the card.

    Raises:
        ValueError: The fused kernels would not run the network, or a file's output differs from torch's by too much, or
            the checkpoint is one of another pack.
    """
    if checkpoint.origin.data != pack.hash:
        raise ValueError(f"the run has data {checkpoint.origin.data[:12]}, this pack is {pack.hash[:12]}")
    recipe = Recipe.model_validate_json(checkpoint.recipe)
    network = averaged_network(checkpoint)
    stack = network.stack()
    properties = _properties(recipe, overlap(stack), count_weights(stack))
    paths = write_models(stack, folder, recipe.name, properties)
    held_out = [picture for picture in pack.pictures if picture.split == "held"]
    validation = Validation(held_out, recipe.network.scale, torch.device("cpu"))
    agreement = {precision: _agreement(network, path, validation) for precision, path in paths.items()}
    for precision, level in agreement.items():
        print(f"{paths[precision].name}: {level:.1f} dB from torch in fp32")
        if not level >= _LEAST_AGREEMENT[precision]:
            least = _LEAST_AGREEMENT[precision]
            raise ValueError(f"{paths[precision].name} agrees with torch to {level:.1f} dB, not {least}")
    draw_curve(checkpoint.log, folder)
    write_card(CardFacts(recipe, pack, checkpoint, count_weights(stack), agreement), paths, folder)


def _properties(recipe: Recipe, overlap: int, parameters: int) -> dict[str, str]:
    """The metadata of the ONNX files, which uprez reads."""
    return {
        "uprez.name": recipe.name,
        "uprez.scale": str(recipe.network.scale),
        "uprez.channels": "rgb",
        "uprez.range": "1",
        "uprez.licence": recipe.card.licence,
        "uprez.overlap": str(overlap),
        "uprez.description": f"{recipe.card.purpose}, {parameters:,} parameters",
    }


def _agreement(network: Network, path: Path, validation: Validation) -> float:
    """Lowest PSNR in dB between an ONNX file in ONNX Runtime on the CPU and torch in fp32, on held-out pictures.

    Raises UnknownStructure if the fused kernels would not run the file.
    """
    recognise(onnx.load(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return min(_psnr_of(network, session, image.numpy()) for image in validation.small_images())


@torch.no_grad()
def _psnr_of(network: Network, session: onnxruntime.InferenceSession, image: NDArray[np.uint8]) -> float:
    scaled = image[None, :, :_SIDE, :_SIDE].astype(np.float32) / 255
    source = session.get_inputs()[0]
    dtype = np.float16 if source.type == "tensor(float16)" else np.float32
    (output,) = session.run(None, {source.name: scaled.astype(dtype)})
    if output.dtype != dtype:
        raise ValueError(f"the output is {output.dtype}, not {np.dtype(dtype)}")
    return psnr(output.astype(np.float32), network(torch.from_numpy(scaled)).numpy(), peak=1)


if __name__ == "__main__":
    sys.exit(main())
