"""Time: every frame once, in order and at its own time, however the file stores it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from tests.cases.bitstreams import splice
from tests.cases.case import Expected, case, evenly
from tests.cases.film import AUDIO_RATE, Film, Packets, clicks, film, retimed, shifted, with_content

MS = Fraction(1, 1000)
THIRTY = tuple(range(30))
B_FRAMES: dict[str, Any] = {"bf": "3", "b-adapt": "0"}
_AS_IS: dict[str, Any] = {"avoid_negative_ts": "disabled"}
_NOT_CODED = b"\0\0\1\xb6\x40\x7f\x1f\xff"  # MPEG-4, part 2: a P frame whose vop_coded is 0
_UNEVEN = [start + step for start in (0, 800, 1600) for step in (0, 40, 50, 120, 125, 300, 333, 700, 701, 720)]


def _complete(*kinds: str, count: int = 30, rate: Fraction | int = 25) -> Expected:
    return Expected(tuple(range(count)), evenly(count, rate), kinds or ("video", "audio"))


@case("b-frames.mp4")
def b_frames(path: Path) -> Expected:
    """B-frames: decoding order differs from display order, and an edit list hides the encoder's delay."""
    with Film(path) as out:
        out.video(**B_FRAMES)
        out.audio(1.2)
    return _complete()


@case("no-edit-list.mp4")
def no_edit_list(path: Path) -> Expected:
    """B-frames without an edit list: the first frame's time is later than zero."""
    with Film(path, use_editlist="0", avoid_negative_ts="disabled") as out:
        out.video(**B_FRAMES)
        out.audio(1.2)
    return _complete()


@case("hidden-frames.mp4")
def hidden_frames(path: Path) -> Expected:
    """An edit list hides the first 12 frames, which the others need to decode."""
    with Film(path, avoid_negative_ts="disabled") as out:
        out.video(**B_FRAMES, edit=shifted(-12))
        out.audio(0.7)
    return Expected(THIRTY[12:], evenly(18), ("video", "audio"))


@case("varying-rate.mkv")
def varying_rate_in_mkv(path: Path) -> Expected:
    """From 1 to 367 ms between frames, with B-frames."""
    return _varying(path)


@case("varying-rate.mp4")
def varying_rate_in_mp4(path: Path) -> Expected:
    """The same steps as the .mkv of this name, stored in an mp4's tables."""
    return _varying(path)


def _varying(path: Path) -> Expected:
    with Film(path) as out:
        out.video(pts=_UNEVEN, time_base=MS, rate=30, **B_FRAMES)
        out.audio(2.3)
    return Expected(THIRTY, tuple(ms * MS for ms in _UNEVEN), ("video", "audio"))


@case("fragmented.mp4")
def fragmented(path: Path) -> Expected:
    """Fragments without a complete index, as from a live recording."""
    with Film(path, movflags="frag_keyframe+empty_moov+default_base_moof") as out:
        out.video(g="12", **B_FRAMES)
        out.audio(1.2)
    return _complete()


@case("1-fps.mp4")
def one_a_second(path: Path) -> Expected:
    """One frame a second."""
    with Film(path) as out:
        out.video(range(5), rate=1)
        out.audio(5)
    return _complete(count=5, rate=1)


@case("23.976-fps.mp4")
def ntsc_film(path: Path) -> Expected:
    """24000/1001 frames a second, which no decimal number is."""
    with Film(path) as out:
        out.video(rate=Fraction(24000, 1001), **B_FRAMES)
        out.audio(1.2)
    return _complete(rate=Fraction(24000, 1001))


@case("1000-fps.mkv")
def thousand_a_second(path: Path) -> Expected:
    """A frame each millisecond, Matroska's usual resolution."""
    film(path, range(60), rate=1000)
    return _complete("video", count=60, rate=1000)


@case("program-stream.mpg")
def program_stream(path: Path) -> Expected:
    """MPEG-2 with B-frames in a program stream, as on a DVD: not every frame has a time."""
    with Film(path, "vob") as out:
        out.video(codec="mpeg2video", g="12", bf="2")
        out.audio(1.2, codec="mp2")
    return _complete()


