"""Streams: copied completely where the container supports them, otherwise left out or converted with a message."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cases import ebml
from tests.cases.bitstreams import (
    h264_with_captions,
    merge_programs,
    mpeg2_with_captions,
    mpeg2_with_user_data,
    pgs_box,
    pgs_end,
)
from tests.cases.case import Case, Expected, case, evenly, refused
from tests.cases.film import Film, Packets, with_content
from tests.cases.timing import B_FRAMES, THIRTY

if TYPE_CHECKING:
    from av.container.core import Chapter  # a name of PyAV's stubs

_SUBTITLES = [(100, 300, b"One line"), (600, 400, b"Two lines:\nand a second")]
_LATER = range(100, 130)  # the numbers of a second film's frames


def _with_audio(*kinds: str, messages_in_mp4: tuple[str, ...] = (), in_mp4: tuple[str, ...] | None = None) -> Expected:
    return Expected(THIRTY, evenly(30), kinds or ("video", "audio"), in_mp4, messages_in_mp4=messages_in_mp4)


@case("everything.mkv", network="nearest")
def everything(path: Path) -> Expected:
    """Two videos, two audio streams, two subtitle streams, chapters, a font, a title and languages."""
    with Film(path) as out:
        out.container.metadata["title"] = "Everything"
        out.video(**B_FRAMES).metadata["title"] = "The film"
        out.video(_LATER).metadata["title"] = "Another angle"
        for language in ("eng", "deu"):
            out.audio(1.2, language=language)
        for language in ("eng", "fra"):
            out.packets("subrip", _SUBTITLES, language)
        out.container.add_attachment("Font.ttf", "application/x-truetype-font", b"\0\1\0\0" + bytes(500))
        out.container.set_chapters([_chapter(1, 0, 600, "One"), _chapter(2, 600, 1200, "Two")])
    many = ("video", "video", "audio", "audio", "subtitle", "subtitle")
    in_mp4 = (*many, "data")  # which stores the chapters there
    return _with_audio(*many, "attachment", in_mp4=in_mp4, messages_in_mp4=("attachment|font",))


def _chapter(number: int, start: int, end: int, title: str) -> Chapter:
    return {"id": number, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}


def _two_films(path: Path) -> None:
    with Film(path) as out:
        out.video(**B_FRAMES)
        out.video(_LATER, **B_FRAMES)
        out.audio(1.2)


@case("second-video.mkv", network="nearest")
def second_video(path: Path) -> Expected:
    """A second video stream, which is copied."""
    _two_films(path)
    return _with_audio("video", "video", "audio")


@case("chosen-video.mkv", "--video-stream", "1", network="nearest")
def chosen_video(path: Path) -> Expected:
    """The second of two videos is selected with --video-stream 1; the first is copied."""
    _two_films(path)
    return Expected(tuple(_LATER), evenly(30), ("video", "video", "audio"))


@case("video-only.mkv", "--streams", "video")
def video_only(path: Path) -> Expected:
    """The file has audio, and only the video is requested with --streams video."""
    with Film(path) as out:
        out.video()
        out.audio(1.2)
    return _with_audio("video")


@case("cover-and-text.mp4")
def cover_and_text(path: Path) -> Expected:
    """Timed text in mp4's own format, languages, and a cover before the video."""
    with Film(path) as out:
        out.cover()
        out.video(**B_FRAMES)
        out.audio(1.2, language="deu")
        out.packets("mov_text", _timed_text(), "fra")
    return _with_audio("cover", "video", "audio", "subtitle")


def _timed_text() -> list[tuple[int, int, bytes]]:
    return [(start, length, struct.pack(">H", len(text)) + text) for start, length, text in _SUBTITLES]


@case("timecode.mov")
def timecode(path: Path) -> Expected:
    """A data stream with the timecode 01:00:00:00 of the first frame; a .mkv has a tag for it."""
    with Film(path) as out:
        out.video(**B_FRAMES).metadata["timecode"] = "01:00:00:00"
        out.audio(1.2)
    return _with_audio(in_mp4=("video", "audio", "data"))


