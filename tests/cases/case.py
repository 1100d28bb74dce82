"""A case of the corpus: a file that is awkward in one way, and its expected output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

DONE, REFUSED, DAMAGED = 0, 2, 3
"""Exit codes: everything was converted; refused, nothing written; converted, but the source was damaged."""


@dataclass(frozen=True)
class Expected:
    """The expected output of a case.

    Attributes:
        numbers: of the frames of the upscaled video, in order; None: those that FFmpeg decodes, without damaged ones.
        times: of each frame, in seconds from the first; None for one: anywhere between its neighbours; None for all:
            the times that FFmpeg reports.
        streams: kinds of the streams of a .mkv, the upscaled video included, in any order: "video", "audio",
            "subtitle", "attachment", "cover" or "data".
        in_mp4: the same of an .mp4, where it differs.
        clicks: times of the clicks of the audio, in seconds from the first frame; None: those that FFmpeg decodes from
            the source.
        code: the exit code.
        crop: columns and rows that players cut off the source's frames: left, right, top, bottom.
        aspect: the width of a sample divided by its height; None: the source's, as FFmpeg reports it.
        spatial: how FFmpeg describes the stereoscopic layout or the projection of the output; "" for none.
        spatial_in_mp4: the same of an .mp4, where it differs.
        bits: the minimum depth of a sample.
        pixel: the pixel format of a film of colours; None: the source's, in any packing.
        messages: regular expressions, matched without regard to case, one for each message that must be printed.
        messages_in_mp4: further ones where the output is an .mp4.
    """

    numbers: tuple[int, ...] | None = None
    times: tuple[Fraction | None, ...] | None = None
    streams: tuple[str, ...] = ("video",)
    in_mp4: tuple[str, ...] | None = None
    clicks: tuple[Fraction, ...] | None = None
    code: int = DONE
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    aspect: Fraction | None = None
    spatial: str = ""
    spatial_in_mp4: str | None = None
    bits: int = 8
    pixel: str | None = None
    messages: tuple[str, ...] = ()
    messages_in_mp4: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """A file of the corpus.

    Attributes:
        name: of the file, or the pattern of a set of numbered files.
        write: makes the file at a path and returns its expected output; its docstring says what is awkward.
        options: further options of `uprez upscale`.
        target: name of the output; None: chosen by the caller.
        network: the model that upscales it.
    """

    name: str
    write: Callable[[Path], Expected]
    options: tuple[str, ...] = ()
    target: str | None = None
    network: str = "identity"

    @property
    def is_part(self) -> bool:
        """True if only a part of the file is requested."""
        return not {"--start", "--end", "--frames"}.isdisjoint(self.options)

    @property
    def scale(self) -> int:
        """The upscaling factor of the network."""
        return 1 if self.network == "identity" else 2

    @property
    def about(self) -> str:
        """A sentence on what is awkward."""
        return " ".join((self.write.__doc__ or "").split())

    def make(self, folder: Path) -> Expected:
        """Writes the case into `folder` under its name."""
        path = folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        return self.write(path)


def case(
    name: str, *options: str, target: str | None = None, network: str = "identity"
) -> Callable[[Callable[[Path], Expected]], Case]:
    """Decorates a function that writes a case and returns its expected output: makes a Case of it."""

    def decorate(write: Callable[[Path], Expected]) -> Case:
        return Case(name, write, options, target, network)

    return decorate


def evenly(count: int, rate: Fraction | int = 25) -> tuple[Fraction, ...]:
    """Returns the times of `count` frames at a constant rate, from the first."""
    return tuple(index / Fraction(rate) for index in range(count))


def refused(*messages: str) -> Expected:
    """Expects no output, exit code 2 and these messages."""
    return Expected((), (), (), code=REFUSED, messages=messages)
