"""The live encoder: each frame gives a packet at once, with key frames on request."""

import io
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
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
from tests.waiting import in_thread, joined

FORMAT = FrameFormat(128, 96, PIXEL_FORMATS["yuv420p"], Colour(1, False, 1, 1))
TICKS = Fraction(1, 90_000)
STEP = 3600


@pytest.fixture
def video_encoding(tmp_path: Path) -> VideoEncoding:
    return encoding(tmp_path)


def encoding(folder: Path, codec: str = "libx264", **options: object) -> VideoEncoding:
    """The encoding of a stream of 128x96."""
    clip = clips.make(folder / "source.mkv", 2, (128, 96), audio=False)
    settings = {"source": "rtsp://camera/1", "model": "identity", "backend": "onnx", "codec": codec, **options}
    planned = plan_live(probe(clip).video, StreamSettings.model_validate(settings)).encoding
    return VideoEncoding(planned.codec, FORMAT, Fraction(25), TICKS, options=planned.options)


def frame(index: int, pts: int | None = None, release: Callable[[], None] = lambda: None) -> Frame:
    planes = FORMAT.split(np.full(FORMAT.bytes, 128, np.uint8))
    planes[0][:] = shade(index)
    return Frame(FORMAT, planes, index * STEP if pts is None else pts, STEP, release=release)


def encode(encoder: LiveEncoder, frames: int, start: int = 0) -> list[SerializedPacket]:
    return [packet for index in range(start, start + frames) for packet in encoder.feed(frame(index))]


def keys(packets: list[SerializedPacket]) -> list[int]:
    """The indices of the key frames."""
    return [packet.pts // STEP for packet in packets if packet.is_keyframe and packet.pts is not None]


@pytest.fixture(params=["libx264", "libx265", "libsvtav1", "libvpx-vp9"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveEncoder]:
    opened = LiveEncoder(encoding(tmp_path, request.param), None, gop=0.4)
    yield opened
    opened.close()


def test_each_frame_gives_its_packet_before_the_next_frame(encoder: LiveEncoder) -> None:
    for index in range(12):
        (packet,) = encoder.feed(frame(index))
        assert (packet.stream, packet.pts, packet.dts, packet.duration) == (0, index * STEP, index * STEP, STEP)
    assert list(encoder.finish()) == []


def test_key_frames_have_a_fixed_distance(encoder: LiveEncoder) -> None:
    before = encode(encoder, 22)
    encoder.demand_key()
    after = encode(encoder, 14, start=22)
    assert keys(before) == [0, 10, 20]
    assert keys(after) == [30]


def test_a_requested_key_frame_is_at_least_half_a_second_after_the_last(video_encoding: VideoEncoding) -> None:
    encoder = LiveEncoder(video_encoding, None, gop=10.0)
    encode(encoder, 20)
    thread, _ = in_thread(encoder.demand_key)
    joined(thread)
    assert keys(encode(encoder, 5, start=20)) == [20]
    encoder.demand_key()
    assert keys(encode(encoder, 30, start=25)) == [33]  # 13 frames, of 40 ms, after the last
    encoder.close()


def test_the_first_frame_after_a_gap_is_a_key_frame(video_encoding: VideoEncoding) -> None:
    encoder = LiveEncoder(video_encoding, None, gop=1.0)
    encode(encoder, 3)
    (packet,) = encoder.feed(frame(3, pts=100 * STEP))
    assert packet.is_keyframe
    encoder.close()


def test_packets_can_be_muxed_and_decoded(video_encoding: VideoEncoding) -> None:
    encoder = LiveEncoder(video_encoding, None, gop=0.4)
    packets = encode(encoder, 12)
    encoder.close()
    buffer = io.BytesIO()
    with encoder.streams.open() as header, av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream_from_template(header.streams.video[0], opaque=True)
        for packet in packets:
            av_packet = packet.to_av(TICKS)
            av_packet.stream = stream
            container.mux(av_packet)
    buffer.seek(0)
    with av.open(buffer, "r") as written:
        shown = [int(decoded.to_ndarray()[48, 64]) for decoded in written.decode(video=0)]
    assert shown == pytest.approx([shade(index) for index in range(12)], abs=3)


def test_the_header_has_the_video_before_the_audio(clip: Path, video_encoding: VideoEncoding) -> None:
    with av.open(str(clip)) as container:
        audio_header = StreamHeader.of(container.streams.audio)
    encoder = LiveEncoder(video_encoding, audio_header, gop=1.0)
    encoder.close()
    with encoder.streams.open() as header:
        video, audio = header.streams
        assert (video.type, video.codec_context.name, video.time_base) == ("video", "h264", TICKS)
        assert (audio.type, audio.codec_context.name, audio.time_base) == ("audio", "aac", Fraction(1, 48_000))
    assert encoder.streams.rates == (Fraction(25), None)


def test_every_frame_is_released_after_encoding(encoder: LiveEncoder) -> None:
    released: list[int] = []
    for index in range(12):
        list(encoder.feed(frame(index, release=partial(released.append, index))))
    list(encoder.finish())
    encoder.close()
    assert sorted(released) == list(range(12))


def test_closing_an_encoder_with_frames_inside_does_not_hang(tmp_path: Path) -> None:
    delaying = encoding(tmp_path, options={"tune": "film"})
    encoder = LiveEncoder(delaying, None, gop=1.0)
    encode(encoder, 5)
    encoder.close()
    encoder.close()


def test_options_that_the_encoder_refuses_are_named(video_encoding: VideoEncoding) -> None:
    video_encoding.options["preset"] = "nonsense"
    with pytest.raises(SettingsError, match=r"libx264 refuses .*preset=nonsense"):
        LiveEncoder(video_encoding, None, gop=1.0)