@case("data.ts")
def data(path: Path) -> Expected:
    """A KLV data stream, as drones send it, in a transport stream."""
    with Film(path, "mpegts") as out:
        out.video()
        out.audio(1.2)
        out.packets("klv", [(0, 100, b"\x06\x0e\x2b\x34" + bytes(12)), (400, 100, b"\x06\x0e\x2b\x34" + bytes(12))])
    return Expected(THIRTY, evenly(30), ("video", "audio"), messages=("data stream|klv",))


@case("two-programs.ts", network="nearest")
def two_programs(path: Path) -> Expected:
    """Two programs in one transport stream, each with video and audio."""
    parts = []
    for number, frames in enumerate((THIRTY, _LATER), 1):
        ids = {"service_id": number, "pmt_start_pid": 0x1000 + number, "start_pid": 0x100 * number}
        with Film(path, "mpegts", **{f"mpegts_{name}": str(value) for name, value in ids.items()}) as out:
            out.video(frames)
            out.audio(1.2)
        parts.append(path.read_bytes())
    path.write_bytes(merge_programs(*parts))
    return _with_audio("video", "audio", "video", "audio")


def _captioned(add: Callable[[bytes, bytes], bytes]) -> Callable[[Packets], Packets]:
    """Returns an edit that adds captions to each packet but every fifth: CEA-608 and 708, other ones to each frame."""

    def edit(packets: Packets) -> Packets:
        made = []
        for number, packet in enumerate(packets):
            constructs = bytes([0xFC, 0x80 | number, 0x2C, 0xFF, 0x02, 1 + number]) if number % 5 else b""
            made.append(with_content(packet, add(bytes(packet), constructs) if constructs else bytes(packet)))
        return made

    return edit


def _each(change: Callable[[bytes], bytes]) -> Callable[[Packets], Packets]:
    """Returns an edit of the content of each packet."""
    return lambda packets: [with_content(packet, change(bytes(packet))) for packet in packets]


@case("captions.ts")
def captions(path: Path) -> Expected:
    """Closed captions (CEA-608 and 708) in H.264 with B-frames, as in American broadcasts."""
    with Film(path, "mpegts") as out:
        out.video(**B_FRAMES, edit=_captioned(h264_with_captions))
    return _with_audio("video")


@case("captions.mpg", network="nearest")
def captions_in_mpeg2(path: Path) -> Expected:
    """Closed captions in the user data of MPEG-2."""
    with Film(path, "mpeg") as out:
        out.video(codec="mpeg2video", edit=_captioned(mpeg2_with_captions))
    return _with_audio("video")


@case("captions-to-ffv1.ts", "--codec", "ffv1")
def captions_to_ffv1(path: Path) -> Expected:
    """Closed captions that the output's codec, FFV1, can't carry."""
    with Film(path, "mpegts") as out:
        out.video(**B_FRAMES, edit=_captioned(h264_with_captions))
    return replace(_with_audio("video"), messages=("closed captions of 24 frames dropped",))


@case("active-format.mpg")
def active_format(path: Path) -> Expected:
    """An active format description (ETSI TS 101 154): which part of a broadcast to show."""
    with Film(path, "mpeg") as out:
        out.video(codec="mpeg2video", edit=_each(lambda unit: mpeg2_with_user_data(unit, b"DTG1\x41\xf9")))
    return replace(_with_audio("video"), messages=("active format description can't be carried over",))


@case("late-audio.vob")
def late_audio(path: Path) -> Expected:
    """A second audio stream begins after 8 s, behind what FFmpeg reads of a DVD to learn the parameters of streams."""
    parts = []
    for numbers, languages in ((range(200), 1), (range(200, 250), 2)):
        with Film(path, "vob") as out:
            pts = [number + 25 for number in numbers]  # so that no time is negative
            out.video(numbers, pts=pts, codec="mpeg2video", textured=True, bf="0")
            for _ in range(languages):
                out.audio(len(numbers) / 25, start=pts[0] / 25, codec="ac3")
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    return Expected(tuple(range(250)), evenly(250), ("video", "audio", "audio"))


