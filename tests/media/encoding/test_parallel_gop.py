"""Encoders in parallel make one stream, like that of a single encoder."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.colour.psnr import psnr_of_error
from pipeline.frame import FrameFormat
from pipeline.media.encoding.parallel_gop import looks_ahead, mirrored
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.source import Packet
from tests import clips
from tests.jobs import upscale

CODECS = {"libx264": "ultrafast", "libx265": "ultrafast", "libsvtav1": "12"}

CUTS = (0, 20, 21, 44, 46, 47, 70, 90, 94, 95, 96, 120, 142)


def video_packets(path: Path) -> list[Packet]:
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def moving(path: Path, frames: int, pts: list[int] | None = None) -> Path:
    """A clip with motion."""
    return clips.make(path, frames, (128, 96), pts=pts)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("frames", [1, 3, 24, 25, 60, 110])
def test_no_frame_is_lost_repeated_or_shifted(tmp_path: Path, codec: str, frames: int) -> None:
    source = moving(tmp_path / "in.mp4", frames)
    upscale(source, tmp_path / "out.mp4", codec=codec, preset=CODECS[codec], encoders=3)
    assert clips.video_times(tmp_path / "out.mp4") == clips.video_times(source)
    for actual, expected in zip(clips.shades(tmp_path / "out.mp4"), clips.shades(source), strict=True):
        assert abs(actual - expected) <= 2


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("preset", ["fast", None])
def test_dts_increase_and_precede_pts_at_a_variable_rate(tmp_path: Path, codec: str, preset: str | None) -> None:
    pts = np.cumsum(np.random.default_rng(0).integers(100, 2000, 130)).tolist()
    source = moving(tmp_path / "in.mp4", len(pts), pts)
    chosen = preset if codec != "libsvtav1" and preset else CODECS[codec]
    upscale(source, tmp_path / "out.mp4", codec=codec, preset=chosen, encoders=4)
    packets = video_packets(tmp_path / "out.mp4")
    assert len(packets) == len(pts)
    times = [(packet.dts, packet.pts) for packet in packets if packet.dts is not None and packet.pts is not None]
    assert len(times) == len(packets)
    assert all(a < b for (a, _), (b, _) in pairwise(times))
    assert all(dts <= pts for dts, pts in times)
    assert clips.video_times(tmp_path / "out.mp4") == clips.video_times(source)


@pytest.mark.parametrize("codec", CODECS)
def test_each_gop_begins_with_a_key_frame_to_seek_to(tmp_path: Path, codec: str) -> None:
    upscale(moving(tmp_path / "in.mp4", 120), tmp_path / "out.mkv", codec=codec, preset=CODECS[codec], encoders=2)
    keys = [packet.pts or 0 for packet in video_packets(tmp_path / "out.mkv") if packet.is_keyframe]
    assert len(keys) >= 3
    with av.open(str(tmp_path / "out.mkv")) as container:
        stream = container.streams.video[0]
        for key in keys:
            container.seek(key, stream=stream)
            assert next(container.decode(stream)).pts == key


def test_the_header_is_that_of_a_single_encoder(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4", 60)
    extradata = []
    for encoders in (1, 2):
        upscale(source, tmp_path / f"{encoders}.mp4", encoders=encoders, options={"g": "48"})
        with av.open(str(tmp_path / f"{encoders}.mp4")) as container:
            extradata.append(container.streams.video[0].codec_context.extradata)
    assert extradata[0] == extradata[1]


@pytest.mark.long  # 264 frames of 720p for each preset
@pytest.mark.parametrize("preset", ["ultrafast", "veryfast", "medium"])
def test_size_and_quality_of_a_real_clip_match_a_single_encoder(tmp_path: Path, media: Path, preset: str) -> None:
    check_size_and_quality(media / "bigbuckbunny.mp4", tmp_path, preset)


def test_size_and_quality_match_a_single_encoder_with_the_same_gops(tmp_path: Path, cut_film: Path) -> None:
    check_size_and_quality(cut_film, tmp_path, "ultrafast")


def check_size_and_quality(source: Path, tmp_path: Path, preset: str) -> None:
    """Checks that three encoders need no more bytes and lose no more than one."""
    sizes, squared_errors = [], []
    for encoders in (1, 3):
        output = tmp_path / f"{encoders}.mp4"
        upscale(source, output, preset=preset, crf=20, encoders=encoders, options={"g": "48"}, streams="video")
        sizes.append(output.stat().st_size)
        squared_errors.append(float(np.mean(errors(output, source))))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)
    assert psnr_of_error(squared_errors[0]) - psnr_of_error(squared_errors[1]) < 0.1


@pytest.fixture(scope="module")
def cut_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 150 frames of drifting texture, with another texture from each of the frames CUTS on."""
    path = tmp_path_factory.mktemp("film") / "in.mp4"
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(150):
            if index in CUTS:
                scene = np.kron(rng.integers(30, 220, (40, 60)), np.ones((8, 8))).astype(np.uint8)
            picture = np.full((144, 160), 128, np.uint8)
            picture[:96] = scene[index : index + 96, index : index + 160]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def errors(output: Path, source: Path) -> list[float]:
    """Mean squared error of each frame."""
    with av.open(str(output)) as a, av.open(str(source)) as b:
        pairs = zip(a.decode(video=0), b.decode(video=0), strict=True)
        return [float(np.mean((x.to_ndarray() - y.to_ndarray().astype(float)) ** 2)) for x, y in pairs]


@pytest.mark.parametrize("preset", ["superfast", "veryfast", "medium"])
@pytest.mark.parametrize(
    "options",
    [{}, {"g": "24"}, {"g": "10"}, {"x264-params": "keyint=30"}, {"x264-params": "open-gop=1"}, {"bf": "0"}],
    ids=str,
)
def test_frames_keep_their_quality_across_cuts_and_options(
    tmp_path: Path, cut_film: Path, preset: str, options: dict[str, str]
) -> None:
    upscale(cut_film, tmp_path / "out.mp4", preset=preset, crf=20, encoders=3, options=options)
    assert psnr_of_error(max(errors(tmp_path / "out.mp4", cut_film))) > 33


def test_audio_packets_are_those_of_the_source(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4", 120)
    upscale(source, tmp_path / "out.mp4", encoders=3)
    assert clips.packets(tmp_path / "out.mp4", "audio") == clips.packets(source, "audio")


def test_only_encoders_with_lookahead_get_frames_outside_the_gop(small_format: FrameFormat) -> None:
    def looking(codec: str, **options: str) -> bool:
        return looks_ahead(VideoEncoding(codec, small_format, Fraction(25), Fraction(1, 25), options=options, gop=48))

    assert looking("libx264", preset="medium")
    assert not looking("libx264", preset="ultrafast")
    assert not looking("libx264", preset="medium", tune="zerolatency")
    assert not looking("libx265", preset="medium")


def test_a_bit_rate_of_the_complete_stream_needs_a_single_encoder(tmp_path: Path) -> None:
    result = upscale(moving(tmp_path / "in.mp4", 60), tmp_path / "out.mp4", encoders=4, options={"b": "200k"})
    assert any("only one encoder is used: b=200k" in note for note in result.notes)


@pytest.mark.parametrize(("items", "expected"), [("abc", "abcbabcb"), ("ab", "abababab"), ("a", "aaaaaaaa")])
def test_mirrored_runs_forwards_and_backwards_in_turn(items: str, expected: str) -> None:
    assert "".join(mirrored(items, index) for index in range(8)) == expected
