"""Packets of a live source become frames at once, in order, on one clock, also after damage."""

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

LOW_DELAY = {"crf": "10", "tune": "zerolatency"}
TIME_BASE = Fraction(1, 25)  # the only one of the MPEG-2 encoder
STEP = 3600
INVALID = b"\0\0\0\1\x65" + bytes(40)


def read_clip(path: Path, began: float = 100.0) -> tuple[StreamHeader, list[SerializedPacket]]:
    """The packets of a clip, as a source would deliver them in real time from `began` on."""
    with av.open(str(path)) as container:
        selected = [stream for stream in container.streams if stream.type in ("video", "audio")]
        streams = StreamHeader.of(selected)
        with streams.open() as header:
            bases = [stream.time_base or Fraction(1) for stream in header.streams]
        packets, start = [], None
        for packet in container.demux(selected):
            if packet.size:
                at = float((packet.dts or 0) * packet.time_base)
                start = at if start is None else start
                number = selected.index(packet.stream)
                packets.append(
                    _rebased(SerializedPacket.of(packet, number, began + at - start), packet.time_base / bases[number])
                )
    return streams, packets


def plain_clip(folder: Path, frames: int, options: dict[str, str] = LOW_DELAY) -> Path:
    """A transport stream of H.264 without audio."""
    return clips.make(folder / "a.ts", frames, options=options, audio=False, time_base=TIME_BASE)


def _rebased(packet: SerializedPacket, ratio: Fraction) -> SerializedPacket:
    pts, dts = (None if each is None else round(each * ratio) for each in (packet.pts, packet.dts))
    return replace(packet, pts=pts, dts=dts, duration=round(packet.duration * ratio))


def feed_all(decoder: LiveDecoder, packets: Iterable[SerializedPacket]) -> list[LiveFrame | AudioPacket]:
    return [item for packet in packets for item in decoder.feed(packet)]


def decode_clip(decoder: LiveDecoder, path: Path, began: float = 100.0) -> list[LiveFrame]:
    """All frames of a connection that delivers a clip."""
    streams, packets = read_clip(path, began)
    decoder.open(ConnectionOpened(streams))
    return frames_of(feed_all(decoder, packets)) + decoder.lose()


def frames_of(items: Iterable[LiveFrame | AudioPacket]) -> list[LiveFrame]:
    return [item for item in items if isinstance(item, LiveFrame)]


def shades(frames: Iterable[LiveFrame]) -> list[int]:
    return [int(live.frame.planes[0][24, 32]) for live in frames]


