"""A case put through the real command line, in this process, and what came of it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from unittest import mock

import numpy as np
import onnx

from pipeline.cli.main import main
from pipeline.models.synthetic import nearest
from tests.cases import names, seen, seen_colours
from tests.cases.case import Case, Expected

_LOSSLESS = ("--preset", "ultrafast", "-x", "qp=0")  # of libx264, so that compression is no error
CRASHED = 1


@dataclass(frozen=True)
class Outcome:
    """How a call of the command line ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.err + self.out


@dataclass(frozen=True)
class Run:
    """A case, and its result. left: names of the files that appeared beside the result."""

    case: Case
    expected: Expected
    source: Path
    result: Path | None
    outcome: Outcome
    left: tuple[str, ...]

    @cached_property
    def given(self) -> list[seen.Shown]:
        """The source's frames, as plain FFmpeg decodes them."""
        return seen.sure(self.source)

    @cached_property
    def shown(self) -> list[seen.Shown]:
        """The result's frames."""
        return seen.frames(self.result) if self.result else []

    @cached_property
    def streams(self) -> list[seen.Stream]:
        return seen.streams(seen.files(self.result)[0]) if self.result else []

    @property
    def wanted(self) -> list[int | None]:
        """The numbers that must come out; None where the source's own frame can't be read."""
        numbers = self.expected.numbers
        return [shown.number for shown in self.given] if numbers is None else list(numbers)

    @property
    def times(self) -> list[Fraction | None]:
        """The times that they must have, from the first; None: any between its neighbours."""
        return list(self.expected.times) if self.expected.times is not None else seen.relative(self.given)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The streams that must come out."""
        other = self.expected.in_mp4 is not None and self.result is not None and self.result.suffix == ".mp4"
        return self.expected.in_mp4 or () if other else self.expected.streams


def run(case: Case, folder: Path, suffix: str = ".mkv") -> Run:
    """Make `case` in `folder`, upscale it there into a file of `suffix` (or the case's own target).

    On the CPU, unless the environment's UPREZ_TEST_BACKEND names another backend.
    """
    expected = case.make(folder)
    network = _network(case.network, folder)
    backend = os.environ.get("UPREZ_TEST_BACKEND", "onnx")
    target = case.target or f"out{suffix}"
    (folder / target).parent.mkdir(exist_ok=True)
    before = set(folder.rglob("*"))
    given = [case.name] if target == names.BESIDE else [case.name, target]
    options = [*case.options, *_lossless(case, target), *_precise(folder / case.name, backend)]
    with contextlib.chdir(folder):
        outcome = uprez("upscale", "--backend", backend, "--model", network, *options, "--", *given)
    new = {path for path in folder.rglob("*") if path.is_file()} - before
    if target == names.BESIDE:
        result = min(new, default=None)
    else:
        result = folder / target if seen.files(folder / target) else None
    left = sorted(path.name for path in new - set(seen.files(result) if result else []))
    return Run(case, expected, folder / case.name, result, outcome, tuple(left))


def _lossless(case: Case, target: str) -> tuple[str, ...]:
    made = case.name if target == names.BESIDE else target
    return () if made.endswith(".png") or "--codec" in case.options else _LOSSLESS


def _precise(source: Path, backend: str) -> tuple[str, ...]:
    """A GPU has the identity in half floats, which hold 11 bits."""
    first = seen_colours.first(source) if backend != "onnx" else None
    return ("--precision", "fp32") if first and first.layout.bits > 12 else ()


def uprez(*arguments: str) -> Outcome:
    """Call the command line; what it doesn't catch is a crash, code 1, with the traceback in `err`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _called_with(arguments):
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else CRASHED
        except Exception:
            code = CRASHED
            traceback.print_exc()
    return Outcome(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _called_with(arguments: tuple[str, ...]) -> Iterator[None]:
    with mock.patch.object(sys, "argv", ["uprez", *arguments]):
        yield


def _network(name: str, folder: Path) -> str:
    """The network's name, or the file that it is written to: the identity (x1), or the nearest neighbour (x2)."""
    if name == "identity":
        return name
    path = folder / "nearest.onnx"
    onnx.save(nearest(np.float32), str(path))
    return path.name
