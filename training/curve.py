"""The validation curve of runs as an image. Needs matplotlib, an optional extra of training.

`python -m training.curve DIR...` draws the curves of several runs into one image, and prints its path.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.journal import read_log

NAME = "curve.svg"

Log = Sequence[Mapping[str, Any]]


def main(arguments: list[str] | None = None) -> None:
    """Draw the curves of several runs."""
    parser = argparse.ArgumentParser(prog="python -m training.curve", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of runs")
    parser.add_argument("--out", type=Path, default=Path(NAME), help="an .svg or .png file")
    options = parser.parse_args(arguments)
    draw({folder.name: read_log(folder) for folder in options.folders}, options.out)
    print(options.out)


def draw_curve(log: Log, folder: Path) -> None:
    """Draw the curve of one run into its folder; without matplotlib, print what to do."""
    try:
        draw({folder.name: log}, folder / NAME)
    except ImportError:
        print(f"no {NAME} without matplotlib; pip install matplotlib, then python -m training.curve {folder}")


def draw(logs: Mapping[str, Log], path: Path) -> None:
    """Draw PSNR-Y of the moving average over steps, a line for each run and kind of picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name, log in logs.items():
        lines = [line for line in log if line["event"] == "validation"]
        for kind in lines[0]["average"] if lines else ():
            values = [line["average"][kind] for line in lines]
            axes.plot([line["step"] for line in lines], values, label=f"{name}, {kind}")
    axes.set(xlabel="step", ylabel="PSNR-Y, dB, held-out pictures")
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