def expected(*indices: int) -> object:
    return pytest.approx([clips.shade(index) for index in indices], abs=2)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.ts", "libx264", LOW_DELAY),
        ("a.flv", "libx264", LOW_DELAY),
        ("a.ts", "libx265", {"tune": "zerolatency", "x265-params": "log-level=error"}),
        ("a.mkv", "libsvtav1", {"svtav1-params": "pred-struct=1"}),
        ("a.mkv", "mjpeg", {"q": "2"}),
        ("a.ts", "mpeg2video", {"b": "1M", "flags": "+low_delay"}),
    ],
)
def test_each_packet_gives_its_frame_at_once(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    pixel = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = clips.make(tmp_path / name, 8, codec=codec, options=options, pixel=pixel, audio=False, time_base=TIME_BASE)
    streams, packets = read_clip(path)
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    for number, packet in enumerate(packets):
        (live,) = feed_all(decoder, [packet])
        assert isinstance(live, LiveFrame)
        assert live.arrived == packet.at
        assert live.frame.pts == number * STEP
    assert decoder.lose() == []


@pytest.mark.parametrize(("name", "codec"), [("a.ts", "libx264"), ("a.mkv", "libx264"), ("a.ts", "mpeg2video")])
def test_b_frames_are_put_into_the_order_of_showing(tmp_path: Path, name: str, codec: str) -> None:
    options = {"b": "1M", "bf": "2"} if codec == "mpeg2video" else {"crf": "10", "bf": "2"}
    path = clips.make(tmp_path / name, 12, codec=codec, options=options, audio=False, time_base=TIME_BASE)
    frames = decode_clip(LiveDecoder(), path)
    assert shades(frames) == expected(*range(12))
    assert [live.frame.pts for live in frames] == [index * STEP for index in range(12)]
    assert [live.frame.duration for live in frames] == [STEP] * 12
    in_order = sorted(read_clip(path)[1], key=lambda packet: packet.pts or 0)
    assert [live.arrived for live in frames] == [packet.at for packet in in_order]


def test_the_description_of_frames_is_one_object_while_nothing_changes(clip: Path) -> None:
    frames = decode_clip(LiveDecoder(), clip)
    assert len({id(live.video) for live in frames}) == 1
    video = frames[0].video
    assert (video.codec, video.source_format) == ("h264", "yuv420p")
    assert (video.rate, video.time_base) == (Fraction(25), Fraction(1, 90_000))
    assert frames[0].frame.format is video.format


def test_a_change_of_size_is_described_from_its_first_frame_on(tmp_path: Path) -> None:
    small = clips.make(tmp_path / "small.ts", 4, options=LOW_DELAY, audio=False, time_base=TIME_BASE)
    large = clips.make(tmp_path / "large.ts", 4, (96, 80), options=LOW_DELAY, audio=False, time_base=TIME_BASE)
    streams, before = read_clip(small)
    after = [replace(packet, pts=(packet.pts or 0) + 4 * STEP, at=packet.at + 0.16) for packet in read_clip(large)[1]]
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    frames = frames_of(feed_all(decoder, before + after))
    assert [live.video.format.width for live in frames] == [64] * 4 + [96] * 4
    assert [live.frame.planes[0].shape for live in frames] == [(48, 64)] * 4 + [(80, 96)] * 4
    assert [live.frame.pts for live in frames] == [index * STEP for index in range(8)]


def test_new_codec_parameters_apply_from_their_packet_on(tmp_path: Path) -> None:
    small = clips.make(tmp_path / "small.flv", 4, audio=False)
    large = clips.make(tmp_path / "large.flv", 4, (96, 80), audio=False)
    streams, before = read_clip(small)
    with av.open(str(large)) as container:
        parameters = container.streams.video[0].codec_context.extradata
    first, *rest = [replace(packet, at=packet.at + 0.16) for packet in read_clip(large)[1]]
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    items = feed_all(decoder, [*before, replace(first, extradata=parameters), *rest]) + decoder.lose()
    assert [live.video.format.width for live in frames_of(items)] == [64] * 4 + [96] * 4
    assert decoder.skipped == {}


def test_colour_siting_and_aspect_are_those_of_the_stream(tmp_path: Path) -> None:
    options = {**LOW_DELAY, "x264-params": "chromaloc=2:fullrange=on"}
    path = clips.make(
        tmp_path / "a.ts", 2, options=options, matrix=6, sample_aspect=Fraction(4, 3), time_base=TIME_BASE
    )
    video = decode_clip(LiveDecoder(), path)[0].video
    colour = video.format.colour
    assert (colour.matrix, colour.full_range, colour.siting) == (6, True, Siting.TOP_LEFT)
    assert video.sample_aspect == Fraction(4, 3)


@pytest.mark.parametrize(("source", "decoded"), [("yuyv422", "yuv422p"), ("bgr24", "gbrp"), ("nv12", "nv12")])
def test_pixel_formats_of_webcams_are_converted_to_supported_ones(tmp_path: Path, source: str, decoded: str) -> None:
    path = clips.make(tmp_path / "a.nut", 3, codec="rawvideo", pixel=source, options={"threads": "1"}, audio=False)
    frames = decode_clip(LiveDecoder(), path)
    assert (frames[0].video.source_format, frames[0].frame.format.pixel.name) == (source, decoded)
    assert [plane.shape for plane in frames[0].frame.planes] == list(frames[0].frame.format.plane_shapes)


def test_a_stream_counts_as_interlaced_from_its_first_interlaced_frame_on(tmp_path: Path) -> None:
    progressive = clips.make(tmp_path / "progressive.ts", 6, options=LOW_DELAY, audio=False, time_base=TIME_BASE)
    fields = {**LOW_DELAY, "x264-params": "tff=1"}
    streams, packets = read_clip(progressive)
    for other in (
        clips.make(tmp_path / "fields.ts", 6, options=fields, audio=False, time_base=TIME_BASE),
        progressive,
    ):
        packets += [
            replace(each, pts=(each.pts or 0) + len(packets) * STEP, at=each.at + len(packets) / 25)
            for each in read_clip(other)[1]
        ]
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    frames = frames_of(feed_all(decoder, packets))
    assert [live.frame.interlaced for live in frames] == [False] * 6 + [True] * 6 + [False] * 6
    assert [live.video.scan.interlaced for live in frames] == [False] * 6 + [True] * 12


def test_packets_before_a_key_frame_are_dropped(tmp_path: Path) -> None:
    path = clips.make(
        tmp_path / "a.ts",
        12,
        options={**LOW_DELAY, "g": "6", "sc_threshold": "0"},
        audio=False,
        time_base=TIME_BASE,
    )
    streams, packets = read_clip(path)
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    frames = frames_of(feed_all(decoder, packets[2:]))
    assert shades(frames) == expected(*range(6, 12))
    assert decoder.skipped == {NO_KEY_FRAME: 4}


def test_a_stream_without_key_frame_flags_is_decoded_after_a_while(tmp_path: Path) -> None:
    streams, packets = read_clip(plain_clip(tmp_path, 4))
    unmarked = [replace(packet, is_keyframe=False) for packet in packets]
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    assert feed_all(decoder, unmarked) == []
    assert len(feed_all(decoder, [replace(packet, at=packet.at + 11) for packet in unmarked])) == 4


def test_invalid_packets_are_counted_and_the_next_ones_decoded(tmp_path: Path) -> None:
    streams, packets = read_clip(clips.make(tmp_path / "a.ts", 8, options={**LOW_DELAY, "g": "1"}, audio=False))
    packets[3] = replace(packets[3], data=INVALID)
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    frames = frames_of(feed_all(decoder, packets))
    assert shades(frames) == expected(0, 1, 2, 4, 5, 6, 7)
    assert decoder.skipped == {UNDECODABLE: 1}


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_damaged_frames_are_decoded_and_counted(tmp_path: Path, codec: str) -> None:
    options = {"mpeg4": {"q": "4"}, "libx265": {"tune": "zerolatency", "x265-params": "log-level=error"}}
    encoder_options = options.get(codec, LOW_DELAY)
    path = clips.make(
        tmp_path / "a.ts", 8, (320, 240), codec=codec, options=encoder_options, audio=False, time_base=TIME_BASE
    )
    streams, packets = read_clip(path)
    for number in (3, 4, 5):
        packets[number] = replace(packets[number], data=packets[number].data[: len(packets[number].data) // 2])
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    frames = feed_all(decoder, packets)
    assert len(frames) + decoder.skipped[UNDECODABLE] == 8
    assert decoder.damaged + decoder.skipped[UNDECODABLE] >= 3


def test_after_an_invalid_first_key_frame_the_next_one_is_waited_for(tmp_path: Path) -> None:
    options = {**LOW_DELAY, "g": "6", "sc_threshold": "0"}
    streams, packets = read_clip(plain_clip(tmp_path, 12, options))
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    frames = feed_all(decoder, [replace(packets[0], data=INVALID), *packets[1:]])
    assert shades(frames_of(frames)) == expected(*range(6, 12))
    assert decoder.skipped == {UNDECODABLE: 1, NO_KEY_FRAME: 5}


def test_the_time_without_a_frame_is_measured(tmp_path: Path) -> None:
    streams, packets = read_clip(plain_clip(tmp_path, 8))
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    feed_all(decoder, packets[:2])
    assert decoder.seconds_without_frame == 0
    feed_all(decoder, [replace(packet, data=INVALID) for packet in packets[2:]])
    assert decoder.seconds_without_frame == pytest.approx(6 / 25)


def test_the_clock_continues_in_the_second_connection(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.ts", 6, options=LOW_DELAY, time_base=TIME_BASE)
    decoder = LiveDecoder()
    first = decode_clip(decoder, path, began=50.0)
    second = decode_clip(decoder, path, began=60.0)
    assert second[0].frame.pts - first[0].frame.pts == pytest.approx(10 * 90_000, abs=STEP)
    assert shades(second) == expected(*range(6))
    times = [live.frame.pts for live in first + second]
    assert all(a < b for a, b in itertools.pairwise(times))


def test_audio_has_its_index_in_the_output_and_the_clock_of_its_video(clip: Path) -> None:
    streams, packets = read_clip(clip)
    decoder = LiveDecoder()
    decoder.open(ConnectionOpened(streams))
    items = feed_all(decoder, packets)
    audio = [each.packet for each in items if isinstance(each, AudioPacket)]
    assert {packet.stream for packet in audio} == {1}
    assert {(b.pts or 0) - (a.pts or 0) for a, b in itertools.pairwise(audio)} == {1024}
    assert decoder.skipped[AUDIO_ALONE] + len(audio) == sum(packet.stream == 1 for packet in packets)
    assert decoder.audio is not None
    with decoder.audio.open() as header:
        assert [stream.type for stream in header.streams] == ["audio"]


def test_a_source_with_audio_only_is_refused(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mkv", 6)
    with av.open(str(path)) as container:
        streams = StreamHeader.of(container.streams.audio)
    with pytest.raises(InputError, match="it has no video, only audio"):
        LiveDecoder().open(ConnectionOpened(streams))


def test_a_frame_stays_valid_after_its_connection(tmp_path: Path) -> None:
    decoder = LiveDecoder()
    *_, last = decode_clip(decoder, plain_clip(tmp_path, 4))
    assert shades([last]) == expected(3)