@case("long-gop.mp4")
def long_gop(path: Path) -> Expected:
    """One key frame, then 299 frames that need it."""
    film(path, range(300), g="100000", **B_FRAMES)
    return _complete("video", count=300)


@case("one-frame.mp4")
def one_frame(path: Path) -> Expected:
    """A single frame."""
    film(path, range(1))
    return _complete("video", count=1)


@case("starts-at-10s.ts")
def late_start(path: Path) -> Expected:
    """The clock reads 10 s at the first frame."""
    with Film(path, "mpegts", mpegts_copyts="1") as out:
        out.video(pts=range(250, 280), **B_FRAMES)
        out.audio(1.2, start=10)
    return _complete()


@case("negative-start.mp4")
def negative_start_in_mp4(path: Path) -> Expected:
    """Audio and video begin together before zero, which an mp4 hides."""
    with Film(path, avoid_negative_ts="disabled", use_editlist="1") as out:
        out.video(edit=shifted(-12), g="12")
        out.audio(1.2, start=-0.48)
    return Expected(THIRTY[12:], evenly(18), ("video", "audio"))


@case("negative-start.mkv")
def negative_start_in_mkv(path: Path) -> Expected:
    """The video begins 480 ms before zero and before the audio; FFmpeg's demuxer reports no times for it."""
    with Film(path, avoid_negative_ts="disabled") as out:
        out.video(edit=shifted(-12))
        out.audio(0.7)
    heard = tuple(time + Fraction(12, 25) for time in clicks(0.7))
    return Expected(THIRTY, evenly(30), ("video", "audio"), clicks=heard)


@case("gap.mp4")
def gap(path: Path) -> Expected:
    """No new frame for 10 s while the audio goes on, as the file's tables say."""
    times = [index * 40 + (10_000 if index >= 15 else 0) for index in range(30)]
    with Film(path) as out:
        out.video(pts=times, time_base=MS)
        out.audio(11.2)
    return Expected(THIRTY, tuple(ms * MS for ms in times), ("video", "audio"))


@case("clock-wraps.ts")
def clock_wraps(path: Path) -> Expected:
    """The 33 bits of the transport stream's clock overflow in the middle, after 26.5 hours."""
    start = 2**33 - 3600 * 15
    with Film(path, "mpegts", mpegts_copyts="1") as out:
        out.video(pts=range(start, start + 3600 * 30, 3600), time_base=Fraction(1, 90_000))
        out.audio(1.2, start=start / 90_000)
    return _complete()


@case("clock-jumps-ahead.ts")
def clock_ahead(path: Path) -> Expected:
    """The clock jumps an hour ahead between frames 14 and 15, in audio and video."""
    return _jumping(path, 10, 3610)


@case("clock-jumps-back.ts")
def clock_back(path: Path) -> Expected:
    """The clock jumps an hour back between frames 14 and 15, in audio and video."""
    return _jumping(path, 3610, 10)


def _jumping(path: Path, *starts: int) -> Expected:
    """Writes one film; by the clock of each half, the film began at its own of `starts`, in seconds."""
    parts = []
    for half, start in enumerate(starts):
        with Film(path, "mpegts", mpegts_copyts="1") as out:
            out.video(g="15", edit=_half(half, start))
            out.audio(1.2, edit=_half(half, start))
        parts.append(path.read_bytes())
    path.write_bytes(splice(*parts))
    return Expected(THIRTY, evenly(30), ("video", "audio"), clicks=clicks(1.2), messages=("clock|jump",))


def _half(half: int, start: int) -> Callable[[Packets], Packets]:
    """Returns an edit that keeps the packets of one half of the film and moves them by `start` seconds."""

    def move(packets: Packets) -> Packets:
        kept = [packet for packet in packets if ((packet.pts or 0) * packet.time_base >= Fraction(3, 5)) == bool(half)]
        return shifted(round(start / kept[0].time_base))(kept)

    return move


