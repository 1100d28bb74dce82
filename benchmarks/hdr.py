"""PQ and HLG through a network that learnt from SDR: what it should be shown, and whether it may be trusted.

    python benchmarks/hdr.py --photographs PHOTOGRAPHS --save hdr.json
    python benchmarks/hdr.py                                   # drawn pictures alone
    python benchmarks/hdr.py --model my.onnx --precision fp16  # another network of scale 2

HDR pictures of which every sample is known (benchmarks/light/scenes.py) are made half as large, in linear light or in
code values, coded as 10-bit 4:2:0 of BT.2020, enlarged again, and held against the truth. Compared are

- resampled            antialiased bicubic on code values, in floating point
- as coded             the network on code values as they are
- gamma, other curves  the network on something else that was made of the light, and its result turned back
- ..., limited         kept within the range of the 3 x 3 input pixels around (pipeline/colour/hdr_limit.py)
- uprez                what the project's session gives

The table has means over all scenes of a kind, but the largest of what is called largest. PHOTOGRAPHS is a folder with
those of budgie-backgrounds, as in training/.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from light.measures import Measures, measured
from light.scenes import Scene, scenes
from light.transfer import HLG, PQ, System
from light.ways import Enlarger
from pydantic import BaseModel, Field
from rich.table import Table
from steady import Machine, arguments, guarded, out, save

from pipeline.errors import MismatchError
from pipeline.models import catalogue
from pipeline.models.precision import PRECISIONS
from pipeline.models.spec import ModelSpec
from pipeline.system import host

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
    """One way on one scene."""

    system: str
    made_smaller: str = Field(description='"in light" or "in codes"')
    scene: str
    kind: str
    way: str
    measures: Measures


class Report(Machine):
    """One run of hdr.py."""

    model: str
    entries: list[Entry]


def main() -> None:
    args = _arguments()
    model = catalogue.find(args.model, args.precision)
    if model.scale != 2:
        raise MismatchError(f"{model}: the scenes are for networks of scale 2")
    report = Report(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        processor=host.processor(),
        cores=host.cores(),
        memory=host.memory(),
        gpu=None,
        versions=host.versions(),
        model=str(model),
        entries=[
            entry
            for system in (PQ, HLG)
            for scene in scenes(system, args.photographs)
            for entry in _entries(scene, system, model)
        ],
    )
    save(report, args.save)
    _show(report)


def _entries(scene: Scene, system: System, model: ModelSpec) -> list[Entry]:
    return [
        Entry(
            system=system.name,
            made_smaller="in light" if in_light else "in codes",
            scene=scene.name,
            kind=scene.kind,
            way=way,
            measures=measured(scene, planes, enlarger.result, system),
        )
        for in_light in (True, False)
        for enlarger in [Enlarger(scene.light, system, in_light)]
        for way, planes in enlarger.every(model)
    ]


def _show(report: Report) -> None:
    groups: dict[tuple[str, str, str], dict[str, list[Measures]]] = defaultdict(lambda: defaultdict(list))
    for entry in report.entries:
        groups[entry.system, entry.kind, entry.made_smaller][entry.way].append(entry.measures)
    for (system, kind, made_smaller), by_way in groups.items():
        scenes = len(next(iter(by_way.values())))
        out.print(f"\n{report.model}, {system}, {kind} ({scenes}), made smaller {made_smaller}")
        out.print(_table({way: _summary(found) for way, found in by_way.items()}))


def _summary(found: list[Measures]) -> dict[str, float | None]:
    """The mean, or the largest, of each measure that all scenes have."""
    summary: dict[str, float | None] = {}
    for name in SHOWN:
        numbers = [getattr(measures, name) for measures in found]
        joined = max if name in LARGEST else np.mean
        summary[name] = None if None in numbers else float(joined(numbers))
    return summary


def _table(rows: dict[str, dict[str, float | None]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    shown = [name for name in SHOWN if any(row[name] is not None for row in rows.values())]
    for name in shown:
        table.add_column(SHOWN[name], justify="right")
    for way, row in rows.items():
        table.add_row(way, *(_cell(name, row[name]) for name in shown))
    return table


def _cell(name: str, number: float | None) -> str:
    if number is None:
        return ""
    return (
        f"{number:.0f}" if name in LARGEST or name == "levels" else f"{number:.3g}" if number < 1 else f"{number:.2f}"
    )


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--photographs", type=Path, metavar="DIR", help="default: drawn pictures alone")
    parser.add_argument("--model", default=catalogue.DEFAULT, metavar="NAME", help="a network of scale 2")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="of the network")
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)
