"""Packets of a live source to frames: at once, in order, on one clock; whatever is wrong with them, the rest comes."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.errors import InputError
from pipeline.frame import Siting
from pipeline.live.input.decoder import AUDIO_ALONE, NO_KEY_FRAME, UNDECODABLE, AudioPacket, LiveDecoder, LiveFrame
from pipeline.live.process.messages import ConnectionOpened, SerializedPacket, StreamHeader
from tests import clips

AT_ONCE = {"crf": "10", "tune": "zerolatency"}
IN_TICKS = Fraction(1, 25)  # what MPEG's own encoder counts in
STEP = 3600
NO_PICTURE = b"\0\0\0\1\x65" + bytes(40)


def brought(path: Path, began: float = 100.0) -> tuple[StreamHeader, list[SerializedPacket]]:
    """A clip as a source would bring it that begins at `began`, in real time."""
    with av.open(str(path)) as container:
        chosen = [stream for stream in container.streams if stream.type in ("video", "audio")]
        streams = StreamHeader.of(chosen)
        with streams.open() as head:
            bases = [stream.time_base for stream in head.streams]
        packets, start = [], None
        for packet in container.demux(chosen):
            if packet.size:
                at = float((packet.dts or 0) * packet.time_base)
                start = at if start is None else start
                number = chosen.index(packet.stream)
                packets.append(
                    _rebased(SerializedPacket.of(packet, number, began + at - start), packet.time_base / bases[number])
                )
    return streams, packets


def _rebased(packet: SerializedPacket, ratio: Fraction) -> SerializedPacket:
    pts, dts = (None if each is None else round(each * ratio) for each in (packet.pts, packet.dts))
    return replace(packet, pts=pts, dts=dts, duration=round(packet.duration * ratio))


def fed(decoder: LiveDecoder, packets: Iterable[SerializedPacket]) -> list[LiveFrame | AudioPacket]:
    return [made for packet in packets for made in decoder.feed(packet)]


def shots(decoder: LiveDecoder, path: Path, began: float = 100.0) -> list[LiveFrame]:
    """All frames of a connection that brings a clip."""
    streams, packets = brought(path, began)
    decoder.open(ConnectionOpened(streams))
    return [shot for shot in fed(decoder, packets) if isinstance(shot, LiveFrame)] + decoder.lose()


def shades(found: Iterable[LiveFrame]) -> list[int]:
    return [int(shot.frame.planes[0][24, 32]) for shot in found]


def expected(*indices: int) -> object:
    return pytest.approx([clips.shade(index) for index in indices], abs=2)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.ts", "libx264", AT_ONCE),
        ("a.flv", "libx264", AT_ONCE),
        ("a.ts", "libx265", {"tune": "zerolatency", "x265-params": "log-level=error"}),
        ("a.mkv", "libsvtav1", {"svtav1-params": "pred-struct=1"}),
        ("a.mkv", "mjpeg", {"q": "2"}),
        ("a.ts", "mpeg2video", {"b": "1M", "flags": "+low_delay"}),
    ],
)
def test_a_frame_comes_with_its_packet(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    pixel = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = clips.make(tmp_path / name, 8, codec=codec, options=options, pixel=pixel, sound=False, time_base=IN_TICKS)
    streams, packets = brought(path)
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    for number, packet in enumerate(packets):
        (shot,) = fed(decoder, [packet])
        assert isinstance(shot, LiveFrame)
        assert shot.arrived == packet.at
        assert shot.frame.pts == number * STEP
    assert decoder.lose() == []


@pytest.mark.parametrize(("name", "codec"), [("a.ts", "libx264"), ("a.mkv", "libx264"), ("a.ts", "mpeg2video")])
def test_with_b_frames_all_come_in_the_order_of_showing(tmp_path: Path, name: str, codec: str) -> None:
    options = {"b": "1M", "bf": "2"} if codec == "mpeg2video" else {"crf": "10", "bf": "2"}
    path = clips.make(tmp_path / name, 12, codec=codec, options=options, sound=False, time_base=IN_TICKS)
    found = shots(LiveDecoder(), path)
    assert shades(found) == expected(*range(12))
    assert [shot.frame.pts for shot in found] == [index * STEP for index in range(12)]
    assert [shot.frame.duration for shot in found] == [STEP] * 12
    in_order = sorted(brought(path)[1], key=lambda packet: packet.pts or 0)
    assert [shot.arrived for shot in found] == [packet.at for packet in in_order]


def test_what_frames_are_is_one_object_while_nothing_changes(clip: Path) -> None:
    found = shots(LiveDecoder(), clip)
    assert len({id(shot.video) for shot in found}) == 1
    video = found[0].video
    assert (video.codec, video.source_format, video.rate, video.time_base) == (
        "h264",
        "yuv420p",
        25,
        Fraction(1, 90000),
    )
    assert found[0].frame.format is video.format


def test_a_size_that_changes_in_mid_stream_comes_with_the_frame_that_has_it(tmp_path: Path) -> None:
    small = clips.make(tmp_path / "small.ts", 4, options=AT_ONCE, sound=False, time_base=IN_TICKS)
    large = clips.make(tmp_path / "large.ts", 4, (96, 80), options=AT_ONCE, sound=False, time_base=IN_TICKS)
    streams, before = brought(small)
    after = [replace(packet, pts=packet.pts + 4 * STEP, at=packet.at + 0.16) for packet in brought(large)[1]]
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    found = [shot for shot in fed(decoder, before + after) if isinstance(shot, LiveFrame)]
    assert [shot.video.format.width for shot in found] == [64] * 4 + [96] * 4
    assert [shot.frame.planes[0].shape for shot in found] == [(48, 64)] * 4 + [(80, 96)] * 4
    assert [shot.frame.pts for shot in found] == [index * STEP for index in range(8)]


def test_parameters_that_come_anew_are_those_of_what_follows(tmp_path: Path) -> None:
    small = clips.make(tmp_path / "small.flv", 4, sound=False)
    large = clips.make(tmp_path / "large.flv", 4, (96, 80), sound=False)
    streams, before = brought(small)
    with av.open(str(large)) as container:
        parameters = container.streams.video[0].codec_context.extradata
    first, *rest = [replace(packet, at=packet.at + 0.16) for packet in brought(large)[1]]
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    made = fed(decoder, [*before, replace(first, extradata=parameters), *rest]) + decoder.lose()
    assert [shot.video.format.width for shot in made if isinstance(shot, LiveFrame)] == [64] * 4 + [96] * 4
    assert decoder.skipped == {}


def test_colours_and_the_place_of_chroma_are_those_of_the_stream(tmp_path: Path) -> None:
    options = {**AT_ONCE, "x264-params": "chromaloc=2:fullrange=on"}
    path = clips.make(tmp_path / "a.ts", 2, options=options, matrix=6, sample_aspect=Fraction(4, 3), time_base=IN_TICKS)
    video = shots(LiveDecoder(), path)[0].video
    colour = video.format.colour
    assert (colour.matrix, colour.full_range, colour.siting) == (6, True, Siting.TOP_LEFT)
    assert video.sample_aspect == Fraction(4, 3)


@pytest.mark.parametrize(("given", "taken"), [("yuyv422", "yuv422p"), ("bgr24", "gbrp"), ("nv12", "nv12")])
def test_what_webcams_give_becomes_what_kernels_know(tmp_path: Path, given: str, taken: str) -> None:
    path = clips.make(tmp_path / "a.nut", 3, codec="rawvideo", pixel=given, options={"threads": "1"}, sound=False)
    found = shots(LiveDecoder(), path)
    assert (found[0].video.source_format, found[0].frame.format.pixel.name) == (given, taken)
    assert [plane.shape for plane in found[0].frame.planes] == list(found[0].frame.format.plane_shapes)


def test_fields_are_told_from_the_frame_that_has_them_and_remembered(tmp_path: Path) -> None:
    whole = clips.make(tmp_path / "whole.ts", 6, options=AT_ONCE, sound=False, time_base=IN_TICKS)
    fields = {**AT_ONCE, "x264-params": "tff=1"}
    streams, packets = brought(whole)
    for other in (clips.make(tmp_path / "fields.ts", 6, options=fields, sound=False, time_base=IN_TICKS), whole):
        packets += [
            replace(each, pts=each.pts + len(packets) * STEP, at=each.at + len(packets) / 25)
            for each in brought(other)[1]
        ]
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    found = [shot for shot in fed(decoder, packets) if isinstance(shot, LiveFrame)]
    assert [shot.frame.interlaced for shot in found] == [False] * 6 + [True] * 6 + [False] * 6
    assert [shot.video.scan.interlaced for shot in found] == [False] * 6 + [True] * 12


def test_nothing_is_shown_before_a_key_frame(tmp_path: Path) -> None:
    path = clips.make(
        tmp_path / "a.ts", 12, options={**AT_ONCE, "g": "6", "sc_threshold": "0"}, sound=False, time_base=IN_TICKS
    )
    streams, packets = brought(path)
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    found = [shot for shot in fed(decoder, packets[2:]) if isinstance(shot, LiveFrame)]
    assert shades(found) == expected(*range(6, 12))
    assert decoder.skipped == {NO_KEY_FRAME: 4}


def test_a_stream_that_marks_no_key_frames_is_tried_after_a_while(tmp_path: Path) -> None:
    streams, packets = brought(clips.make(tmp_path / "a.ts", 4, options=AT_ONCE, sound=False, time_base=IN_TICKS))
    unmarked = [replace(packet, is_keyframe=False) for packet in packets]
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    assert fed(decoder, unmarked) == []
    assert len(fed(decoder, [replace(packet, at=packet.at + 11) for packet in unmarked])) == 4


def test_packets_that_are_no_pictures_are_counted_and_the_next_ones_shown(tmp_path: Path) -> None:
    streams, packets = brought(clips.make(tmp_path / "a.ts", 8, options={**AT_ONCE, "g": "1"}, sound=False))
    packets[3] = replace(packets[3], data=NO_PICTURE)
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    found = [shot for shot in fed(decoder, packets) if isinstance(shot, LiveFrame)]
    assert shades(found) == expected(0, 1, 2, 4, 5, 6, 7)
    assert decoder.skipped == {UNDECODABLE: 1}


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_what_is_torn_is_shown_and_counted(tmp_path: Path, codec: str) -> None:
    options = {"mpeg4": {"q": "4"}, "libx265": {"tune": "zerolatency", "x265-params": "log-level=error"}}
    chosen = options.get(codec, AT_ONCE)
    path = clips.make(tmp_path / "a.ts", 8, (320, 240), codec=codec, options=chosen, sound=False, time_base=IN_TICKS)
    streams, packets = brought(path)
    for number in (3, 4, 5):
        packets[number] = replace(packets[number], data=packets[number].data[: len(packets[number].data) // 2])
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    found = fed(decoder, packets)
    assert len(found) + decoder.skipped[UNDECODABLE] == 8
    assert decoder.damaged + decoder.skipped[UNDECODABLE] >= 3


def test_a_first_key_frame_that_fails_is_waited_for_again(tmp_path: Path) -> None:
    options = {**AT_ONCE, "g": "6", "sc_threshold": "0"}
    streams, packets = brought(clips.make(tmp_path / "a.ts", 12, options=options, sound=False, time_base=IN_TICKS))
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    found = fed(decoder, [replace(packets[0], data=NO_PICTURE), *packets[1:]])
    assert shades(shot for shot in found if isinstance(shot, LiveFrame)) == expected(*range(6, 12))
    assert decoder.skipped == {UNDECODABLE: 1, NO_KEY_FRAME: 5}


def test_how_long_nothing_could_be_shown_is_known(tmp_path: Path) -> None:
    streams, packets = brought(clips.make(tmp_path / "a.ts", 8, options=AT_ONCE, sound=False, time_base=IN_TICKS))
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    fed(decoder, packets[:2])
    assert decoder.seconds_without_frame == 0
    fed(decoder, [replace(packet, data=NO_PICTURE) for packet in packets[2:]])
    assert decoder.seconds_without_frame == pytest.approx(6 / 25)


def test_the_second_connection_goes_on_where_the_first_one_ended(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.ts", 6, options=AT_ONCE, time_base=IN_TICKS)
    decoder = LiveDecoder()
    first = shots(decoder, path, began=50.0)
    second = shots(decoder, path, began=60.0)
    assert second[0].frame.pts - first[0].frame.pts == pytest.approx(10 * 90_000, abs=STEP)
    assert shades(second) == expected(*range(6))
    times = [shot.frame.pts for shot in first + second]
    assert all(a < b for a, b in itertools.pairwise(times))


def test_sound_goes_with_its_picture_under_its_number_in_the_output(clip: Path) -> None:
    streams, packets = brought(clip)
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    made = fed(decoder, packets)
    sounds = [each.packet for each in made if isinstance(each, AudioPacket)]
    assert {packet.stream for packet in sounds} == {1}
    assert {b.pts - a.pts for a, b in itertools.pairwise(sounds)} == {1024}
    assert decoder.skipped[AUDIO_ALONE] + len(sounds) == sum(packet.stream == 1 for packet in packets)
    assert decoder.audio is not None
    with decoder.audio.open() as head:
        assert [stream.type for stream in head.streams] == ["audio"]


def test_sound_without_a_picture_is_no_stream_for_us(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mkv", 6)
    with av.open(str(path)) as container:
        streams = StreamHeader.of(container.streams.audio)
    with pytest.raises(InputError, match="it has no video, only audio"):
        LiveDecoder().open(ConnectionOpened(streams))


def test_a_frame_outlives_its_connection(tmp_path: Path) -> None:
    decoder = LiveDecoder()
    *_, last = shots(decoder, clips.make(tmp_path / "a.ts", 4, options=AT_ONCE, sound=False, time_base=IN_TICKS))
    assert shades([last]) == expected(3)