def _titles(**by_language: str) -> list[tuple[int, ebml.Content]]:
    """Titles of a chapter, by BCP 47 code of their language."""
    parts: list[list[tuple[int, ebml.Content]]] = [
        [(ebml.CHAPTER_TITLE, title), (ebml.CHAPTER_LANGUAGE, "und"), (ebml.CHAPTER_BCP47, language)]
        for language, title in by_language.items()
    ]
    return [(ebml.DISPLAY, part) for part in parts]


def _atom(number: int, start: int, end: int, *parts: tuple[int, ebml.Content]) -> tuple[int, ebml.Content]:
    """A chapter from `start` to `end`, in milliseconds."""
    times = [(ebml.CHAPTER_START, start * 10**6), (ebml.CHAPTER_END, end * 10**6)]
    return ebml.ATOM, [(ebml.CHAPTER_UID, number), *times, *parts]


def _with_chapters(path: Path, *editions: list[tuple[int, ebml.Content]]) -> Expected:
    with Film(path) as out:
        out.video(**B_FRAMES)
    content = b"".join(ebml.element(ebml.EDITION, edition) for edition in editions)
    ebml.change_segment(path, {ebml.CHAPTERS: content})
    return _with_audio("video", in_mp4=("video", "data"), messages_in_mp4=("chapters .* become a flat list",))


@case("nested-chapters.mkv")
def nested_chapters(path: Path) -> Expected:
    """Chapters in chapters, with titles in two languages, a hidden one, and a second edition."""
    inner = _atom(2, 200, 600, *_titles(en="Inside"))
    outer = _atom(1, 0, 600, *_titles(en="Part one", de="Erster Teil"), inner)
    hidden = _atom(3, 600, 1200, (ebml.CHAPTER_HIDDEN, 1), *_titles(en="Hidden"))
    second = [(ebml.EDITION_UID, 2), _atom(4, 0, 1200, *_titles(**{"pt-BR": "Tudo"}))]
    return _with_chapters(path, [(ebml.EDITION_UID, 1), (ebml.EDITION_DEFAULT, 1), outer, hidden], second)


@case("ordered-chapters.mkv", target="out.mkv")
def ordered_chapters(path: Path) -> Expected:
    """An ordered edition: players show the second chapter first."""
    atoms = _atom(1, 600, 1200, *_titles(en="Second half")), _atom(2, 0, 600, *_titles(en="First half"))
    return _with_chapters(path, [(ebml.EDITION_UID, 1), (ebml.EDITION_ORDERED, 1), *atoms])


@case("bitmap-subtitles.mkv")
def bitmap_subtitles(path: Path) -> Expected:
    """Bitmap subtitles (PGS, from a Blu-ray), which mp4 doesn't support and no text can replace."""
    with Film(path) as out:
        out.video(size=(96, 64))
        out.packets("hdmv_pgs_subtitle", [(100, 0, pgs_box(96, 64)), (500, 0, pgs_end(96, 64))], "eng")
    return _with_audio("video", "subtitle", in_mp4=("video",), messages_in_mp4=("subtitle.*(pgs|hdmv)",))


@case("audio-longer.mp4")
def audio_longer(path: Path) -> Expected:
    """The audio continues for two seconds after the last frame."""
    return _with_audio_at(path, seconds=3.2)


@case("audio-shorter.mp4")
def audio_shorter(path: Path) -> Expected:
    """The audio ends long before the last frame."""
    return _with_audio_at(path, seconds=0.4)


@case("audio-later.mkv")
def audio_later(path: Path) -> Expected:
    """The audio begins 0.4 s after the first frame."""
    return _with_audio_at(path, seconds=0.8, start=0.4)


