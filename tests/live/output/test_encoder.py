"""Frames to packets of a live stream: one for each, at once, and a key frame where one is wanted."""

import io
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.live.output.encoder import LiveEncoder
from pipeline.live.plan import plan_live
from pipeline.live.process.messages import SerializedPacket, StreamHeader
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.probe import probe
from tests import clips
from tests.clips import shade

FORMAT = FrameFormat(128, 96, PIXEL_FORMATS["yuv420p"], Colour(1, False, 1, 1))
TICKS = Fraction(1, 90_000)
STEP = 3600


@pytest.fixture
def media(tmp_path: Path) -> VideoEncoding:
    return encoding(tmp_path)


def encoding(folder: Path, codec: str = "libx264", **options: object) -> VideoEncoding:
    """How a stream of 128x96 is encoded."""
    clip = clips.make(folder / "source.mkv", 2, (128, 96), sound=False)
    settings = StreamSettings(source="rtsp://camera/1", model="identity", backend="onnx", codec=codec, **options)
    made = plan_live(probe(clip).video, settings).encoding
    return VideoEncoding(made.codec, FORMAT, Fraction(25), TICKS, options=made.options)


def frame(index: int, pts: int | None = None, release: object = None) -> Frame:
    planes = FORMAT.split(np.full(FORMAT.bytes, 128, np.uint8))
    planes[0][:] = shade(index)
    return Frame(FORMAT, planes, index * STEP if pts is None else pts, STEP, release=release or (lambda: None))


def encoded(encoder: LiveEncoder, frames: int, start: int = 0) -> list[SerializedPacket]:
    return [packet for index in range(start, start + frames) for packet in encoder.feed(frame(index))]


def keys(packets: list[SerializedPacket]) -> list[int]:
    """Which frames are key frames."""
    return [packet.pts // STEP for packet in packets if packet.is_keyframe and packet.pts is not None]


@pytest.fixture(params=["libx264", "libx265", "libsvtav1", "libvpx-vp9"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveEncoder]:
    opened = LiveEncoder(encoding(tmp_path, request.param), None, gop=0.4)
    yield opened
    opened.close()


def test_each_frame_leaves_as_a_packet_before_the_next_one_comes(encoder: LiveEncoder) -> None:
    for index in range(12):
        (packet,) = encoder.feed(frame(index))
        assert (packet.stream, packet.pts, packet.dts, packet.duration) == (0, index * STEP, index * STEP, STEP)
    assert list(encoder.finish()) == []


def test_key_frames_come_at_even_distances_and_where_one_is_asked_for(encoder: LiveEncoder) -> None:
    before = encoded(encoder, 22)
    encoder.demand_key()
    after = encoded(encoder, 14, start=22)
    assert keys(before) == [0, 10, 20]
    assert keys(after) == [30]


def test_a_key_frame_that_is_asked_for_comes_at_once_if_the_last_is_half_a_second_away(media: VideoEncoding) -> None:
    encoder = LiveEncoder(media, None, gop=10.0)
    encoded(encoder, 20)
    asking = threading.Thread(target=encoder.demand_key, name="uprez-test")
    asking.start()
    asking.join()
    assert keys(encoded(encoder, 5, start=20)) == [20]
    encoder.demand_key()
    assert keys(encoded(encoder, 30, start=25)) == [33]  # 13 frames, of 40 ms, after the last
    encoder.close()


def test_after_a_gap_the_picture_begins_with_a_key_frame(media: VideoEncoding) -> None:
    encoder = LiveEncoder(media, None, gop=1.0)
    encoded(encoder, 3)
    (packet,) = encoder.feed(frame(3, pts=100 * STEP))
    assert packet.is_keyframe
    encoder.close()


def test_what_was_encoded_can_be_written_and_read(media: VideoEncoding) -> None:
    encoder = LiveEncoder(media, None, gop=0.4)
    packets = encoded(encoder, 12)
    encoder.close()
    buffer = io.BytesIO()
    with encoder.streams.open() as head, av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream_from_template(head.streams.video[0], opaque=True)
        for packet in packets:
            packet = packet.to_av(TICKS)
            packet.stream = stream
            container.mux(packet)
    buffer.seek(0)
    with av.open(buffer) as container:
        shown = [int(picture.to_ndarray()[48, 64]) for picture in container.decode(video=0)]
    assert shown == pytest.approx([shade(index) for index in range(12)], abs=3)


def test_its_streams_are_the_picture_and_then_the_sound(clip: Path, media: VideoEncoding) -> None:
    with av.open(str(clip)) as container:
        sound = StreamHeader.of(container.streams.audio)
    encoder = LiveEncoder(media, sound, gop=1.0)
    encoder.close()
    with encoder.streams.open() as head:
        video, audio = head.streams
        assert (video.type, video.codec_context.name, video.time_base) == ("video", "h264", TICKS)
        assert (audio.type, audio.codec_context.name, audio.time_base) == ("audio", "aac", Fraction(1, 48_000))
    assert encoder.streams.rates == (25, None)


def test_every_frame_is_released_when_it_was_encoded(encoder: LiveEncoder) -> None:
    released: list[int] = []
    for index in range(12):
        list(encoder.feed(frame(index, release=lambda index=index: released.append(index))))
    list(encoder.finish())
    encoder.close()
    assert sorted(released) == list(range(12))


def test_an_encoder_that_is_closed_amid_its_work_does_not_hang(tmp_path: Path) -> None:
    held_back = encoding(tmp_path, options={"tune": "film"})
    encoder = LiveEncoder(held_back, None, gop=1.0)
    encoded(encoder, 5)
    encoder.close()
    encoder.close()


def test_options_that_an_encoder_refuses_are_named_in_a_line(media: VideoEncoding) -> None:
    media.options["preset"] = "nonsense"
    with pytest.raises(SettingsError, match=r"libx264 refuses .*preset=nonsense"):
        LiveEncoder(media, None, gop=1.0)
