"""Runs a case through the real command line, in this process, and collects its output."""

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
from tests.cases import file_names, probe, probe_colours
from tests.cases.case import Case, Expected

_LOSSLESS = ("--preset", "ultrafast", "-x", "qp=0")  # of libx264, so that compression adds no error
CRASHED = 1


@dataclass(frozen=True)
class Outcome:
    """The exit code and the messages of a call of the command line."""

    code: int
    out: str
    err: str

    @property
    def messages(self) -> str:
        return self.err + self.out


@dataclass(frozen=True)
class CaseRun:
    """A case that was run, and its output.

    Attributes:
        case: the case.
        expected: its expected output.
        source: path of the file that was upscaled.
        output: path of the output; None if there is none.
        outcome: exit code and messages.
        leftovers: names of other files that appeared beside the output.
    """

    case: Case
    expected: Expected
    source: Path
    output: Path | None
    outcome: Outcome
    leftovers: tuple[str, ...]

    @cached_property
    def source_frames(self) -> list[probe.DecodedFrame]:
        """The source's frames, as plain FFmpeg decodes them."""
        return probe.reliable_frames(self.source, self.expected.crop)

    @cached_property
    def output_frames(self) -> list[probe.DecodedFrame]:
        return probe.decode_frames(self.output) if self.output else []

    @cached_property
    def source_streams(self) -> list[probe.ProbedStream]:
        return probe.streams(probe.files_of(self.source)[0])

    @cached_property
    def output_streams(self) -> list[probe.ProbedStream]:
        return probe.streams(probe.files_of(self.output)[0]) if self.output else []

    @cached_property
    def source_colours(self) -> probe_colours.FrameSamples | None:
        """The samples of the source's first frame, with their tags."""
        first = probe_colours.first_frame(self.source)
        return first and first.cropped(self.expected.crop)

    @cached_property
    def output_colours(self) -> probe_colours.FrameSamples | None:
        return probe_colours.first_frame(self.output) if self.output else None

    @property
    def into_mp4(self) -> bool:
        return self.output is not None and self.output.suffix == ".mp4"

    @property
    def into_images(self) -> bool:
        return self.output is not None and ("%" in self.output.name or self.output.suffix == ".png")

    @property
    def expected_numbers(self) -> list[int | None]:
        """The numbers of the frames; None where the source's own frame can't be read."""
        numbers = self.expected.numbers
        return [frame.number for frame in self.source_frames] if numbers is None else list(numbers)

    @property
    def expected_times(self) -> list[Fraction | None]:
        """The times of the frames, from the first; None: any between its neighbours."""
        times = self.expected.times
        return list(times) if times is not None else probe.relative_times(self.source_frames)

    @property
    def expected_streams(self) -> tuple[str, ...]:
        in_mp4 = self.expected.in_mp4
        return in_mp4 if in_mp4 is not None and self.into_mp4 else self.expected.streams


def run(case: Case, folder: Path, suffix: str = ".mkv") -> CaseRun:
    """Makes `case` in `folder` and upscales it there into a file with `suffix`, or into the case's own target.

    On the CPU, unless the environment's UPREZ_TEST_BACKEND names another backend.
    """
    expected = case.make(folder)
    network = _network(case.network, folder)
    backend = os.environ.get("UPREZ_TEST_BACKEND", "onnx")
    target = case.target or f"out{suffix}"
    (folder / target).parent.mkdir(exist_ok=True)
    before = set(folder.rglob("*"))
    paths = [case.name] if target == file_names.BESIDE else [case.name, target]
    options = [*case.options, *_lossless(case, target), *_precision(folder / case.name, backend)]
    with contextlib.chdir(folder):
        outcome = uprez("upscale", "--backend", backend, "--model", network, *options, "--", *paths)
    new = {path for path in folder.rglob("*") if path.is_file()} - before
    if target == file_names.BESIDE:
        output = min(new, default=None)
    else:
        output = folder / target if probe.files_of(folder / target) else None
    leftovers = sorted(path.name for path in new - set(probe.files_of(output) if output else []))
    return CaseRun(case, expected, folder / case.name, output, outcome, tuple(leftovers))


def _lossless(case: Case, target: str) -> tuple[str, ...]:
    name = case.name if target == file_names.BESIDE else target
    return () if name.endswith(".png") or "--codec" in case.options else _LOSSLESS


def _precision(source: Path, backend: str) -> tuple[str, ...]:
    """A GPU computes the identity in half floats, whose significand has 11 bits."""
    first = probe_colours.first_frame(source) if backend != "onnx" else None
    return ("--precision", "fp32") if first and first.layout.bits > 12 else ()


def uprez(*arguments: str) -> Outcome:
    """Calls the command line; an exception that it doesn't catch is code 1, with the traceback in `err`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _command_line(arguments):
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
def _command_line(arguments: tuple[str, ...]) -> Iterator[None]:
    with mock.patch.object(sys, "argv", ["uprez", *arguments]):
        yield


def _network(name: str, folder: Path) -> str:
    """The identity's name, or the file that the nearest neighbour (x2) is written to."""
    if name == "identity":
        return name
    path = folder / "nearest.onnx"
    onnx.save(nearest(np.float32), str(path))
    return path.name
