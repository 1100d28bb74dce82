"""Runs the GPU's kernels under NVIDIA's compute-sanitizer: `python -m tests.gpu.sanitize`, or `make sanitize`.

All variants of the fused kernels (tests/superres/gpu/fused/kernel_cases.py) and the colour kernels run at three small
sizes in one process under each tool, and their outputs are compared with ONNX Runtime:

- memcheck   accesses outside of an allocation; allocations are padded, so that neighbours don't hide them
- initcheck  reads of device memory that nothing has written
- racecheck  accesses of shared memory by two threads of a block without a barrier between

Under racecheck, kernels don't overlap (programmatic dependent launch is off): the overlap concerns global memory
between kernels, which racecheck does not look at. The other tools run the kernels as users do.

Kernels are compiled before, on all cores. A tool that has used its --seconds stops with the runs that are left; the
summary says how many were done. Exit code: 0 if no tool found anything and all runs were done.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.models.inspection import inspect_model
from pipeline.models.precision import convert_precision
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.fused.kernel import FusedKernel, compile_kernel
from pipeline.superres.gpu.fused.network import FusedNetwork
from pipeline.superres.gpu.fused.plan import PlannedKernel
from pipeline.superres.gpu.fused.program import assemble
from pipeline.superres.gpu.launch import Adapt, ConversionKernels, conversion_kernels
from pipeline.superres.gpu.passes import Passes, tensor_bytes
from pipeline.superres.gpu.samples import packed_samples
from pipeline.superres.gpu.validation import reference_output
from pipeline.superres.tiling import Tiling
from pipeline.system import cuda
from pipeline.system.cuda import Gpu
from pipeline.system.host import cores
from tests.superres.gpu.fused.kernel_cases import FAMILIES, HOPPER, KernelCase, kernel_cases, stack_of
from tests.superres.oracle import saturated

TOOLS = {
    "memcheck": ["--padding", "64", "--report-api-errors", "no"],
    "initcheck": [],
    "racecheck": ["--racecheck-report", "all"],
}
_SUMMARY = re.compile(r"(?:ERROR|RACECHECK) SUMMARY: (\d+)")
_DONE = re.compile(r"^done: .*$", re.MULTILINE)
_LARGEST_ERROR = {"mma": 1.5e-3, "wgmma": 1.5e-3, "mma-fp16": 5e-3}  # relative
_PIXELS = {
    "repeating": "yuv420p nv12 yuv422p yuv444p10le p010le gray16le gbrp yuva444p12le yuva420p",
    "repeating luma": "yuv420p nv12 yuv444p10le",
}
"""Pixel formats of the frames that a family of networks upscales."""

_SIZES = ((2, 2), (37, 21), (130, 34))  # (width, height) of frames
_PQ = 16  # the transfer of HDR, whose overshoot is limited

Run = tuple[str, Callable[[], None]]


class SerialKernel(FusedKernel):
    """A kernel that starts when the one before it has ended."""

    def launch(self, *arguments: Any, **options: Any) -> None:
        super().launch(*arguments, **options | {"overlap": False})


def main() -> int:
    args = _arguments()
    if reason := cuda.unavailable_reason():
        print(f"sanitize: no GPU: {reason}", file=sys.stderr)
        return 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        gpu, models = Gpu(0), _models(Path(folder))
        compile_all(gpu, models)
        print(f"compiled in {time.monotonic() - began:.0f} s", flush=True)
        if args.run:
            return run_kernels(gpu, models, args)
    return max(sanitize(tool, args) for tool in args.tools)


def compile_all(gpu: Gpu, models: dict[str, ModelSpec]) -> None:
    """Compile the kernels of all runs into the cache, or find them there."""
    kernels = {kernel[1:] for case in _cases(gpu) for kernel in case.kernels()}
    arch = gpu.device.arch
    with ThreadPoolExecutor(cores()) as threads:
        list(threads.map(lambda kernel: compile_kernel(arch, *kernel), kernels))
        list(threads.map(lambda frames: _conversions(gpu, models[frames[0]], frames[1]), _frames()))


def _models(folder: Path) -> dict[str, ModelSpec]:
    """The networks of all families in fp16, as files."""
    files = {family: folder / f"{number}.onnx" for number, family in enumerate(FAMILIES)}
    for family, path in files.items():
        path.write_bytes(convert_precision(FAMILIES[family](), "fp16").SerializeToString())
    return {family: inspect_model(path) for family, path in files.items()}


def _cases(gpu: Gpu) -> list[KernelCase]:
    """The runs of fused kernels, by size, so that the first ones have every variant."""
    cases = kernel_cases(gpu.facts.capability == "9.0")
    return sorted(cases, key=lambda case: [(33, 131), (7, 61), (1, 1)].index(case.size))


def sanitize(tool: str, args: argparse.Namespace) -> int:
    """Run all kernels under one tool, and print its summary; 0 if it found nothing and all runs were done."""
    own = [sys.executable, "-m", "tests.gpu.sanitize", "--run", "--seconds", str(args.seconds)]
    command = [args.sanitizer, "--tool", tool, "--print-limit", "10", *TOOLS[tool], *own]
    command += ["--serial"] if tool == "racecheck" else []
    began = time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    log = ended.stdout + ended.stderr
    if args.logs:
        (args.logs / f"{tool}.log").write_text(log, encoding="utf-8")
    found, done = _SUMMARY.findall(log), _DONE.findall(log)
    problems = sum(map(int, found))
    print(f"{tool}: {problems if found else 'no summary'} problems; {done[-1] if done else 'the runs did not end'}")
    print(f"{tool}: {time.monotonic() - began:.0f} s, exit code {ended.returncode}", flush=True)
    is_good = bool(found) and not problems and bool(done) and ended.returncode == 0
    if not is_good:
        print("\n".join(line for line in log.splitlines() if line.startswith("=========") or "WRONG" in line)[:4000])
    return 0 if is_good else 1


def run_kernels(gpu: Gpu, models: dict[str, ModelSpec], args: argparse.Namespace) -> int:
    """Run everything once, for at most --seconds; 0 if all was run and all outputs are right."""
    began, count, wrong = time.monotonic(), 0, 0
    serial = mock.patch("pipeline.superres.gpu.fused.network.FusedKernel", SerialKernel)
    runs = list(_runs(gpu, models))
    with serial if args.serial else nullcontext():
        for name, run in runs:
            if time.monotonic() - began > args.seconds:
                break
            count += 1
            try:
                run()
            except Exception as error:  # all other runs are still of interest
                wrong += 1
                print(f"WRONG {name}: {type(error).__name__}: {error}", flush=True)
    print(f"done: {count} of {len(runs)} runs, {wrong} wrong, {time.monotonic() - began:.0f} s", flush=True)
    return 0 if count == len(runs) and not wrong else 1


def _runs(gpu: Gpu, models: dict[str, ModelSpec]) -> Iterator[Run]:
    """All runs."""
    for case in _cases(gpu):
        name = f"{case.family}, {case.instruction}, {case.size[1]}x{case.size[0]}"
        yield name, partial(_run_fused, gpu, models[case.family], case)
    for family, format, tiling in _frames():
        name = f"{family}, {format.pixel.name} {format.width}x{format.height}"
        yield name, partial(_run_passes, gpu, models[family], family, format, tiling)


def _fused(gpu: Gpu, model: ModelSpec, case: KernelCase) -> FusedNetwork:
    """The network of a case, with the grid that is estimated to be fastest."""
    plan = []
    for start, segment, shape in case.kernels():
        (grid,) = FusedKernel(gpu.device, segment, shape).grids(*case.size, 1)
        plan.append(PlannedKernel(start, segment, shape, grid, 0.0))
    return FusedNetwork(gpu, model, assemble(stack_of(case.family), tuple(plan)), case.size)


def _run_fused(gpu: Gpu, model: ModelSpec, case: KernelCase) -> None:
    """Compute an image of noise, and compare the output with ONNX Runtime."""
    image = np.random.default_rng(0).random((1, model.channels, *case.size)).astype(np.float16)
    with closing(_fused(gpu, model, case)) as network, closing(network.lane()) as lane:
        output = lane.run_once(image)
    expected = reference_output(model, image)
    error = float(np.linalg.norm(output - expected) / np.linalg.norm(expected))
    if not error <= _LARGEST_ERROR[case.instruction]:
        raise ValueError(f"relative error {error:.1e}")


def _frames() -> Iterator[tuple[str, FrameFormat, Tiling | None]]:
    """Frames for RGB and for luma, in SDR and in HDR, complete and in tiles: family of networks, format, tiling."""
    sdr, hdr = Colour(1, False), Colour(9, False, transfer=_PQ)
    for family, pixels in _PIXELS.items():
        for pixel in pixels.split():
            for (width, height), colour in zip(_SIZES, (sdr, hdr, sdr), strict=True):
                yield family, FrameFormat(width, height, PIXEL_FORMATS[pixel], colour), None
        format = FrameFormat(96, 80, PIXEL_FORMATS["yuv420p"], sdr)
        yield family, format, Tiling(96, 80, 64, 64, margin=4, ramp=4)


def _conversions(gpu: Gpu, model: ModelSpec, format: FrameFormat) -> list[ConversionKernels]:
    """The kernels between samples and tensors, for a network's input in (H, W, 4) and in (1, C, H, W)."""
    gpu.make_current()  # threads compile them
    output = _output(model, format)
    return [conversion_kernels(gpu.device, model, format, output, interleaved, 0.7) for interleaved in (True, False)]


