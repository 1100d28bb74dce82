"""Several encoders as one: the stream they make together."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.colour.psnr import psnr_of_error
from pipeline.media.encoding.dts import DecodingTimes
from pipeline.media.encoding.parallel_gop import looks_ahead
from pipeline.media.encoding.video_encoding import VideoEncoding
from tests import clips
from tests.jobs import upscale

CODECS = {"libx264": "ultrafast", "libx265": "ultrafast", "libsvtav1": "12"}


def video_packets(path: Path) -> list[av.Packet]:
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def moving(path: Path, frames: int, pts: list[int] | None = None) -> Path:
    """A clip that encoders have something to do with."""
    return clips.make(path, frames, (128, 96), pts=pts)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("frames", [1, 3, 24, 25, 60, 110])
def test_no_frame_is_lost_doubled_or_moved(tmp_path: Path, codec: str, frames: int) -> None:
    source = moving(tmp_path / "in.mp4", frames)
    upscale(source, tmp_path / "out.mp4", codec=codec, preset=CODECS[codec], encoders=3)
    assert clips.video_times(tmp_path / "out.mp4") == clips.video_times(source)
    for made, given_ in zip(clips.shades(tmp_path / "out.mp4"), clips.shades(source), strict=True):
        assert abs(made - given_) <= 2


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("preset", ["fast", None])
def test_decoding_times_advance_and_come_before_showing_at_a_variable_rate(
    tmp_path: Path, codec: str, preset: str | None
) -> None:
    pts = np.cumsum(np.random.default_rng(0).integers(100, 2000, 130)).tolist()
    source = moving(tmp_path / "in.mp4", len(pts), pts)
    chosen = preset if codec != "libsvtav1" and preset else CODECS[codec]
    upscale(source, tmp_path / "out.mp4", codec=codec, preset=chosen, encoders=4)
    packets = video_packets(tmp_path / "out.mp4")
    assert len(packets) == len(pts)
    assert all(a.dts < b.dts for a, b in pairwise(packets))
    assert all(packet.dts <= packet.pts for packet in packets)
    assert clips.video_times(tmp_path / "out.mp4") == clips.video_times(source)


@pytest.mark.parametrize("codec", CODECS)
def test_each_gop_begins_with_a_key_frame_that_can_be_sought(tmp_path: Path, codec: str) -> None:
    upscale(moving(tmp_path / "in.mp4", 120), tmp_path / "out.mkv", codec=codec, preset=CODECS[codec], encoders=2)
    keys = [packet.pts for packet in video_packets(tmp_path / "out.mkv") if packet.is_keyframe]
    assert len(keys) >= 3
    with av.open(str(tmp_path / "out.mkv")) as container:
        stream = container.streams.video[0]
        for key in keys:
            container.seek(key, stream=stream)
            assert next(container.decode(stream)).pts == key


def test_the_header_is_that_of_one_encoder(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4", 60)
    extradata = []
    for encoders in (1, 2):
        upscale(source, tmp_path / f"{encoders}.mp4", encoders=encoders, options={"g": "48"})
        with av.open(str(tmp_path / f"{encoders}.mp4")) as container:
            extradata.append(container.streams.video[0].codec_context.extradata)
    assert extradata[0] == extradata[1]


SLOWER = ("veryfast", "medium")


@pytest.mark.parametrize("preset", ["ultrafast", *(pytest.param(name, marks=pytest.mark.long) for name in SLOWER)])
def test_size_and_quality_are_those_of_one_encoder_with_the_same_gops(tmp_path: Path, media: Path, preset: str) -> None:
    source = media / "bigbuckbunny.mp4"
    sizes, wrong = [], []
    for encoders in (1, 3):
        made = tmp_path / f"{encoders}.mp4"
        upscale(source, made, preset=preset, crf=20, encoders=encoders, options={"g": "48"}, streams="video")
        sizes.append(made.stat().st_size)
        wrong.append(float(np.mean(errors(made, source))))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)
    assert psnr_of_error(wrong[0]) - psnr_of_error(wrong[1]) < 0.1


def film(path: Path, frames: int, cuts: set[int]) -> Path:
    """Texture that drifts, another one from each of `cuts` on."""
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(frames):
            if index == 0 or index in cuts:
                scene = np.kron(rng.integers(30, 220, (40, 60)), np.ones((8, 8))).astype(np.uint8)
            picture = np.full((144, 160), 128, np.uint8)
            picture[:96] = scene[index : index + 96, index : index + 160]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def errors(made: Path, source: Path) -> list[float]:
    with av.open(str(made)) as a, av.open(str(source)) as b:
        pairs = zip(a.decode(video=0), b.decode(video=0), strict=True)
        return [float(np.mean((x.to_ndarray() - y.to_ndarray().astype(float)) ** 2)) for x, y in pairs]


@pytest.mark.parametrize("preset", ["superfast", "veryfast", "medium"])
@pytest.mark.parametrize(
    "options",
    [{}, {"g": "24"}, {"g": "10"}, {"x264-params": "keyint=30"}, {"x264-params": "open-gop=1"}, {"bf": "0"}],
    ids=str,
)
def test_no_picture_suffers_from_cuts_or_options(tmp_path: Path, preset: str, options: dict[str, str]) -> None:
    source = film(tmp_path / "in.mp4", 150, {20, 21, 44, 46, 47, 70, 90, 94, 95, 96, 120, 142})
    upscale(source, tmp_path / "out.mp4", preset=preset, crf=20, encoders=3, options=options)
    assert psnr_of_error(max(errors(tmp_path / "out.mp4", source))) > 33


def test_sound_lies_beside_its_picture(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4", 120)
    upscale(source, tmp_path / "out.mp4", encoders=3)
    assert clips.packets(tmp_path / "out.mp4", "audio") == clips.packets(source, "audio")


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=60),
    st.integers(0, 4),
    st.integers(-(10**6), 10**6),
)
def test_decoding_times_advance_and_come_before_showing(steps: list[int], delay: int, start: int) -> None:
    shown = [start + int(step) for step in np.cumsum(steps)]
    times = DecodingTimes()
    for pts in shown:
        times.add_frame(pts)
    ahead = shown[min(delay, len(shown) - 1)] - shown[0]
    times.start(shown[0], shown[0] - ahead)
    decoded = [times.next() for _ in shown]
    assert all(a < b for a, b in pairwise(decoded))
    latest = shown[: len(shown) - delay] if delay else shown
    assert all(dts <= pts for dts, pts in zip(decoded[delay:], latest, strict=False))


def test_only_encoders_that_spend_by_what_follows_are_shown_more(frame: object) -> None:
    def looking(codec: str, **options: str) -> bool:
        format: object = getattr(frame, "format", None)
        encoding = VideoEncoding(codec, format, Fraction(25), Fraction(1, 25), options=options, gop=48)  # type: ignore[arg-type]
        return looks_ahead(encoding)

    assert looking("libx264", preset="medium")
    assert not looking("libx264", preset="ultrafast")
    assert not looking("libx264", preset="medium", tune="zerolatency")
    assert not looking("libx265", preset="medium")


def test_a_rate_that_must_be_kept_over_the_whole_wants_one_encoder(tmp_path: Path) -> None:
    result = upscale(moving(tmp_path / "in.mp4", 60), tmp_path / "out.mp4", encoders=4, options={"b": "200k"})
    assert any("only one encoder is used: b=200k" in note for note in result.notes)
