"""Streams: all of them, whole, where the container can hold them; else one line that says what was left behind."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

from tests.cases.bitstreams import merged, pgs_nothing, pgs_picture
from tests.cases.case import Case, Expected, case, evenly, refused
from tests.cases.film import Film
from tests.cases.time import B_FRAMES, THIRTY

_SUBTITLES = [(100, 300, b"One line"), (600, 400, b"Two lines:\nand a second")]
_LATER = range(100, 130)  # the numbers of a second film's frames


def _with_sound(*kinds: str, says_in_mp4: tuple[str, ...] = (), in_mp4: tuple[str, ...] | None = None) -> Expected:
    return Expected(THIRTY, evenly(30), kinds or ("video", "audio"), in_mp4, says_in_mp4=says_in_mp4)


@case("everything.mkv", network="nearest")
def everything(path: Path) -> Expected:
    """Two videos, two sounds, two subtitles, chapters, a font, a title and languages."""
    with Film(path) as made:
        made.container.metadata["title"] = "Everything"
        made.video(**B_FRAMES).metadata["title"] = "The film"
        made.video(_LATER).metadata["title"] = "Another angle"
        for language in ("eng", "deu"):
            made.sound(1.2, language=language)
        for language in ("eng", "fra"):
            made.packets("subrip", _SUBTITLES, language)
        made.container.add_attachment("Font.ttf", "application/x-truetype-font", b"\0\1\0\0" + bytes(500))
        made.container.set_chapters([_chapter(1, 0, 600, "One"), _chapter(2, 600, 1200, "Two")])
    many = ("video", "video", "audio", "audio", "subtitle", "subtitle")
    in_mp4 = (*many, "data")  # which tells the chapters there
    return _with_sound(*many, "attachment", in_mp4=in_mp4, says_in_mp4=("attachment|font",))


def _chapter(number: int, start: int, end: int, title: str) -> dict[str, object]:
    return {"id": number, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}


def _two_films(path: Path) -> None:
    with Film(path) as made:
        made.video(**B_FRAMES)
        made.video(_LATER, **B_FRAMES)
        made.sound(1.2)


@case("second-video.mkv", network="nearest")
def second_video(path: Path) -> Expected:
    """A second video beside the film: copied."""
    _two_films(path)
    return _with_sound("video", "video", "audio")


@case("chosen-video.mkv", "--video-stream", "1", network="nearest")
def chosen_video(path: Path) -> Expected:
    """The second of two videos is chosen with --video-stream 1: the first is copied."""
    _two_films(path)
    return Expected(tuple(_LATER), evenly(30), ("video", "video", "audio"))


@case("video-alone.mkv", "--streams", "video")
def video_alone(path: Path) -> Expected:
    """Sound is there, and the video alone is asked for with --streams video."""
    with Film(path) as made:
        made.video()
        made.sound(1.2)
    return _with_sound("video")


@case("cover-and-text.mp4")
def cover_and_text(path: Path) -> Expected:
    """Timed text as only mp4 knows it, languages, and a cover that comes before the film."""
    with Film(path) as made:
        made.cover()
        made.video(**B_FRAMES)
        made.sound(1.2, language="deu")
        made.packets("mov_text", _timed_text(), "fra")
    return _with_sound("cover", "video", "audio", "subtitle")


def _timed_text() -> list[tuple[int, int, bytes]]:
    return [(start, length, struct.pack(">H", len(text)) + text) for start, length, text in _SUBTITLES]


@case("timecode.mov")
def timecode(path: Path) -> Expected:
    """A data stream tells the studio's clock, 01:00:00:00 at the first frame; a .mkv has a tag for it."""
    with Film(path) as made:
        made.video(**B_FRAMES).metadata["timecode"] = "01:00:00:00"
        made.sound(1.2)
    return _with_sound(in_mp4=("video", "audio", "data"))