def _output(model: ModelSpec, format: FrameFormat) -> FrameFormat:
    """The format of upscaled frames: smaller than the network's output, so that they are resampled."""
    return format.resized(format.width * model.scale * 3 // 4, format.height * model.scale - 1)


def _run_passes(gpu: Gpu, model: ModelSpec, family: str, format: FrameFormat, tiling: Tiling | None = None) -> None:
    """Upscale a frame, and convert it to a tensor with the planes apart, as TensorRT reads it."""
    tiling = tiling or Tiling(format.width, format.height, format.width, format.height)
    case = KernelCase(family, "mma", (tiling.tile_height, tiling.tile_width), True, HOPPER)
    output = _output(model, format)
    conversions, planar = _conversions(gpu, model, format)
    adapt = Adapt(gpu.device, model, model, (format.width, format.height), interleaved=True)
    with closing(_fused(gpu, model, case)) as network, closing(Passes(gpu, network, tiling, conversions)) as passes:
        stream, pixels = passes.stream, format.width * format.height
        sizes = (format.bytes, output.bytes, tensor_bytes(model, format.width, format.height), 8 * pixels)
        samples, upscaled, tensor, interleaved = (gpu.allocate(size, stream) for size in sizes)
        host = gpu.pinned(format.bytes)
        for packed, plane in zip(format.split(host.array), saturated(format).planes, strict=True):
            np.copyto(packed, plane)
        samples.copy_from(host.buffer, stream=stream)
        source = packed_samples(format, int(samples.handle))
        passes.queue(source, int(upscaled.handle))
        planar.to_tensor(stream, source, int(tensor.handle))
        adapt(stream, int(tensor.handle), int(interleaved.handle))
        stream.sync()
        for buffer in (samples, upscaled, tensor, interleaved):
            buffer.close(stream)
        host.close()


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    options.add_argument("--seconds", type=float, default=60, help="how long the kernels of each tool may run")
    options.add_argument("--sanitizer", default="compute-sanitizer", help="the program")
    options.add_argument("--logs", type=Path, help="a folder for the complete output of each tool")
    options.add_argument("--run", action="store_true", help="only run the kernels, without a sanitizer")
    options.add_argument("--serial", action="store_true", help="with --run: kernels don't overlap")
    return options.parse_args()


if __name__ == "__main__":
    sys.exit(main())
