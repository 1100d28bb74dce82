"""Converts text subtitles between SubRip and the timed text of the mp4 family, by way of runs of styled text.

Sources: 3GPP TS 26.245, 5.16 (sample description) and 5.17 (sample, `styl` box); SubRip's tags as players support
them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

_BOLD, _ITALIC, _UNDERLINE = 1, 2, 4  # face-style-flags
_FACES = ((_BOLD, "b"), (_ITALIC, "i"), (_UNDERLINE, "u"))
_TAG = re.compile(r"</?[biu]>|</font>|<font\b[^<>]*>", re.IGNORECASE)
_COLOUR = re.compile(r"""\bcolou?r\s*=\s*["']?\s*(#?\w+)""", re.IGNORECASE)
_POSITION = re.compile(r"\{\\[^{}]*\}")  # SubStation's, which some files have in SubRip: {\an8}
_NAMES = {
    "black": 0x000000,
    "white": 0xFFFFFF,
    "red": 0xFF0000,
    "lime": 0x00FF00,
    "green": 0x008000,
    "blue": 0x0000FF,
    "yellow": 0xFFFF00,
    "cyan": 0x00FFFF,
    "magenta": 0xFF00FF,
    "gray": 0x808080,
    "grey": 0x808080,
    "silver": 0xC0C0C0,
    "orange": 0xFFA500,
}
_DESCRIPTION = 18  # bytes of a sample description before its default style
_STYLE = struct.Struct(">HHHBBI")  # first and last character, font, face, size, colour with opacity
_FONT, _SIZE, _OPAQUE = 1, 16, 0xFF
_MAX_LENGTH = 0xFFFF  # bytes, and characters

HEADER = (  # of SubStation, from which FFmpeg makes the sample description of mp4: white on transparent
    "[Script Info]\nScriptType: v4.00+\nPlayResX: 384\nPlayResY: 288\n\n[V4+ Styles]\n"
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    "Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, "
    "MarginV, Encoding\n"
    f"Style: Default,Arial,{_SIZE},&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\n\0"
).encode()


@dataclass(frozen=True)
class Style:
    """The style of characters.

    Attributes:
        face: Sum of the flags 1, bold, 2, italic, and 4, underlined.
        colour: 0xRRGGBB, None for the default.
    """

    face: int = 0
    colour: int | None = None


@dataclass(frozen=True)
class Run:
    """Characters of one style.

    Attributes:
        text: The characters; lines are separated by "\\n".
        style: Their style.
    """

    text: str
    style: Style = Style()


def default_style(description: bytes | None) -> Style:
    """Return the style of unstyled text in a tx3g sample description (FFmpeg's extradata); plain white by default."""
    if description is None or len(description) < _DESCRIPTION + _STYLE.size:
        return Style(0, 0xFFFFFF)
    _, _, _, face, _, rgba = _STYLE.unpack_from(description, _DESCRIPTION)
    return Style(face, rgba >> 8)


def from_subrip(cue: bytes) -> tuple[Run, ...]:
    """Parse a SubRip cue. Closing tags without an opening one are dropped; unknown markup is text."""
    text = _POSITION.sub("", cue.decode("utf-8", "replace")).replace("\r\n", "\n").strip("\n\0")
    return _merge(_parse_tags(text))


def to_subrip(runs: tuple[Run, ...]) -> bytes:
    """Return a SubRip cue, with separate tags around each run."""
    return "".join(_with_tags(run) for run in runs).encode()


def from_sample(sample: bytes, default: Style = Style(0, 0xFFFFFF)) -> tuple[Run, ...]:
    """Parse a timed text sample; a gap, or a broken sample, has no runs."""
    if len(sample) < 2:
        return ()
    (length,) = struct.unpack_from(">H", sample)
    text = _decode(sample[2 : 2 + length]).replace("\r\n", "\n").replace("\r", "\n")
    styles = [Style(default.face & 7)] * len(text)
    for first, last, _, face, _, rgba in _style_records(sample[2 + length :]):
        colour = rgba >> 8
        style = Style(face & 7, None if colour == default.colour else colour)
        styles[first:last] = [style] * len(styles[first:last])
    return _merge(Run(character, style) for character, style in zip(text, styles, strict=True))


