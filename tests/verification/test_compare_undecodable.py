"""Verification compares streams for which FFmpeg has no decoder, packet by packet."""

from pathlib import Path

import pytest

from pipeline import verify
from tests import remux
from tests.verification import plants

PAGES = [(number * 80, 0, b"\x10" + bytes([number] * 91)) for number in range(10)]
CHANGED = [*PAGES[:4], (320, 0, b"\x10" + bytes(91)), *PAGES[5:]]
LATE = [(start + 40, duration, content) for start, duration, content in PAGES]


def write(path: Path, codec: str, pages: list[tuple[int, int, bytes]]) -> Path:
    return remux.write_source(path, remux.cues(codec, *pages, language="deu"))


@pytest.mark.parametrize(
    ("codec", "pages", "kinds"),
    [
        ("dvb_teletext", PAGES, []),
        ("dvb_teletext", CHANGED, ["packet-changed"]),
        ("dvb_teletext", PAGES[:-1], ["packet-lost"]),
        ("dvb_teletext", LATE, ["sync"]),
        ("ttml", PAGES, ["stream-lost"]),  # which a transport stream stores as private data
    ],
)
def test_a_fault_in_teletext_is_found(
    tmp_path: Path, codec: str, pages: list[tuple[int, int, bytes]], kinds: list[str]
) -> None:
    source = write(tmp_path / "in.ts", "dvb_teletext", PAGES)
    assert plants.kinds(verify(source, write(tmp_path / "out.ts", codec, pages))) == kinds


def test_a_missing_stream_of_an_unknown_codec_is_named_so(tmp_path: Path) -> None:
    source = remux.write_source(tmp_path / "in.mkv", remux.audio_track(remux.make_clicks(), "flac"))
    source.write_bytes(source.read_bytes().replace(b"A_FLAC", b"A_NONE"))
    [fault] = verify(source, remux.write_source(tmp_path / "out.mkv")).faults
    assert (fault.kind, fault.message) == ("stream-lost", "audio 1 (unknown codec) is missing")