@case("data.ts")
def data(path: Path) -> Expected:
    """A stream of KLV data, as drones send it, in a transport stream."""
    with Film(path, "mpegts") as made:
        made.video()
        made.sound(1.2)
        made.packets("klv", [(0, 100, b"\x06\x0e\x2b\x34" + bytes(12)), (400, 100, b"\x06\x0e\x2b\x34" + bytes(12))])
    return Expected(THIRTY, evenly(30), ("video", "audio"), says=("data stream|klv",))


@case("two-programs.ts", network="nearest")
def two_programs(path: Path) -> Expected:
    """Two programs in one transport stream, a film and its sound each."""
    parts = []
    for number, frames in enumerate((THIRTY, _LATER), 1):
        ids = {"service_id": number, "pmt_start_pid": 0x1000 + number, "start_pid": 0x100 * number}
        with Film(path, "mpegts", **{f"mpegts_{name}": str(value) for name, value in ids.items()}) as made:
            made.video(frames)
            made.sound(1.2)
        parts.append(path.read_bytes())
    path.write_bytes(merged(*parts))
    return _with_sound("video", "audio", "video", "audio")


@case("bitmap-subtitles.mkv")
def bitmap_subtitles(path: Path) -> Expected:
    """Subtitles that are pictures (PGS, from a Blu-ray), which an mp4 can't hold and no text can replace."""
    with Film(path) as made:
        made.video(size=(96, 64))
        made.packets("hdmv_pgs_subtitle", [(100, 0, pgs_picture(96, 64)), (500, 0, pgs_nothing(96, 64))], "eng")
    return _with_sound("video", "subtitle", in_mp4=("video",), says_in_mp4=("subtitle.*(pgs|hdmv)",))


@case("sound-longer.mp4")
def sound_longer(path: Path) -> Expected:
    """The sound goes on for two seconds after the last frame."""
    return _beside_sound(path, seconds=3.2)


@case("sound-shorter.mp4")
def sound_shorter(path: Path) -> Expected:
    """The sound ends long before the last frame."""
    return _beside_sound(path, seconds=0.4)


@case("sound-later.mkv")
def sound_later(path: Path) -> Expected:
    """The sound begins 0.4 s after the first frame."""
    return _beside_sound(path, seconds=0.8, start=0.4)


@case("sound-earlier.mkv")
def sound_earlier(path: Path) -> Expected:
    """The sound begins half a second before the first frame."""
    return _beside_sound(path, seconds=1.7, first=13)


def _beside_sound(path: Path, seconds: float, start: float = 0, first: int = 0) -> Expected:
    with Film(path) as made:
        made.video(pts=range(first, first + 30), **B_FRAMES)
        made.sound(seconds, start)
    return _with_sound()


def _sounding(name: str, codec: str, about: str, layout: str = "mono", says: tuple[str, ...] = ()) -> Case:
    def write(path: Path) -> Expected:
        with Film(path) as made:
            made.video(**B_FRAMES)
            made.sound(1.2, codec=codec, layout=layout)
        return Expected(THIRTY, evenly(30), ("video", "audio"), says=says)

    write.__doc__ = about
    return case(name)(write)


vorbis = _sounding("vorbis.mkv", "vorbis", "Vorbis sound, rare in an mp4.", layout="stereo")
opus = _sounding("opus.mkv", "libopus", "Opus sound, whose first samples are to be left out.")
flac = _sounding("flac.mkv", "flac", "FLAC sound, which loses nothing and must go on losing nothing.")
pcm = _sounding("pcm.mkv", "pcm_s16le", "Plain samples as sound.")
ima4 = _sounding("ima4.mov", "adpcm_ima_qt", "QuickTime's IMA sound, which .mkv and .mp4 can't hold.", says=("adpcm",))


@case("sound-alone.m4a")
def sound_alone(path: Path) -> Expected:
    """Sound and nothing else."""
    with Film(path, "mp4") as made:
        made.sound(1)
    return refused("no video")


@case("cover-alone.m4a")
def cover_alone(path: Path) -> Expected:
    """A song with a cover, which is no film."""
    with Film(path, "mp4") as made:
        made.cover()
        made.sound(1)
    return refused("no video|cover")