def to_sample(runs: tuple[Run, ...]) -> bytes:
    """Return a timed text sample: the text, cut to 65,535 bytes, and a `styl` box unless all of it is plain."""
    text = "".join(run.text for run in runs).encode()[:_MAX_LENGTH].decode("utf-8", "ignore")
    records, first = [], 0
    for run in runs:
        last = min(first + len(run.text), len(text))
        if run.style != Style() and last > first:
            colour = 0xFFFFFF if run.style.colour is None else run.style.colour
            records.append(_STYLE.pack(first, last, _FONT, run.style.face, _SIZE, colour << 8 | _OPAQUE))
        first = last
    coded = text.encode()
    return struct.pack(">H", len(coded)) + coded + (_box(b"styl", records) if records else b"")


def subrip_to_sample(cue: bytes) -> bytes:
    """Convert a SubRip cue to a timed text sample; b"" if it shows nothing."""
    runs = from_subrip(cue)
    return to_sample(runs) if runs else b""


def sample_to_subrip(sample: bytes, default: Style = Style(0, 0xFFFFFF)) -> bytes:
    """Convert a timed text sample to a SubRip cue; `default`: the style that needs no tags."""
    return to_subrip(from_sample(sample, default))


def _parse_tags(text: str) -> Iterator[Run]:
    """Yield the runs of a text with SubRip's tags, empty ones among them."""
    face, colours, at = 0, list[int | None](), 0
    for tag in _TAG.finditer(text):
        yield Run(text[at : tag.start()], Style(face, colours[-1] if colours else None))
        at = tag.end()
        name, closes = tag[0].strip("</>").lower(), tag[0].startswith("</")
        if name.startswith("font"):
            colours = colours[:-1] if closes else [*colours, _colour(name, colours[-1] if colours else None)]
        else:
            flag = next(flag for flag, letter in _FACES if letter == name)
            face = face & ~flag if closes else face | flag
    yield Run(text[at:], Style(face, colours[-1] if colours else None))


def _colour(tag: str, inherited: int | None) -> int | None:
    """Return the colour of a font tag; `inherited`, that of the surrounding text, if it has none that is known."""
    found = _COLOUR.search(tag)
    name = found[1] if found else ""
    if re.fullmatch("#?[0-9a-f]{6}", name):
        return int(name.lstrip("#"), 16)
    return _NAMES.get(name, inherited)


def _merge(runs: Iterator[Run]) -> tuple[Run, ...]:
    """Merge neighbouring runs of one style; drop empty ones."""
    nonempty = (run for run in runs if run.text)
    same = groupby(nonempty, lambda run: run.style)
    return tuple(Run("".join(run.text for run in group), replace(style)) for style, group in same)


def _with_tags(run: Run) -> str:
    letters = [letter for flag, letter in _FACES if run.style.face & flag]
    opening, closing = "".join(f"<{x}>" for x in letters), "".join(f"</{x}>" for x in reversed(letters))
    if run.style.colour is not None:
        opening, closing = f'<font color="#{run.style.colour:06x}">{opening}', f"{closing}</font>"
    return f"{opening}{run.text}{closing}"


def _decode(text: bytes) -> str:
    for mark, coding in ((b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le")):
        if text.startswith(mark):
            return text[2:].decode(coding, "replace")
    return text.decode("utf-8", "replace")


def _style_records(boxes: bytes) -> Iterator[tuple[int, ...]]:
    at = 0
    while at + 8 <= len(boxes):
        size, kind = struct.unpack_from(">I4s", boxes, at)
        body = boxes[at + 8 : at + size]
        if size < 8:
            return
        if kind == b"styl" and len(body) >= 2:
            (count,) = struct.unpack_from(">H", body)
            complete = min(count, (len(body) - 2) // _STYLE.size)
            yield from (_STYLE.unpack_from(body, 2 + index * _STYLE.size) for index in range(complete))
        at += size


def _box(kind: bytes, records: list[bytes]) -> bytes:
    body = struct.pack(">H", len(records)) + b"".join(records)
    return struct.pack(">I4s", 8 + len(body), kind) + body
