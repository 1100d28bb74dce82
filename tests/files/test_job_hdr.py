"""Complete jobs on HDR: metadata is kept in stream and container, or a finding states what is not."""

import io
from pathlib import Path

import av
import pytest
from av.bitstream import BitStreamFilterContext

from pipeline.errors import InputError
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe
from pipeline.media.writing.video_metadata import VideoMetadata, matroska_header
from pipeline.verification.compare import verify
from tests import hdr_clips
from tests.jobs import upscale

PRESETS = {"libx264": "ultrafast", "libx265": "ultrafast", "libsvtav1": "10"}


@pytest.fixture(scope="module")
def hdr10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hdr_clips.graded(tmp_path_factory.mktemp("hdr") / "hdr10.mp4")


@pytest.fixture(scope="module")
def hlg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hdr_clips.graded(tmp_path_factory.mktemp("hlg") / "hlg.mp4", hdr_clips.HLG, say="")


def _tags(video: VideoInfo) -> tuple[int, int, int, bool]:
    colour = video.format.colour
    return colour.primaries, colour.transfer, colour.matrix, colour.full_range


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        *(("libx264", name) for name in ("out.mkv", "out.mp4", "out.ts")),
        *(("libx265", name) for name in ("out.mkv", "out.mp4", "out.ts", "out.mov")),
        *(("libsvtav1", name) for name in ("out.mkv", "out.mp4", "out.webm")),
        *(("ffv1", name) for name in ("out.mkv", "out.mp4")),
        *(("prores_ks", name) for name in ("out.mkv", "out.mov")),
    ],
)
def test_hdr10_stays_hdr10(hdr10: Path, tmp_path: Path, codec: str, name: str) -> None:
    result = upscale(hdr10, tmp_path / name, codec=codec, preset=PRESETS.get(codec))
    assert _tags(probe(result.path).video) == (9, hdr_clips.PQ, 9, False)
    assert verify(hdr10, result.path).faults == ()


@pytest.mark.parametrize(
    ("codec", "name"),
    [("libx265", "out.mkv"), ("libx265", "out.mp4"), ("libx265", "out.ts"), ("libx264", "out.ts"), ("ffv1", "out.mkv")],
)
def test_hlg_stays_hlg(hlg: Path, tmp_path: Path, codec: str, name: str) -> None:
    result = upscale(hlg, tmp_path / name, codec=codec, preset=PRESETS.get(codec))
    assert _tags(probe(result.path).video) == (9, hdr_clips.HLG, 9, False)
    assert verify(hlg, result.path).faults == ()


def test_parallel_encoders_write_hdr_metadata_too(hdr10: Path, tmp_path: Path) -> None:
    result = upscale(hdr10, tmp_path / "out.ts", codec="libx265", encoders=2)
    assert probe(result.path).video.hdr == hdr_clips.GRADED


def test_dropped_dolby_vision_metadata_is_reported(hdr10: Path, tmp_path: Path) -> None:
    source = hdr_clips.dolby_vision(hdr10, tmp_path / "dolby.mp4", profile=8, compatible=1)
    result = upscale(source, tmp_path / "out.mkv")
    told = "its Dolby Vision (profile 8) metadata can't be carried over: the output is plain HDR10"
    assert told in result.notes
    assert probe(result.path).video.dynamic_hdr == ()
    assert verify(source, result.path).faults == ()


def test_all_dropped_dynamic_metadata_is_reported_in_one_line(tmp_path: Path) -> None:
    plus = hdr_clips.hdr10_plus(tmp_path / "plus.mp4")
    source = hdr_clips.dolby_vision(plus, tmp_path / "both.mp4", profile=8, compatible=1)
    told = "its Dolby Vision (profile 8) and HDR10+ metadata can't be carried over: the output is plain HDR10"
    assert told in upscale(source, tmp_path / "out.mkv").notes


def test_dolby_vision_in_its_own_colours_is_refused(hdr10: Path, tmp_path: Path) -> None:
    source = hdr_clips.dolby_vision(hdr10, tmp_path / "dolby.mp4", profile=5, compatible=0)
    with pytest.raises(InputError, match="Dolby Vision profile 5"):
        upscale(source, tmp_path / "out.mkv")
    assert not (tmp_path / "out.mkv").exists()


def test_a_container_without_hdr_metadata_is_reported(hdr10: Path, tmp_path: Path) -> None:
    result = upscale(hdr10, tmp_path / "out.nut", codec="ffv1", preset=None)
    told = "HDR mastering and light level data dropped: ffv1 in nut does not support it; libx265 does"
    assert told in result.findings


@pytest.mark.parametrize(("name", "kind"), [("out.mp4", "mp4"), ("out.ts", "mpegts")])
def test_a_container_with_part_of_the_hdr_metadata_is_reported(tmp_path: Path, name: str, kind: str) -> None:
    half = matroska_header("V_FFV1", VideoMetadata(Hdr(luminance=hdr_clips.GRADED.luminance)))
    with av.open(str(tmp_path / "half.mkv"), "w") as container, av.open(io.BytesIO(half), format="matroska") as told:
        video = container.add_stream("ffv1", rate=25)
        BitStreamFilterContext("null", in_stream=told.streams.video[0], out_stream=video)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p10le"
        container.mux(video.encode(av.VideoFrame(64, 64, "yuv420p10le")))
        container.mux(video.encode(None))
    line = f"HDR mastering data dropped: {kind} does not support it without primaries; .mkv does"
    codec = {"codec": "libx265", "preset": "ultrafast"}
    assert line in upscale(tmp_path / "half.mkv", tmp_path / name, **codec).findings
    assert upscale(tmp_path / "half.mkv", tmp_path / "out.mkv", **codec).findings == ()


def test_images_are_reported_to_have_no_hdr_metadata(hdr10: Path, tmp_path: Path) -> None:
    result = upscale(hdr10, tmp_path / "out%02d.png")
    assert "HDR metadata dropped: png does not support mastering display and light levels" in result.notes
