"""Writes docs/fidelity.md, the output of every case: `python -m tests.cases.table docs/fidelity.md`.

With --colours, only their colours: docs/fidelity-gpu.md, on another backend.
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

from tests.cases import (
    TOPICS,
    cases_of,
    colours,
    hdr,
    probe,
    probe_colours,
    sample_error,
    shapes,
    streams,
    transparency,
)
from tests.cases.case import Case, Expected
from tests.cases.command import CRASHED, CaseRun, run
from tests.cases.probe_colours import FrameSamples

_INTO_MP4 = (streams, shapes)  # topics that have a table of outputs in .mp4 too
TABLES = [(topic, suffix) for topic in TOPICS for suffix in (".mkv", ".mp4")[: 1 + (topic in _INTO_MP4)]]
_CLIPS = {".mp4", ".mkv", ".mov", ".webm"}
_LONGEST = 260  # letters of the messages
_INTRODUCTION = """\
# Fidelity

The outputs of awkward and broken files. `make fidelity` writes small files that are difficult in one way each
(`tests/cases`), runs each through `uprez upscale`, and reads the output with plain FFmpeg. Each frame carries its
number as a barcode, so that lost, duplicated and reordered frames are detected exactly, and the audio clicks at known
times. `tests/test_fidelity.py` requires of every case: each frame once, in order and at its own time to the
container's tick, audio in sync to 1 ms, copied streams packet for packet, colours to the level.

- **frames**: the number that FFmpeg decodes of the source, and of the output where it differs
- **time**: from the first frame to the last, in seconds; of the source, and of the output where it differs
- **exit code**: 0 everything was converted; 2 refused, nothing written; 3 converted, but the source was damaged or
  incomplete, and every frame that decodes is in the output
- **messages**: the notes or the error that uprez printed
"""
_COLOURS = """\
- **pixels**: FFmpeg's name of the pixel format; of the source, and of the output where it differs
- **tags**: matrix/primaries/transfer (H.273), range (tv: limited, pc: full) and chroma siting, as tagged in the file,
  — where unspecified; of the source, and of the output where they differ
- **error**: the largest error of a sample of the first, the middle and the last frame, in levels, against a float64
  model of the conversion (`tests/cases/reference.py`: the matrices and ranges of H.273, the documented filters of
  chroma, and no code of the package). Levels are of the source's depth, or of the output's where it is lower. Outputs
  are encoded losslessly. — where that isn't possible, as with ProRes, or where the source is damaged, which FFmpeg
  conceals in its own way
- **flats**: the same for flat fields of known RGB, against the arithmetic of H.273; for dithered ones, their means
- **alpha**: the same for transparency, against bicubic interpolation in float64

The network is the identity, or the nearest neighbour where there are several videos, or the frame is upscaled.
"""
_ON_GPU = """\
# Fidelity of colours on a GPU

The colours of the outputs of the files in [fidelity.md](fidelity.md) on another backend, by `make fidelity-gpu`:
{backend}, networks in fp16, but in fp32 for 16 bit.

"""


def _name(row: CaseRun) -> str:
    return f"`{escaped(row.case.name)}`"


def escaped(name: str) -> str:
    """Returns a file's name as written in the table."""
    return name.replace("\n", "\\n").replace("|", "\\|")


def _about(row: CaseRun) -> str:
    return row.case.about.rstrip(".")


def _frames(row: CaseRun) -> str:
    return _change(str(len(row.source_frames) or "—"), str(len(row.output_frames) or "—"))


def _time(row: CaseRun) -> str:
    return _change(_span(row.source_frames), _span(row.output_frames))


def _span(shown: list[probe.DecodedFrame]) -> str:
    times = [one.time for one in shown if one.time is not None]
    if len(set(times)) < min(2, len(shown)):
        return "none"
    return f"{float(max(times) - min(times)):.3f}" if times else "—"


def _streams(row: CaseRun) -> str:
    return _change(_kinds(row.source_streams), _kinds(row.output_streams))


def _kinds(found: Iterable[probe.ProbedStream]) -> str:
    counts = Counter(stream.kind for stream in found)
    return ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in counts.items()) or "—"


def _code(row: CaseRun) -> str:
    return str(row.outcome.code)


def _messages(row: CaseRun) -> str:
    """The notes or the error, without the file names that each begins with; of a crash, its last line."""
    lines = row.outcome.err.splitlines()
    notes = [line.partition(": ")[2] for line in lines if line.startswith(("note: ", "uprez: "))]
    files = {row.case.name, Path(row.case.name).name, *([row.output.name] if row.output else [])}
    name = re.compile("|".join(f"(?:{re.escape(name)}): " for name in sorted(files, key=len, reverse=True)))
    crash = lines[-1:] if row.outcome.code == CRASHED else []
    text = escaped("; ".join(name.sub("", line, count=1) for line in notes + crash))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rpartition(' ')[0]} …"


