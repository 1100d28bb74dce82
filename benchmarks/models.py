"""Measures networks: quality on Set5 and on a compressed clip, rates on this GPU, and an image of each.

    python benchmarks/models.py --set5 SET5 --original CLIP --pictures images --save models.json --table models.md
    python benchmarks/models.py --only rates --earlier models.json --save models.json    # on a GPU
    python benchmarks/models.py --models clear-x2 --original CLIP                             # one network

Without --models, all networks that `uprez models` lists as shipped, installed, downloaded or added are measured.

- Set5: the mean PSNR of luma over the images of the folder, reduced by the scale of the network and enlarged again.
- The clip is reduced by the scale, encoded by x264 (--crf), decoded, enlarged and compared with the original in a few
  frames (--frames). Bicubic is in the same table. Networks that enlarge nothing get the clip encoded in its own size.
  Quality is that of fp32 on the CPU (benchmarks/networks/quality.py), so it is the same on every machine.
- Rates are those of the bare network in fp16 by the engine that `--engine auto` chooses, on the contexts of the
  defaults, for a textured image that is already on the GPU. Networks of the same graph have the same rate: one of them
  is measured. Without a GPU there are none, unless --backend onnx requests those of the CPU. A network that fails has
  the reason in the report; so have those left when --minutes are over.
- Images are the same part (--cut) of the last of the frames, in the size of the original.

--earlier is a report whose figures are kept and not measured again. --save is written after each network.
"""

from __future__ import annotations

import argparse
import re
import time
from functools import cache
from pathlib import Path

from common.script import add_backend, out, parser, run, save, size
from networks.quality import (
    Enlarge,
    Pair,
    bicubic_enlarger,
    compressed,
    measured,
    network_enlarger,
    read_images,
    reduced,
)
from networks.rates import graph_digest, measured_rate, same_graphs
from networks.report import Material, Network, Quality, Rate, Report
from networks.tables import Box, figures_table, image_name, images_table, save_cut, shown
from pydantic import ValidationError

from pipeline import (
    BackendError,
    InputError,
    OutputError,
    Settings,
    UprezError,
    Upscaler,
    choose_backend,
    find_model,
    host_facts,
    listed_models,
    to_8_bit,
)

KINDS = ("shipped", "installed", "downloaded", "added")


def main() -> None:
    args = arguments()
    report = earlier(args.earlier)
    names = args.models or default_names()
    report.networks += [described(name) for name in names if not report.find(name)]
    if args.only != "rates" and (args.set5 or args.original):
        QualityRun(args, report).measure(names)
    if args.only != "quality" and (backend := backend_for_rates(args)):
        measure_rates(args, report, names, backend)
    save(report, args.save)
    table = figures_table(report)
    out.print(table, markup=False)
    if args.table:
        write_text(args.table, f"{table}\n{images_table(report, args.link)}")


def earlier(path: Path | None) -> Report:
    """An earlier report, or an empty one."""
    if path is None:
        return Report()
    try:
        return Report.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise InputError(f"--earlier {path}: not a report of models.py --save") from error


def default_names() -> list[str]:
    """The networks that can be used here, without `identity`."""
    return [model.name for model in listed_models(every=True) if model.kind in KINDS and model.name != "identity"]


def described(name: str) -> Network:
    """A network, with the number of its learned weights; that of a file may include constants of its graph."""
    model = find_model(name, "fp32")
    listed = next((each for each in listed_models(every=True) if each.name == name), None)
    return Network(
        name=name,
        scale=model.scale,
        parameters=min(listed.parameters) if listed and listed.parameters else model.parameters,
        licence=model.licence,
        graph=graph_digest(model),
    )


def backend_for_rates(args: argparse.Namespace) -> str | None:
    """The backend whose rates are measured; None on a machine without a usable GPU, unless the CPU is requested.

    Raises:
        BackendError: A GPU is requested, or nothing but rates, and there is none.
    """
    required = args.only == "rates" or args.backend != "auto"
    try:
        backend, _ = choose_backend(Settings.load(None, backend="tensorrt" if args.backend == "auto" else args.backend))
        return backend
    except BackendError as error:
        if required:
            raise
        out.print(f"no rates: {error}", markup=False)
        return None


