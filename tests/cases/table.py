"""Makes docs/fidelity.md, what came out of every case: `python -m tests.cases.table docs/fidelity.md`.

With --colours, what became of their colours alone: docs/fidelity-gpu.md, on another backend.
"""

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

from tests.cases import TOPICS, cases_of, colours, error, hdr, seen, seen_colours, shapes, streams, transparency
from tests.cases.case import Case, Expected
from tests.cases.command import CRASHED, Run, run
from tests.cases.seen_colours import Picture

_INTO_MP4 = (streams, shapes)  # topics that have a table of results in .mp4 too
TABLES = [(topic, suffix) for topic in TOPICS for suffix in (".mkv", ".mp4")[: 1 + (topic in _INTO_MP4)]]
_CLIPS = {".mp4", ".mkv", ".mov", ".webm"}
_LONGEST = 260  # letters of what is said
_INTRODUCTION = """\
# Fidelity

What becomes of awkward and broken files. `make fidelity` writes small ones that are difficult in one way each
(`tests/cases`), puts each through `uprez upscale`, and looks at the result with plain FFmpeg. Each frame carries its
number as a barcode, so that lost, doubled and reordered frames can be told exactly, and the sound clicks at known
times. What is right of every case is demanded by `tests/test_fidelity.py`: each frame once, in order and at its own
time to the container's tick, sound in time to 1 ms, copied streams packet for packet, colours to the level.

- **frames**: those that FFmpeg decodes of the source, and those of the result where they are not as many
- **time**: from the first frame to the last, in seconds; of the source, and of the result where it is another
- **exit code**: 0 all came through whole; 2 refused, nothing written; 3 done, but the source was damaged or not whole,
  and everything that decodes is there
"""
_COLOURS = """\
- **pixels**: FFmpeg's name of the pixel format; of the source, and of the result where it is another
- **tags**: matrix/primaries/transfer (H.273), range (tv: limited, pc: full) and where chroma is sited, as the file
  tells them, — for what it doesn't; of the source, and of the result where they are others
- **error**: by how many levels the worst sample of the first, the middle and the last frame differs from what a model
  in float64 makes of the source's samples (`tests/cases/truth.py`: the matrices and ranges of H.273, the documented
  filters of chroma, and no code of the tool's). Levels are of the source's depth, or of the result's where it has
  less. Results are encoded without loss. — where that can't be, as with ProRes, or the source is damaged, which FFmpeg
  conceals in its own way
- **flats**: the same for flat fields of known RGB, against the arithmetic of H.273; of dithered ones, their means
- **alpha**: the same for transparency, against bicubic interpolation in float64

The network is the identity, or the nearest neighbour where there are several videos, or something is made larger.
"""
_ON_GPU = """\
# Fidelity of colours on a GPU

What becomes of the colours of the files in [fidelity.md](fidelity.md) on another backend, by `make fidelity-gpu`:
{backend}, networks in fp16, but in fp32 for 16 bit.

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


def _pixels(row: Run) -> str:
    return _changed(row, lambda picture: picture.layout.name)


def _tags(row: Run) -> str:
    return _changed(row, lambda picture: str(picture.tags))


def _changed(row: Run, told: Callable[[Picture], str]) -> str:
    found = [seen_colours.first(path) if path else None for path in (row.source, row.result)]
    return _change(*(told(picture) if picture else "—" for picture in found))


def _levels(of: Callable[[Run], float | None]) -> Callable[[Run], str]:
    def cell(row: Run) -> str:
        worst = of(row)
        return "—" if worst is None else f"{worst:.2f}".rstrip("0").rstrip(".")

    return cell


def _mastering(row: Run) -> str:
    """MaxCLL and MaxFALL, and the brightest that the display shows."""
    return _change(*(_lit(seen_colours.hdr(path)) if path else "—" for path in (row.source, row.result)))


def _lit(found: seen_colours.Hdr) -> str:
    display = f"{float(found.display[-1]):g} cd/m²" if found.display else "—"
    return f"{display}, {found.light[0]}/{found.light[1]}" if found.light else display


Columns = dict[str, Callable[[Run], str]]

_CASE: Columns = {"case": _name, "what is awkward": _about}
_WAY: Columns = {"frames": _frames, "time": _time, "streams": _streams}
_SAMPLES: Columns = {"pixels": _pixels, "tags": _tags, "error": _levels(error.everywhere)}
_END: Columns = {"exit code": _code, "said": _said}
_FLATS: Columns = {"flats": _levels(error.flats)}
_OF_TOPIC: dict[ModuleType, Columns] = {
    colours: _SAMPLES | _FLATS,
    hdr: _SAMPLES | _FLATS | {"display, light": _mastering},
    transparency: _SAMPLES | _FLATS | {"alpha": _levels(error.alpha)},
}


def _columns(topic: ModuleType | None, colours_alone: bool) -> Columns:
    if colours_alone:
        return _CASE | _OF_TOPIC.get(topic, _SAMPLES)
    return _CASE | _OF_TOPIC.get(topic, _WAY | _SAMPLES) | _END


def _change(before: str, after: str) -> str:
    """`before → after`, or one of them where nothing changed."""
    return before if before == after else f"{before} → {after}"


def table(rows: Iterable[Run], columns: Columns) -> str:
    lines = [" | ".join(columns), "|".join("---" for _ in columns)]
    lines += [" | ".join(cell(row) or " " for cell in columns.values()) for row in rows]
    return "\n".join(f"| {line} |" if "---" not in line else f"|{line}|" for line in lines)


def document(media: Path | None, colours_alone: bool) -> str:
    """The whole page: a table a topic, and one of the real clips in `media`; or that of colours alone."""
    parts = [(_ON_GPU.format(backend=_backend()) if colours_alone else _INTRODUCTION) + _COLOURS]
    for topic, suffix in TABLES:
        title, _, about = (topic.__doc__ or "").splitlines()[0].partition(": ")
        title += ", into an .mp4" if suffix == ".mp4" else ""
        rows = table(_made(cases_of(topic), suffix), _columns(topic, colours_alone))
        parts.append(f"## {title}\n\n{about[0].upper()}{about[1:]}\n\n{rows}\n")
    if media:
        clips = [_clip(path) for path in sorted(media.iterdir()) if path.suffix in _CLIPS]
        rows = table(_made(clips, ".mkv"), _columns(None, colours_alone))
        parts.append(f"## Real clips\n\nFrom elsewhere; the second column says what they are.\n\n{rows}\n")
    return "\n".join(parts)


def _backend() -> str:
    """What the network runs on here, as uprez says it at the end."""
    (row,) = _made([colours.MATRICES[0]], ".mkv")
    said = re.search(r"fps, (.*?), wall", " ".join(row.outcome.said.split()))
    return said[1] if said else "an unknown backend"


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
    options.add_argument("--colours", action="store_true", help="the columns of colours alone")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["UPREZ_CACHE"] = cache
        chosen.page.write_text(document(chosen.media, chosen.colours))


if __name__ == "__main__":
    main()
