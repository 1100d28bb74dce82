"""A case: a file that is awkward in one way, and what must become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

DONE, REFUSED, DAMAGED = 0, 2, 3
"""Exit codes: all came through whole; nothing could be done; done, but the source was damaged or not whole."""


@dataclass(frozen=True)
class Expected:
    """What must come out.

    numbers: of the frames of the upscaled video, in order; None: those that FFmpeg decodes, damaged ones passed over.
    times: of each frame, seconds from the first; None for one: anywhere between its neighbours; None for all: the
        times that FFmpeg gives them.
    streams: of a .mkv, in any order, each "video", "audio", "subtitle", "attachment" or "cover"; the upscaled one too.
    in_mp4: of an .mp4, where that is another set.
    clicks: when the sound clicks, seconds from the first frame; None: when FFmpeg hears it click in the source.
    code: the exit code.
    bits: a sample has at least.
    pixel: the pixel format of a film of colours; None: the source's, however packed.
    says: what the user must be told, a regular expression each, in either case. says_in_mp4: beside that, of an .mp4.
    """

    numbers: tuple[int, ...] | None = None
    times: tuple[Fraction | None, ...] | None = None
    streams: tuple[str, ...] = ("video",)
    in_mp4: tuple[str, ...] | None = None
    clicks: tuple[Fraction, ...] | None = None
    code: int = DONE
    bits: int = 8
    pixel: str | None = None
    says: tuple[str, ...] = ()
    says_in_mp4: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """name: of the file, or of what is given for a set of files. about: a sentence on what is awkward about it.

    options: further ones of `uprez upscale`. target: the name of the result, None for any. network: which upscales it.
    """

    name: str
    write: Callable[[Path], Expected]
    options: tuple[str, ...] = ()
    target: str | None = None
    network: str = "identity"

    @property
    def is_part(self) -> bool:
        """Whether only a part of it is asked for."""
        return not {"--start", "--end", "--frames"}.isdisjoint(self.options)

    @property
    def scale(self) -> int:
        """How much larger its network makes it."""
        return 1 if self.network == "identity" else 2

    @property
    def about(self) -> str:
        return " ".join((self.write.__doc__ or "").split())

    def make(self, folder: Path) -> Expected:
        """Write the case into `folder` under its name."""
        path = folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        return self.write(path)


def case(
    name: str, *options: str, target: str | None = None, network: str = "identity"
) -> Callable[[Callable[[Path], Expected]], Case]:
    """Makes a Case of a function that writes it and says what must come out; its docstring says what is awkward."""

    def named(write: Callable[[Path], Expected]) -> Case:
        return Case(name, write, options, target, network)

    return named


def evenly(count: int, rate: Fraction | int = 25) -> tuple[Fraction, ...]:
    """The times of `count` frames of a constant rate, from the first."""
    return tuple(index / Fraction(rate) for index in range(count))


def refused(*says: str) -> Expected:
    """No result, and the reason."""
    return Expected((), (), (), code=REFUSED, says=says)