class QualityRun:
    """Measures the quality of networks, and writes their images.

    Args:
        args: The options of the command line.
        report: The report to complete.
    """

    def __init__(self, args: argparse.Namespace, report: Report) -> None:
        self._args = args
        self._report = report
        self._images = read_images(args.set5) if args.set5 else {}
        self._frames_of = cache(self._read_frames)

    def measure(self, names: list[str]) -> None:
        args, report = self._args, self._report
        report.quality_on = host_facts()
        clip = args.original.name if args.original else "none"
        report.material = Material(set5=list(self._images), clip=clip, frames=args.frames, crf=args.crf)
        if args.pictures:
            args.pictures.mkdir(parents=True, exist_ok=True)
        networks = [network for network in map(report.find, names) if network and not known(network)]
        pictured = shown(report.networks) if args.pictures and args.original else set()
        for scale in sorted({network.scale for network in networks}):
            if scale not in report.bicubic:
                report.bicubic[scale] = self._measure_bicubic(scale)
        for network in networks:
            started = time.perf_counter()
            network.quality = self._measure_network(network, network.name in pictured)
            out.print(f"{network.name}: {described_quality(network.quality)}, {time.perf_counter() - started:.0f} s")
            save(report, args.save)

    def _measure_bicubic(self, scale: int) -> Quality:
        args, enlarge = self._args, bicubic_enlarger(scale)
        if args.pictures and args.original:
            pair = self._frames_of(scale)[-1]
            save_cut(args.pictures / "original.jpg", pair.original, args.cut)
            self._save_image(f"bicubic-x{scale}.jpg", enlarge, scale)
        return measured(enlarge, self._set5(scale), self._frames_of(scale), scale)

    def _measure_network(self, network: Network, pictured: bool) -> Quality:
        scale = network.scale
        try:
            with Upscaler(network.name, backend="onnx", engine="onnxruntime", precision="fp32") as upscaler:
                enlarge = network_enlarger(upscaler)
                if pictured:
                    self._save_image(image_name(network), enlarge, scale)
                return measured(enlarge, self._set5(scale), self._frames_of(scale), scale)
        except UprezError as error:
            return Quality(reason=str(error))

    def _set5(self, scale: int) -> list[Pair]:
        return [reduced(image, scale) for image in self._images.values()]

    def _read_frames(self, scale: int) -> list[Pair]:
        args = self._args
        return compressed(args.original, args.frames, scale, args.crf) if args.original else []

    def _save_image(self, name: str, enlarge: Enlarge, scale: int) -> None:
        enlarged = enlarge(self._frames_of(scale)[-1].small)
        save_cut(self._args.pictures / name, to_8_bit(255 * enlarged), self._args.cut)


def known(network: Network) -> bool:
    return network.quality is not None and network.quality.reason is None


def described_quality(quality: Quality) -> str:
    figures = {"Set5": quality.set5, "clip": quality.clip}
    return quality.reason or ", ".join(f"{name} {value:.2f} dB" for name, value in figures.items() if value)


def measure_rates(args: argparse.Namespace, report: Report, names: list[str], backend: str) -> None:
    """Measure one network of each graph at each size, until the time is over."""
    report.rates_on = host_facts((0,) if backend == "tensorrt" else ())
    started = time.monotonic()
    for first, *others in same_graphs(network for network in report.networks if network.name in names):
        for width, height in args.sizes:
            at = f"{width}x{height}"
            if first.rates.get(at, Rate()).frames_per_second is None:
                is_late = time.monotonic() - started > 60 * args.minutes
                late = Rate(reason=f"it was not begun within {args.minutes:g} minutes")
                rate = late if is_late else measured_rate(first.name, backend, (width, height), args.seconds)
                first.rates[at] = rate
                found = rate.reason or f"{rate.frames_per_second:.1f} frames/s by {rate.backend}"
                out.print(f"{first.name}, {at}: {found}; {time.monotonic() - started:.0f} s in all", markup=False)
            for other in others:
                other.rates[at] = first.rates[at].model_copy(update={"same_as": first.name})
            save(report, args.save)


def write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"--table {path}: {error.strerror}") from error


def box(text: str) -> Box:
    """The value of --cut."""
    match = re.fullmatch(r"(\d+)x(\d+)\+(\d+)\+(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text}: WIDTHxHEIGHT+LEFT+TOP, such as 192x160+376+66")
    width, height, left, top = map(int, match.groups())
    return left, top, width, height


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument(
        "--models", type=lambda text: text.split(","), metavar="A,B", help="default: all that are here"
    )
    add_backend(options)
    options.add_argument("--only", choices=("quality", "rates"), help="default: both, rates if there is a GPU")
    options.add_argument("--earlier", type=Path, metavar="FILE", help="a report to complete")
    options.add_argument("--set5", type=Path, metavar="FOLDER", help="the original images of Set5")
    options.add_argument("--original", type=Path, metavar="CLIP", help="a clip to reduce, compress and enlarge")
    options.add_argument("--frames", nargs="+", type=int, default=[36, 84], help="numbers of those to compare, from 0")
    options.add_argument("--crf", type=int, default=28, help="of libx264; default 28")
    options.add_argument("--pictures", type=Path, metavar="FOLDER", help="for the images, JPEG")
    options.add_argument("--cut", type=box, default=(376, 66, 192, 160), metavar="WxH+X+Y", help="the part to show")
    options.add_argument("--table", type=Path, metavar="FILE", help="write figures and images as Markdown")
    options.add_argument("--link", default="images/models", help="folder of the images in the Markdown")
    options.add_argument("--sizes", nargs="+", type=size, default=[(960, 540), (1920, 1080)], metavar="WIDTHxHEIGHT")
    options.add_argument("--seconds", type=float, default=0.3, help="how long to measure each rate")
    options.add_argument("--minutes", type=float, default=60, help="no rate is begun later than that")
    return options.parse_args()


if __name__ == "__main__":
    run(main)