@case("changing-pids.ts")
def changing_pids(path: Path) -> Expected:
    """A recording goes on under other packet identifiers (PIDs), as FFmpeg learns at its end; the clock continues."""
    parts = []
    for first, numbers in ((0x100, THIRTY[:15]), (0x200, THIRTY[15:])):
        with Film(path, "mpegts", mpegts_start_pid=str(first)) as out:
            out.video(numbers, pts=numbers)
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    return _complete("video")


@case("no-times.h264")
def no_times(path: Path) -> Expected:
    """A raw stream with B-frames: no container, so no frame has a time."""
    film(path, format="h264", **B_FRAMES)
    return Expected(THIRTY, evenly(30), messages=("rate",))


@case("b-frames.avi")
def b_frames_in_avi(path: Path) -> Expected:
    """AVI counts packets and stores no other order, but these are B-frames."""
    film(path, **B_FRAMES)
    return _complete("video")


def _packed(packets: Packets) -> Packets:
    """Moves each B-frame into the packet before its own, which becomes a frame that is not coded."""
    contents = [bytes(packet) for packet in packets]
    for number, packet in enumerate(packets):
        if packet.pts == packet.dts:  # of a B-frame
            contents[number - 1] += contents[number]
            contents[number] = _NOT_CODED
    contents[0] = b"\0\0\1\xb2DivX503b1393p" + contents[0]
    return [with_content(packet, content) for packet, content in zip(packets, contents, strict=True)]


@case("packed-b-frames.avi")
def packed_b_frames(path: Path) -> Expected:
    """A packed bitstream, as DivX wrote it: a B-frame shares the packet of the frame before, an empty one follows."""
    film(path, codec="mpeg4", textured=True, bf="1", edit=_packed)
    return _complete("video")


@case("same-times.mkv")
def same_times(path: Path) -> Expected:
    """Two frames have each time."""
    film(path, codec="mjpeg", pixel="yuvj420p", edit=retimed([index // 2 * 2 for index in range(30)]), container=_AS_IS)
    times = tuple(None if index % 2 else index * Fraction(1, 25) for index in range(30))
    return Expected(THIRTY, times, messages=(r"\b15\b",))


@case("short-packets.mkv")
def short_packets(path: Path) -> Expected:
    """Packets of 16 samples (FLAC), three to a tick of Matroska's clock, as those of TrueHD."""
    with Film(path) as out:
        out.video()
        out.audio(1.2, codec="flac", frame_size="16")
    return _complete()


@case("tiny-blocks.mkv")
def tiny_blocks(path: Path) -> Expected:
    """Samples (PCM) in blocks of 12, four to a tick of Matroska's clock."""
    with Film(path) as out:
        out.video()
        out.audio(1.2, codec="pcm_s16le", edit=_divided(12))
    return _complete()


def _divided(samples: int) -> Callable[[Packets], Packets]:
    """Returns an edit that divides packets of 16-bit mono into those of that number of samples."""

    def divide(packets: Packets) -> Packets:
        divided: Packets = []
        for packet in packets:
            content, first = bytes(packet), round((packet.pts or 0) * packet.time_base * AUDIO_RATE)
            for at in range(0, len(content), 2 * samples):
                part: Any = av.Packet(content[at : at + 2 * samples])
                part.stream, part.time_base, part.is_keyframe = packet.stream, Fraction(1, AUDIO_RATE), True
                part.pts = part.dts = first + at // 2
                part.duration = part.size // 2
                divided.append(part)
        return divided

    return divide


@case("spike.mkv")
def spike(path: Path) -> Expected:
    """One frame's time is a minute late; those after it are correct."""
    return _one_wrong(path, 12 + 25 * 60)


@case("step-back.mkv")
def step_back(path: Path) -> Expected:
    """One frame's time is three frames early."""
    return _one_wrong(path, 9)


def _one_wrong(path: Path, wrong: int) -> Expected:
    """Writes a film whose frame 12 has the time `wrong`, in frames."""
    times = [wrong if index == 12 else index for index in range(30)]
    film(path, codec="mjpeg", pixel="yuvj420p", edit=retimed(times), container=_AS_IS)
    right = evenly(30)
    return Expected(THIRTY, right[:12] + (None,) + right[13:], messages=(r"\b1\b",))