@case("audio-earlier.mkv")
def audio_earlier(path: Path) -> Expected:
    """The audio begins half a second before the first frame."""
    return _with_audio_at(path, seconds=1.7, first=13)


def _with_audio_at(path: Path, seconds: float, start: float = 0, first: int = 0) -> Expected:
    with Film(path) as out:
        out.video(pts=range(first, first + 30), **B_FRAMES)
        out.audio(seconds, start)
    return _with_audio()


def _with_audio_codec(name: str, codec: str, about: str, layout: str = "mono", messages: tuple[str, ...] = ()) -> Case:
    def write(path: Path) -> Expected:
        with Film(path) as out:
            out.video(**B_FRAMES)
            out.audio(1.2, codec=codec, layout=layout)
        return Expected(THIRTY, evenly(30), ("video", "audio"), messages=messages)

    write.__doc__ = about
    return case(name)(write)


vorbis = _with_audio_codec("vorbis.mkv", "vorbis", "Vorbis audio, rare in an mp4.", layout="stereo")
opus = _with_audio_codec("opus.mkv", "libopus", "Opus audio, whose first samples a decoder drops.")
flac = _with_audio_codec("flac.mkv", "flac", "FLAC audio, which is lossless and must stay so.")
pcm = _with_audio_codec("pcm.mkv", "pcm_s16le", "PCM audio.")
ima4 = _with_audio_codec(
    "ima4.mov", "adpcm_ima_qt", "QuickTime's IMA, unsupported in .mkv and .mp4.", messages=("adpcm",)
)


@case("teletext.ts")
def teletext(path: Path) -> Expected:
    """DVB teletext, which FFmpeg can't decode; a transport stream stores it, .mkv and .mp4 don't."""
    with Film(path, "mpegts") as out:
        out.video()
        out.audio(1.2)
        out.packets("dvb_teletext", [(100, 0, b"\x10" + bytes(91)), (500, 0, b"\x10" + bytes(range(91)))], "deu")
    message = r"subtitle stream 2 dropped.*dvb_teletext; \.ts does"
    return Expected(THIRTY, evenly(30), ("video", "audio"), messages=(message,))


@case("ttml.mp4")
def ttml(path: Path) -> Expected:
    """Subtitles in TTML, which FFmpeg can't decode; an .mp4 stores them."""
    document = b'<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p>Hello</p></div></body></tt>'
    with Film(path) as out:
        out.video(**B_FRAMES)
        out.audio(1.2)
        out.packets("ttml", [(0, 400, document), (400, 800, document)], "eng")
    return _with_audio("video", "audio", in_mp4=("video", "audio", "subtitle"))


@case("unknown-audio.mov")
def unknown_audio(path: Path) -> Expected:
    """Audio of a codec that FFmpeg doesn't know, as the Apple Positional Audio of recent phones."""
    return _of_unknown_codec(path, "pcm_s16le", b"sowt", b"apac")


@case("unknown-audio.mkv")
def unknown_codec_id(path: Path) -> Expected:
    """Audio with a codec ID that FFmpeg doesn't know."""
    return _of_unknown_codec(path, "flac", b"A_FLAC", b"A_NONE")


def _of_unknown_codec(path: Path, codec: str, name: bytes, unknown: bytes) -> Expected:
    with Film(path) as out:
        out.video(**B_FRAMES)
        out.audio(1.2, codec=codec)
    content = path.read_bytes()
    assert content.count(name) == 1
    path.write_bytes(content.replace(name, unknown))
    return Expected(THIRTY, evenly(30), messages=("audio stream 1 dropped.*unknown codec",))


@case("audio-only.m4a")
def audio_only(path: Path) -> Expected:
    """Audio only."""
    with Film(path, "mp4") as out:
        out.audio(1)
    return refused("no video")


@case("cover-only.m4a")
def cover_only(path: Path) -> Expected:
    """A song with a cover, which is no video."""
    with Film(path, "mp4") as out:
        out.cover()
        out.audio(1)
    return refused("no video|cover")
