"""Compares ways to upscale PQ and HLG with a network that was trained on SDR, and measures their errors.

    python benchmarks/hdr.py --photographs PHOTOGRAPHS --save hdr.json
    python benchmarks/hdr.py                                   # drawn images only
    python benchmarks/hdr.py --model my.onnx --precision fp16  # another network of scale 2

HDR images of which every sample is known (benchmarks/light/scenes.py) are halved in size, in linear light or in code
values, encoded as 10-bit 4:2:0 of BT.2020, enlarged again, and compared with the original. The methods are

- resampled            antialiased bicubic on code values, in floating point
- as coded             the network on code values as they are
- gamma, other curves  the network on another encoding of the light, its output converted back
- ..., limited         kept within the range of the 3 x 3 input pixels around (pipeline/colour/hdr_limit.py)
- uprez                the project's session

The table shows means over all scenes of a kind, and the maximum of the measures in LARGEST. PHOTOGRAPHS is a folder
with those of budgie-backgrounds, as in training/.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from common.script import out, parser, run, save
from light.measures import Measures, measure
from light.methods import Enlarger
from light.scenes import Scene, scenes
from light.transfer import HLG, PQ, System
from pydantic import BaseModel, Field
from rich.table import Table

from pipeline import HostFacts, MismatchError, ModelSpec, find_model, host_facts

PRECISIONS = ("fp32", "tf32", "fp16", "bf16")

LARGEST = ("delta_max", "over", "over_light", "under", "flat", "step", "fall")
SHOWN = {
    "psnr": "PSNR, dB",
    "delta_mean": "colour difference",
    "delta_99": "... 99 %",
    "hue_mean": "hue, degrees",
    "hue_99": "... 99 %",
    "clipped": "clipped, %",
    "ends": "at the ends, %",
    "over": "over, codes",
    "over_light": "over, cd/m2",
    "under": "under, codes",
    "flat": "flats off, codes",
    "levels": "levels, %",
    "step": "step, codes",
    "falls": "falls, %",
}


class Entry(BaseModel):
    """One method on one scene."""

    system: str
    made_smaller: str = Field(description='"in light" or "in codes"')
    scene: str
    kind: str
    way: str
    measures: Measures


class Report(HostFacts):
    """One run of hdr.py."""

    model: str
    entries: list[Entry]


def main() -> None:
    args = arguments()
    model = find_model(args.model, args.precision)
    if model.scale != 2:
        raise MismatchError(f"{model}: the scenes are for networks of scale 2")
    report = Report(
        **host_facts().model_dump(),
        model=str(model),
        entries=[
            entry
            for system in (PQ, HLG)
            for scene in scenes(system, args.photographs)
            for entry in measure_scene(scene, system, model)
        ],
    )
    save(report, args.save)
    show(report)


def measure_scene(scene: Scene, system: System, model: ModelSpec) -> list[Entry]:
    return [
        Entry(
            system=system.name,
            made_smaller="in light" if in_light else "in codes",
            scene=scene.name,
            kind=scene.kind,
            way=way,
            measures=measure(scene, planes, enlarger.result, system),
        )
        for in_light in (True, False)
        for enlarger in [Enlarger(scene.light, system, in_light)]
        for way, planes in enlarger.all_methods(model)
    ]


def show(report: Report) -> None:
    groups: dict[tuple[str, str, str], dict[str, list[Measures]]] = defaultdict(lambda: defaultdict(list))
    for entry in report.entries:
        groups[entry.system, entry.kind, entry.made_smaller][entry.way].append(entry.measures)
    for (system, kind, made_smaller), by_way in groups.items():
        scenes = len(next(iter(by_way.values())))
        out.print(f"\n{report.model}, {system}, {kind} ({scenes}), made smaller {made_smaller}")
        out.print(table_of({way: summary(found) for way, found in by_way.items()}))


def summary(found: list[Measures]) -> dict[str, float | None]:
    """The mean, or the maximum, of each measure that all scenes have."""
    combined: dict[str, float | None] = {}
    for name in SHOWN:
        numbers = [getattr(measures, name) for measures in found]
        combine = max if name in LARGEST else np.mean
        combined[name] = None if None in numbers else float(combine(numbers))
    return combined


def table_of(rows: dict[str, dict[str, float | None]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    shown = [name for name in SHOWN if any(row[name] is not None for row in rows.values())]
    for name in shown:
        table.add_column(SHOWN[name], justify="right")
    for way, row in rows.items():
        table.add_row(way, *(cell(name, row[name]) for name in shown))
    return table


def cell(name: str, number: float | None) -> str:
    if number is None:
        return ""
    return (
        f"{number:.0f}" if name in LARGEST or name == "levels" else f"{number:.3g}" if number < 1 else f"{number:.2f}"
    )


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--photographs", type=Path, metavar="DIR", help="default: drawn images only")
    options.add_argument("--model", default="clear-x2", metavar="NAME", help="a network of scale 2")
    options.add_argument("--precision", choices=PRECISIONS, default="fp32", help="of the network")
    return options.parse_args()


if __name__ == "__main__":
    run(main)
