"""Makes docs/fidelity.md, what came out of every case: `python -m tests.cases.table docs/fidelity.md`."""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import av

from tests.cases import cases_of, damage, excerpts, names, pictures, seen, shapes, streams, time
from tests.cases.case import Case, Expected
from tests.cases.command import CRASHED, Run, run

TABLES: tuple[tuple[ModuleType, str], ...] = (
    (time, ".mkv"),
    (excerpts, ".mkv"),
    (streams, ".mkv"),
    (streams, ".mp4"),
    (damage, ".mkv"),
    (pictures, ".mkv"),
    (shapes, ".mkv"),
    (names, ".mkv"),
)
_CLIPS = {".mp4", ".mkv", ".mov", ".webm"}
_LONGEST = 260  # letters of what is said
_INTRODUCTION = """\
# Fidelity

What becomes of awkward and broken files. `make fidelity` writes small ones that are difficult in one way each
(`tests/cases`), puts each through `uprez upscale`, and looks at the result with plain FFmpeg. Each frame carries its
number as a barcode, so that lost, doubled and reordered frames can be told exactly, and the sound clicks at known
times. What is right of every case is demanded by `tests/test_fidelity.py`: each frame once, in order and at its own
time to the container's tick, sound in time to 1 ms, copied streams packet for packet.

- **frames**: those that FFmpeg decodes of the source, and those of the result where they are not as many
- **time**: from the first frame to the last, in seconds; of the source, and of the result where it is another
- **exit code**: 0 all came through whole; 2 refused, nothing written; 3 done, but the source was damaged or not whole,
  and everything that decodes is there

The network is the identity, or the nearest neighbour where there are several videos.
"""


def _name(row: Run) -> str:
    return f"`{spelt(row.case.name)}`"


def spelt(name: str) -> str:
    """A file's name as it stands in the table."""
    return name.replace("\n", "\\n").replace("|", "\\|")


def _about(row: Run) -> str:
    return row.case.about.rstrip(".")


def _frames(row: Run) -> str:
    return _change(str(len(row.given) or "—"), str(len(row.shown) or "—"))


def _time(row: Run) -> str:
    return _change(_span(row.given), _span(row.shown))


def _span(shown: list[seen.Shown]) -> str:
    times = [one.time for one in shown if one.time is not None]
    if len(set(times)) < min(2, len(shown)):
        return "none told"
    return f"{float(max(times) - min(times)):.3f}" if times else "—"


def _streams(row: Run) -> str:
    return _change(_kinds(seen.streams(seen.files(row.source)[0])), _kinds(row.streams))


def _kinds(found: Iterable[seen.Stream]) -> str:
    counts = Counter(stream.kind for stream in found)
    return ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in counts.items()) or "—"


def _code(row: Run) -> str:
    return str(row.outcome.code)


def _said(row: Run) -> str:
    """The notes, or the error, without the file names that each begins with; of a crash, how it ends."""
    lines = row.outcome.err.splitlines()
    told = [line.partition(": ")[2] for line in lines if line.startswith(("note: ", "uprez: "))]
    files = {row.case.name, Path(row.case.name).name, *([row.result.name] if row.result else [])}
    name = re.compile("|".join(f"(?:{re.escape(name)}): " for name in sorted(files, key=len, reverse=True)))
    crash = lines[-1:] if row.outcome.code == CRASHED else []
    text = spelt("; ".join(name.sub("", line, count=1) for line in told + crash))
    return text if len(text) <= _LONGEST else text[:_LONGEST].rsplit(" ", 1)[0] + " …"


COLUMNS: dict[str, Callable[[Run], str]] = {
    "case": _name,
    "what is awkward": _about,
    "frames": _frames,
    "time": _time,
    "streams": _streams,
    "exit code": _code,
    "said": _said,
}


def _change(before: str, after: str) -> str:
    """`before → after`, or one of them where nothing changed."""
    return before if before == after else f"{before} → {after}"


def table(rows: Iterable[Run]) -> str:
    lines = [" | ".join(COLUMNS), "|".join("---" for _ in COLUMNS)]
    lines += [" | ".join(cell(row) or " " for cell in COLUMNS.values()) for row in rows]
    return "\n".join(f"| {line} |" if "---" not in line else f"|{line}|" for line in lines)


def document(media: Path | None) -> str:
    """The whole page: a table a topic, and one of the real clips in `media`."""
    parts = [_INTRODUCTION]
    for topic, suffix in TABLES:
        title, _, about = (topic.__doc__ or "").splitlines()[0].partition(": ")
        title += ", into an .mp4" if (topic, suffix) == (streams, ".mp4") else ""
        parts.append(f"## {title}\n\n{about[0].upper()}{about[1:]}\n\n{table(_made(cases_of(topic), suffix))}\n")
    if media:
        clips = [_clip(path) for path in sorted(media.iterdir()) if path.suffix in _CLIPS]
        parts.append(
            f"## Real clips\n\nFrom elsewhere; the second column says what they are.\n\n{table(_made(clips, '.mkv'))}\n"
        )
    return "\n".join(parts)


def _made(cases: Iterable[Case], suffix: str) -> Iterable[Run]:
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            yield run(case, Path(folder), suffix)  # to be looked at while the files are there


def _clip(path: Path) -> Case:
    def write(to: Path) -> Expected:
        to.symlink_to(path.resolve())
        return Expected()

    with av.open(str(path)) as container:
        video = container.streams.video[0]
        context = video.codec_context
        write.__doc__ = f"{context.name} {context.width}x{context.height} {context.pix_fmt}, {video.average_rate} fps"
    return Case(path.name, write)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("page", type=Path, help="the file to write")
    options.add_argument("--media", type=Path, help="a folder of real clips, for a table of their own")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["UPREZ_CACHE"] = cache
        chosen.page.write_text(document(chosen.media))


if __name__ == "__main__":
    main()
