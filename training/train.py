"""Train the embedded network: `python -m training.train --photos DIR --out DIR --seconds 330`."""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.colour.psnr import LUMA_601, psnr_of_error
from training import export
from training.network import SCALE, Network, count_parameters
from training.photographs import Crops, load, shrink

_AVERAGE = 0.999
_WARM_UP = 0.01
_STEPS_BETWEEN_CLOCKS = 10


def main(arguments: list[str] | None = None) -> None:
    """Train the network, and write its weights, models and log."""
    options = _parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    torch.manual_seed(options.seed)
    torch.backends.cudnn.allow_tf32 = False
    with (options.out / "log.txt").open("w") as file:
        log = _logger(file)
        crops, validation = _prepare(options, device, log)
        network = Network(options.features, options.layers).to(device, memory_format=torch.channels_last)
        log(f"{count_parameters(network)} parameters on {device}, seed {options.seed}")
        best = _train(network, crops, validation, options, log)
        for path in export.write_all(best, options.out, options.name):
            log(f"wrote {path.name}, {path.stat().st_size} bytes")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, ONNX files and log")
    parser.add_argument("--seconds", type=float, default=330, help="duration of the training, without preparation")
    parser.add_argument("--halved", action="store_true", help="the photographs are already halved")
    parser.add_argument("--name", default="clear-x2", help="name of the network and its files")
    parser.add_argument("--features", type=int, default=40)
    parser.add_argument("--layers", type=int, default=6, help="inner convolutions")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=96, help="side of an input crop")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--luma", type=float, default=1.0, help="weight of the luma term beside RGB's")
    parser.add_argument("--every", type=float, default=20, help="seconds between validations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", help="default: cuda if available")
    parser.add_argument("--no-compile", action="store_true", help="do not use torch.compile on a GPU")
    return parser.parse_args(arguments)


def _logger(file: TextIO) -> Callable[[str], None]:
    start = time.monotonic()

    def log(line: str) -> None:
        line = f"[{time.monotonic() - start:6.1f} s] {line}"
        print(line, flush=True)
        print(line, file=file, flush=True)

    return log


def _prepare(
    options: argparse.Namespace, device: torch.device, log: Callable[[str], None]
) -> tuple[Crops, list[tuple[Tensor, Tensor]]]:
    training, held_out = load(options.photos, options.halved)
    crops = Crops(training, options.size, device)
    validation = [(shrink(image.to(device)), image.to(device)) for image in held_out]
    log(f"{len(training)} images with {len(crops)} textured positions, {len(held_out)} held out")
    if not validation:
        raise SystemExit("no photograph is held out: the folder has too few")
    log(f"bicubic, held out: {_validate(_bicubic, validation):.3f} dB")
    return crops, validation


def _train(
    network: Network,
    crops: Crops,
    validation: list[tuple[Tensor, Tensor]],
    options: argparse.Namespace,
    log: Callable[[str], None],
) -> Network:
    """Train for `seconds`, and return the moving average of weights with the best score on the held-out images."""
    generator = torch.Generator(crops.device).manual_seed(options.seed)
    step = _stepper(network, options, log, lambda: crops.draw(options.batch, generator))
    optimiser = torch.optim.Adam(network.parameters(), lr=options.rate, fused=crops.device.type == "cuda")
    average, best, best_score = copy.deepcopy(network), copy.deepcopy(network), -math.inf
    start, done, shown, steps = time.monotonic(), 0.0, 0.0, 0
    while done < 1:
        for group in optimiser.param_groups:
            group["lr"] = options.rate * _schedule(done)
        loss = step()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        steps += 1
        _follow(average, network, min(_AVERAGE, steps / (steps + 10)))
        if steps % _STEPS_BETWEEN_CLOCKS and crops.device.type == "cuda":
            continue
        _wait(crops.device)
        done = (time.monotonic() - start) / options.seconds
        if done >= 1 or (done - shown) * options.seconds >= options.every:
            shown = done
            score = _validate(average, validation)
            log(f"{done:5.1%}, {steps} steps, loss {loss.item():.5f}, held out {score:.3f} dB")
            if score > best_score:
                best_score = score
                best.load_state_dict(average.state_dict())
    log(f"best on the held-out images: {best_score:.3f} dB")
    return best


def _stepper(
    network: Network, options: argparse.Namespace, log: Callable[[str], None], draw: Callable[[], tuple[Tensor, Tensor]]
) -> Callable[[], Tensor]:
    """A function that draws a batch and computes the gradients; already compiled and warmed up."""
    small, large = draw()
    cuda, luma = small.device.type == "cuda", options.luma
    weights = torch.tensor(LUMA_601, device=small.device).view(1, 3, 1, 1) / sum(LUMA_601)

    def loss_of(small: Tensor, large: Tensor) -> Tensor:
        with torch.autocast(small.device.type, torch.bfloat16, enabled=cuda):
            error = network(small)
        error = error.float() - large
        return error.abs().mean() + luma * (error * weights).sum(dim=1).abs().mean()

    chosen = loss_of
    if cuda:
        torch.backends.cudnn.benchmark = True
        if not options.no_compile:
            chosen = _compiled_or_plain(loss_of, small, large, log)
        for _ in range(3):
            chosen(small, large).backward()
        network.zero_grad(set_to_none=True)
        _wait(small.device)
        log("warm")

    def step() -> Tensor:
        (loss := chosen(*draw())).backward()
        return loss.detach()

    return step


def _compiled_or_plain(
    loss_of: Callable[[Tensor, Tensor], Tensor], small: Tensor, large: Tensor, log: Callable[[str], None]
) -> Callable[[Tensor, Tensor], Tensor]:
    """The compiled loss; the plain one if the machine has no compiler."""
    compiled = torch.compile(loss_of, dynamic=False)
    try:
        compiled(small, large).backward()
    except Exception as error:
        log(f"not compiled: {type(error).__name__}: {str(error)[:200]}")
        return loss_of
    return compiled


def _schedule(done: float) -> float:
    """Factor of the learning rate: a short rise, then half a cosine down to 0, over the fraction of time elapsed."""
    return min(done / _WARM_UP, 1.0) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - keep)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _bicubic(image: Tensor) -> Tensor:
    return functional.interpolate(image, scale_factor=SCALE, mode="bicubic", antialias=True)


@torch.no_grad()
def _validate(upscale: Callable[[Tensor], Tensor], pairs: list[tuple[Tensor, Tensor]]) -> float:
    """Mean PSNR-Y in dB of fp32 inference over pairs of (3, H, W), (3, 2H, 2W) uint8 images."""
    scores = []
    # Each image has its own size: benchmarking every algorithm for each would take the time of many steps.
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, False
    for small, large in pairs:
        image = upscale(small[None].float() / 255)[0].clamp(0, 1)
        error = (image - large.float() / 255)[:, SCALE:-SCALE, SCALE:-SCALE]
        luma = (error * error.new_tensor(LUMA_601).view(3, 1, 1)).sum(dim=0)
        scores.append(psnr_of_error(luma.double().square().mean().item()))
    torch.backends.cudnn.benchmark = before
    return sum(scores) / len(scores)


if __name__ == "__main__":
    main()