def _pixels(row: CaseRun) -> str:
    return _changed(row, lambda frame: frame.layout.name)


def _tags(row: CaseRun) -> str:
    return _changed(row, lambda frame: str(frame.tags))


def _changed(row: CaseRun, describe: Callable[[FrameSamples], str]) -> str:
    frames = (row.source_colours, row.output_colours)
    return _change(*(describe(frame) if frame else "—" for frame in frames))


def _levels(of: Callable[[CaseRun], float | None]) -> Callable[[CaseRun], str]:
    def cell(row: CaseRun) -> str:
        worst = of(row)
        return "—" if worst is None else f"{worst:.2f}".rstrip("0").rstrip(".")

    return cell


def _light(row: CaseRun) -> str:
    """MaxCLL and MaxFALL, and the display's maximum luminance."""
    return _change(
        *(_describe_light(probe_colours.hdr_metadata(path)) if path else "—" for path in (row.source, row.output))
    )


def _describe_light(found: probe_colours.HdrMetadata) -> str:
    display = f"{float(found.display[-1]):g} cd/m²" if found.display else "—"
    return f"{display}, {found.light[0]}/{found.light[1]}" if found.light else display


Columns = dict[str, Callable[[CaseRun], str]]

_CASE: Columns = {"case": _name, "what is awkward": _about}
_STREAMS: Columns = {"frames": _frames, "time": _time, "streams": _streams}
_SAMPLES: Columns = {"pixels": _pixels, "tags": _tags, "error": _levels(sample_error.worst_sample)}
_END: Columns = {"exit code": _code, "messages": _messages}
_FLATS: Columns = {"flats": _levels(sample_error.worst_flat)}
_OF_TOPIC: dict[ModuleType, Columns] = {
    colours: _SAMPLES | _FLATS,
    hdr: _SAMPLES | _FLATS | {"display, light": _light},
    transparency: _SAMPLES | _FLATS | {"alpha": _levels(sample_error.worst_alpha)},
}


def _columns(topic: ModuleType | None, colours_only: bool) -> Columns:
    if colours_only:
        return _CASE | _columns_of(topic, _SAMPLES)
    return _CASE | _columns_of(topic, _STREAMS | _SAMPLES) | _END


def _columns_of(topic: ModuleType | None, default: Columns) -> Columns:
    return default if topic is None else _OF_TOPIC.get(topic, default)


def _change(before: str, after: str) -> str:
    """`before → after`, or one of them where they are the same."""
    return before if before == after else f"{before} → {after}"


def table(rows: Iterable[CaseRun], columns: Columns) -> str:
    lines = [" | ".join(columns), "|".join("---" for _ in columns)]
    lines += [" | ".join(cell(row) or " " for cell in columns.values()) for row in rows]
    return "\n".join(f"| {line} |" if "---" not in line else f"|{line}|" for line in lines)


def document(media: Path | None, colours_only: bool) -> str:
    """Returns the page: a table for each topic, and one of the real clips in `media`."""
    parts = [(_ON_GPU.format(backend=_backend()) if colours_only else _INTRODUCTION) + _COLOURS]
    for topic, suffix in TABLES:
        title, _, about = (topic.__doc__ or "").splitlines()[0].partition(": ")
        title += ", into an .mp4" if suffix == ".mp4" else ""
        rows = table(_run_all(cases_of(topic), suffix), _columns(topic, colours_only))
        parts.append(f"## {title}\n\n{about[0].upper()}{about[1:]}\n\n{rows}\n")
    if media:
        clips = [_clip(path) for path in sorted(media.iterdir()) if path.suffix in _CLIPS]
        rows = table(_run_all(clips, ".mkv"), _columns(None, colours_only))
        parts.append(f"## Real clips\n\nClips from other sources; the second column describes them.\n\n{rows}\n")
    return "\n".join(parts)


def _backend() -> str:
    """The backend that the network runs on, as uprez reports it at the end."""
    (row,) = _run_all([colours.MATRICES[0]], ".mkv")
    found = re.search(r"fps, (.*?), wall", " ".join(row.outcome.messages.split()))
    return found[1] if found else "an unknown backend"


def _run_all(cases: Iterable[Case], suffix: str) -> Iterable[CaseRun]:
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            yield run(case, Path(folder), suffix)  # a generator, as the files exist for one row at a time


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
    options.add_argument("--colours", action="store_true", help="only the columns of colours")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["UPREZ_CACHE"] = cache
        chosen.page.write_text(document(chosen.media, chosen.colours))


if __name__ == "__main__":
    main()
