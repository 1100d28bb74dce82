"""Compares uprez with other programs: the same networks on the same clips, on this machine, in one run.

    python benchmarks/peers.py --seconds 5 --save peers.json
    python benchmarks/peers.py --only plain eager --networks srvgg-24x8 --sizes 960x540
    python benchmarks/peers.py --device cpu --sizes 64x36 --seconds 1     # tries the code out, measures nothing

For each network and input size, each upscaler (benchmarks/upscalers) gets a process of its own, one after the other,
and is timed twice over `--seconds`, in frames per second:

- discarded  from the input file to upscaled frames in main memory, which are discarded
- encoded    from the input file to a file encoded by x264 (ultrafast, crf 20, 4:2:0, 8 bit)

Rates are taken in the steady state: whatever is compiled, built or loaded comes before, and so do the first 64 frames,
which fill queues and x264's lookahead. Those of uprez are rows of `uprez bench`. "PSNR" compares the luma of a peer's
first frame with that of uprez: all do the same work, except for rounding and the filter that upsamples chroma.

A peer that can't run is listed with the reason and is null in the report. Packages that would shadow others
(onnxruntime-gpu, VapourSynth with vs-mlrt) may be in a folder of their own, which UPREZ_PEERS_SITE names.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common.script import out, run, size
from numpy.typing import NDArray
from pydantic import Field
from rich.table import Table
from upscalers import PEERS
from upscalers.case import Case, Outcome
from upscalers.timing import ENCODER, OPTIONS
from upscalers.trial import OURS

from pipeline import (
    PATTERN_DESCRIPTION,
    BackendError,
    BenchmarkRow,
    HostFacts,
    Settings,
    choose_backend,
    host_facts,
    probe,
    psnr,
    write_pattern,
)

HERE = Path(__file__).resolve().parent
BARS = {"plain": 20.0, "eager": 3.5}  # the speed-up that uprez should have, discarded
PYTORCH = ("eager", "compile", "autotune")
PYTORCH_BAR = 2.2  # against the fastest of these
MAX_DECIBELS = 78.1  # shown for equal frames, which have no PSNR
SLACK_SECONDS = 60  # that a trial may take beside its patience and its measurements
MEASUREMENTS = 12  # of `seconds` each that a trial may take: `uprez bench` has six rows, each with a warm-up


class Entry(Outcome):
    """One upscaler on one network and size. If it was not run, the rows are null and `reason` is set."""

    network: str
    size: str = Field(description="of the input")
    peer: str
    psnr: float | None = Field(None, description="dB, luma of the first frame against that of uprez")


class Report(HostFacts):
    """One run of peers.py."""

    clip: str
    encoder: str
    seconds: float = Field(description="how long each row was measured")
    entries: list[Entry]


def main() -> None:
    args = _arguments()
    if args.device == "cuda":
        try:
            choose_backend(Settings.load(None, backend="tensorrt"))
        except BackendError as error:
            sys.exit(f"peers.py: {error}; --device cpu tries the code out")
    report = _empty_report(args)
    with tempfile.TemporaryDirectory(prefix="uprez-peers-") as folder:
        for case in _cases(args, Path(folder)):
            entries = []
            for entry in _entries(case, args):
                out.print(f"{entry.network} {entry.size} {entry.peer}: {describe(entry)}", markup=False)
                entries.append(entry)
                report.entries.append(entry)
                if args.save:
                    args.save.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
            out.print(_table(case, entries), "")


def _cases(args: argparse.Namespace, folder: Path) -> Iterator[Case]:
    shared = {"seconds": args.seconds, "device": args.device, "patience": args.patience, "folder": folder}
    for width, height in [_clip_size(args.clip)] if args.clip else args.sizes:
        clip = args.clip or write_pattern(folder / f"{width}x{height}.mp4", width, height)
        for network in args.networks:
            yield Case(clip=clip, width=width, height=height, network=network, **shared)


def _entries(case: Case, args: argparse.Namespace) -> Iterator[Entry]:
    """Each upscaler on one case, uprez first."""
    input_size = f"{case.width}x{case.height}"
    ours = None
    for name in [known for known in (OURS, *PEERS) if known in args.only]:
        folder = case.folder / f"{case.network}-{input_size}-{name}"
        folder.mkdir()
        outcome = _trial(name, case.model_copy(update={"folder": folder}), args.logs or folder)
        luma = _luma(folder)
        ours = luma if name == OURS else ours
        decibels = None if name == OURS else _agreement(luma, ours)
        yield Entry(network=case.network, size=input_size, peer=name, psnr=decibels, **outcome.model_dump())


def _trial(name: str, case: Case, logs: Path) -> Outcome:
    """Run one upscaler in a process, whose output goes to a file in `logs`."""
    command = [sys.executable, "-m", "upscalers.trial", name, case.model_dump_json()]
    log = logs / f"{case.folder.name}.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command, env=_environment(name), stdout=file, stderr=file, start_new_session=True)
        try:
            code = process.wait(case.patience + MEASUREMENTS * case.seconds + SLACK_SECONDS)
        except subprocess.TimeoutExpired:
            return Outcome(reason="it hung and was killed")
        finally:
            _end(process)
    result = case.folder / "outcome.json"
    if result.exists():
        return Outcome.model_validate_json(result.read_text(encoding="utf-8"))
    if code == -signal.SIGALRM:
        return Outcome(reason=f"no frame within {case.patience} s")
    return Outcome(reason=f"its process ended with {code}: {_last_line(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its children, such as torch.compile's workers, if any is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(name: str) -> dict[str, str]:
    """The environment of a trial: this folder, the project and, if it has them, its separate packages."""
    paths, libraries = [str(HERE), str(HERE.parent)], []
    if name in PEERS and PEERS[name].separate:
        paths = [site] + paths if (site := os.environ.get("UPREZ_PEERS_SITE")) else paths
        libraries = _libraries()
    return {
        **os.environ,
        "PYTHONPATH": _joined(paths, "PYTHONPATH"),
        "LD_LIBRARY_PATH": _joined(libraries, "LD_LIBRARY_PATH"),
    }


def _joined(paths: list[str], variable: str) -> str:
    return os.pathsep.join(filter(None, [*paths, os.environ.get(variable)]))


def _libraries() -> list[str]:
    """The folders of the libraries of CUDA, cuDNN and TensorRT that are installed as Python packages."""
    cuda_folders = [path for folder in package_folders("nvidia") for path in sorted(folder.glob("*/lib"))]
    return [
        str(path) for path in (*cuda_folders, *package_folders("tensorrt_rtx_libs"), *package_folders("tensorrt_libs"))
    ]


def package_folders(package: str) -> list[Path]:
    """The folders of a package; none if it is not installed."""
    spec = importlib.util.find_spec(package)
    return [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []


def _luma(folder: Path) -> NDArray[Any] | None:
    path = folder / "luma.npy"
    return np.load(path) if path.exists() else None


def _agreement(luma: NDArray[Any] | None, ours: NDArray[Any] | None) -> float | None:
    if luma is None or ours is None:
        return None
    return min(psnr(luma, ours), MAX_DECIBELS)


def _table(case: Case, entries: list[Entry]) -> Table:
    table = Table(title=f"{case.network}, {case.width}x{case.height}", title_justify="left", box=None)
    table.add_column("")
    for column in ("discarded", "ours is", "bar", "encoded", "ours is", "PSNR"):
        table.add_column(column, justify="right")
    ours = next((entry for entry in entries if entry.peer == OURS), None)
    for entry in entries:
        title = PEERS[entry.peer].title if entry.peer in PEERS else OURS
        table.add_row(title, *_cells(entry, ours, BARS.get(entry.peer)))
    compiled = [entry for entry in entries if entry.peer in PYTORCH and entry.discarded]
    if compiled:
        best = max(compiled, key=lambda entry: entry.discarded.rate if entry.discarded else 0)
        table.add_row("PyTorch, the fastest of them", *_cells(best, ours, PYTORCH_BAR))
    return table


def _cells(entry: Entry, ours: Entry | None, bar: float | None) -> list[str]:
    discarded, encoded = (ours.discarded, ours.encoded) if ours and ours.peer != entry.peer else (None, None)
    return [
        _rate(entry.discarded) if entry.discarded else "not run",
        _times(discarded, entry.discarded),
        f"{bar:g}x" if bar else "",
        _rate(entry.encoded),
        _times(encoded, entry.encoded),
        f"{entry.psnr:.1f}" if entry.psnr else "",
    ]


def _rate(row: BenchmarkRow | None) -> str:
    return f"{row.rate:.1f}" if row else ""


def _times(ours: BenchmarkRow | None, theirs: BenchmarkRow | None) -> str:
    return f"{ours.rate / theirs.rate:.2f}x" if ours and theirs else ""


def describe(entry: Entry) -> str:
    rates = [
        f"{name} {_rate(row)}" for name, row in (("discarded", entry.discarded), ("encoded", entry.encoded)) if row
    ]
    measured = f"{', '.join(rates)} frames/s ({entry.about})" if rates else ""
    reason = f"not run: {entry.reason}" if entry.reason else ""
    return "; ".join(filter(None, (measured, reason)))


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def _empty_report(args: argparse.Namespace) -> Report:
    return Report(
        **host_facts((0,) if args.device == "cuda" else ()).model_dump(),
        clip=args.clip.name if args.clip else PATTERN_DESCRIPTION,
        encoder=f"{ENCODER} {' '.join(f'{key}={value}' for key, value in OPTIONS.items())}",
        seconds=args.seconds,
        entries=[],
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to measure each row")
    parser.add_argument("--networks", nargs="+", default=["srvgg-24x8", "srvgg-64x16"], metavar="NAME")
    parser.add_argument("--sizes", nargs="+", type=size, default=[(960, 540), (1920, 1080)], metavar="WIDTHxHEIGHT")
    parser.add_argument("--clip", type=Path, help="a video of 8 bit 4:2:0 in BT.709, instead of generated clips")
    names = [OURS, *PEERS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: to try the code out")
    parser.add_argument("--patience", type=int, default=120, help="maximum seconds to the first frame")
    parser.add_argument("--save", type=Path, help="write the report, JSON, to this file, after each trial")
    parser.add_argument("--logs", type=Path, help="an existing folder for the output of each trial")
    return parser.parse_args()


def _clip_size(clip: Path) -> tuple[int, int]:
    format = probe(clip).video.format
    return format.width, format.height


if __name__ == "__main__":
    run(main)
