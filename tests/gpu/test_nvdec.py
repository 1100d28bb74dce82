"""NVDEC: frames that stay on the GPU, the same as those that software decodes."""

from pathlib import Path

import av
import numpy as np
import pytest

from tests import clips
from tests.jobs import upscale


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def made(source: Path, to: Path, **options: object) -> tuple[list[np.ndarray], list[str]]:
    result = upscale(source, to, backend="tensorrt", codec="ffv1", preset=None, overwrite=True, **options)
    return pictures(to), [*result.notes, *result.findings]


@pytest.mark.parametrize(
    ("codec", "pixel"), [("libx264", "yuv420p"), ("libx265", "yuv420p"), ("libx265", "yuv420p10le")]
)
def test_the_pixels_are_those_of_software_decoding(tmp_path: Path, codec: str, pixel: str) -> None:
    source = clips.make(tmp_path / "in.mp4", 40, (320, 180), codec=codec, pixel=pixel)
    soft, _ = made(source, tmp_path / "soft.mkv", decoder="software")
    hard, notes = made(source, tmp_path / "hard.mkv", decoder="nvdec")
    assert not any("NVDEC" in note for note in notes)
    assert len(soft) == len(hard) == 40
    assert all((a == b).all() for a, b in zip(soft, hard, strict=True))


@pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "world.mp4"])
def test_natural_footage_comes_out_the_same(tmp_path: Path, media: Path, name: str) -> None:
    soft, _ = made(media / name, tmp_path / "soft.mkv", decoder="software", streams="video")
    hard, _ = made(media / name, tmp_path / "hard.mkv", decoder="nvdec", streams="video")
    assert len(soft) == len(hard)
    assert all((a == b).all() for a, b in zip(soft, hard, strict=True))


@pytest.mark.parametrize(("codec", "pixel"), [("ffv1", "yuv420p"), ("libx264", "yuv444p")])
def test_what_it_can_not_decode_is_decoded_in_software_with_one_line_said(
    tmp_path: Path, codec: str, pixel: str
) -> None:
    source = clips.make(tmp_path / "in.mkv", 10, (64, 48), codec=codec, pixel=pixel, options={}, sound=False)
    frames, notes = made(source, tmp_path / "out.mkv", decoder="nvdec")
    assert len(frames) == 10
    assert len([note for note in notes if "decoded in software, not by NVDEC" in note]) == 1


def test_a_gpu_without_nvenc_is_found_and_said(tmp_path: Path, clip: Path) -> None:
    result = upscale(clip, tmp_path / "out.mp4", backend="tensorrt", codec="auto")
    with av.open(str(tmp_path / "out.mp4")) as container:
        name = container.streams.video[0].codec_context.name
    said = [note for note in result.notes if "NVENC" in note]
    assert (name == "h264" and len(said) <= 1) or name == "hevc"


def test_two_sessions_on_one_gpu_share_the_frames(tmp_path: Path, clip: Path) -> None:
    alone, _ = made(clip, tmp_path / "alone.mkv", model="clear-x2", device="0")
    shared, _ = made(clip, tmp_path / "shared.mkv", model="clear-x2", device="0,0")
    assert all((a == b).all() for a, b in zip(alone, shared, strict=True))


def test_a_damaged_clip_gives_the_frames_that_software_decoding_gives(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "in.mkv", 120, (320, 180), options={"crf": "10", "g": "12", "bf": "2"}, sound=False)
    with av.open(str(source)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    content = bytearray(source.read_bytes())
    for number in (30, 64, 65, 100):
        content[places[number] + 40 : places[number] + 60] = bytes(range(20))
    source.write_bytes(content)
    soft = upscale(source, tmp_path / "soft.mkv", backend="tensorrt", decoder="software")
    hard = upscale(source, tmp_path / "hard.mkv", backend="tensorrt", decoder="nvdec")
    assert 90 < soft.frames_out == hard.frames_out < 120
    assert not soft.source_intact
    assert not hard.source_intact
    assert clips.video_times(tmp_path / "soft.mkv") == clips.video_times(tmp_path / "hard.mkv")


def test_a_size_that_changes_in_mid_stream_is_followed(tmp_path: Path) -> None:
    parts = [
        clips.make(tmp_path / f"{index}.h264", 20, size, sound=False)
        for index, size in enumerate([(320, 180), (640, 360)])
    ]
    source = tmp_path / "in.h264"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    result = upscale(source, tmp_path / "out.mkv", backend="tensorrt", decoder="nvdec")
    assert result.frames_out == 40
    assert any("becomes 640x360" in line and "at frame 20" in line for line in result.findings)
    assert clips.shades(tmp_path / "out.mkv") == pytest.approx([clips.shade(i % 20) for i in range(40)], abs=3)


def test_a_cut_off_clip_loses_no_frame_that_is_there(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "in.mp4", 100, (320, 180), sound=False, index_in_front=True)
    source.write_bytes(source.read_bytes()[:-1500])
    soft = upscale(source, tmp_path / "soft.mkv", backend="tensorrt", decoder="software")
    hard = upscale(source, tmp_path / "hard.mkv", backend="tensorrt", decoder="nvdec")
    assert (hard.frames_out, hard.lost) == (soft.frames_out, soft.lost)
    assert soft.lost
