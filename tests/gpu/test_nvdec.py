"""NVDEC: frames stay on the GPU, and equal those of software decoding."""

import logging
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.files.components import decoding_stage, open_source
from pipeline.files.plan import make_plan
from pipeline.frame import PIXEL_FORMATS
from pipeline.media.decoding import nvdec
from pipeline.media.reading.probe import probe
from pipeline.system.cuda import Gpu
from tests import clips
from tests.jobs import upscale
from tests.media.decoding.parallel_clips import make


def decode(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def run_job(source: Path, to: Path, **options: object) -> tuple[list[np.ndarray], list[str]]:
    result = upscale(source, to, backend="tensorrt", codec="ffv1", preset=None, overwrite=True, **options)
    return decode(to), [*result.notes, *result.findings]


@pytest.mark.parametrize(
    ("codec", "pixel"), [("libx264", "yuv420p"), ("libx265", "yuv420p"), ("libx265", "yuv420p10le")]
)
def test_nvdec_gives_the_samples_of_software_decoding(tmp_path: Path, codec: str, pixel: str) -> None:
    source = clips.make(tmp_path / "in.mp4", 40, (320, 180), codec=codec, pixel=pixel)
    soft, _ = run_job(source, tmp_path / "soft.mkv", decoder="software")
    hard, notes = run_job(source, tmp_path / "hard.mkv", decoder="nvdec")
    assert not any("NVDEC" in note for note in notes)
    assert len(soft) == len(hard) == 40
    assert all((a == b).all() for a, b in zip(soft, hard, strict=True))


@pytest.mark.parametrize(
    "kind",
    [
        "closed GOPs of H.264",
        "open GOPs of H.264",
        "open GOPs of H.264 in a transport stream",
        "open GOPs of H.265",
        "decodable leading frames of H.265",
    ],
)
def test_several_engines_give_the_samples_of_software_decoding(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = make(tmp_path, kind, frames=300, size=(320, 192))
    soft, _ = run_job(source, tmp_path / "soft.mkv", decoder="software", model="identity")
    caplog.set_level(logging.DEBUG, "pipeline.media.decoding.parallel_contexts")
    hard, notes = run_job(source, tmp_path / "hard.mkv", decoder="nvdec", decoders=4, model="identity")
    assert not any("decoder" in note for note in notes)
    assert "one decoder continues" not in caplog.text
    assert len(soft) == len(hard) == 300
    assert all((a == b).all() for a, b in zip(soft, hard, strict=True))
    assert clips.video_times(tmp_path / "soft.mkv") == clips.video_times(tmp_path / "hard.mkv")


def test_engines_are_counted() -> None:
    assert nvdec.engine_count(Gpu(0), "h264", PIXEL_FORMATS["yuv420p"]) >= 1


@pytest.mark.parametrize("decoders", [1, 4])
def test_more_frames_may_wait_than_nvdec_has_surfaces(tmp_path: Path, decoders: int) -> None:
    """FFmpeg copies them out of the surfaces. Parallel decoding depends on that."""
    source = make(tmp_path, "closed GOPs of H.264", frames=300, size=(320, 192))
    settings = Settings(decoder="nvdec", decoders=decoders, backend="tensorrt")
    plan = make_plan(probe(source), tmp_path / "out.mkv", settings)
    assert plan.decoder == "nvdec"
    with open_source(plan) as opened:
        stage = decoding_stage(plan, opened)
        frames = [frame for packet in opened for frame in stage.feed(packet)] + list(stage.finish())
        assert len({plane.address for frame in frames for plane in frame.device_planes[:1]}) == 300
        for frame in frames:
            frame.release()
        stage.close()


@pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "world.mp4"])
def test_natural_footage_is_the_same_as_with_software_decoding(tmp_path: Path, media: Path, name: str) -> None:
    soft, _ = run_job(media / name, tmp_path / "soft.mkv", decoder="software", streams="video")
    hard, _ = run_job(media / name, tmp_path / "hard.mkv", decoder="nvdec", streams="video")
    assert len(soft) == len(hard)
    assert all((a == b).all() for a, b in zip(soft, hard, strict=True))


@pytest.mark.parametrize(("codec", "pixel"), [("ffv1", "yuv420p"), ("libx264", "yuv444p")])
def test_formats_that_nvdec_can_not_decode_are_decoded_in_software_with_a_note(
    tmp_path: Path, codec: str, pixel: str
) -> None:
    source = clips.make(tmp_path / "in.mkv", 10, (64, 48), codec=codec, pixel=pixel, options={}, audio=False)
    frames, notes = run_job(source, tmp_path / "out.mkv", decoder="nvdec")
    assert len(frames) == 10
    assert len([note for note in notes if "decoded in software, not by NVDEC" in note]) == 1


def test_a_gpu_without_nvenc_is_reported(tmp_path: Path, clip: Path) -> None:
    result = upscale(clip, tmp_path / "out.mp4", backend="tensorrt", codec="auto")
    with av.open(str(tmp_path / "out.mp4")) as container:
        name = container.streams.video[0].codec_context.name
    notes = [note for note in result.notes if "NVENC" in note]
    assert (name == "h264" and len(notes) <= 1) or name == "hevc"


def test_two_sessions_on_one_gpu_give_the_same_frames_as_one(tmp_path: Path, clip: Path) -> None:
    alone, _ = run_job(clip, tmp_path / "alone.mkv", model="clear-x2", device="0")
    shared, _ = run_job(clip, tmp_path / "shared.mkv", model="clear-x2", device="0,0")
    assert all((a == b).all() for a, b in zip(alone, shared, strict=True))


def test_a_damaged_clip_gives_the_frames_of_software_decoding(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "in.mkv", 120, (320, 180), options={"crf": "10", "g": "12", "bf": "2"}, audio=False)
    with av.open(str(source)) as container:
        positions = [packet.pos for packet in container.demux(video=0) if packet.size and packet.pos is not None]
    content = bytearray(source.read_bytes())
    for number in (30, 64, 65, 100):
        content[positions[number] + 40 : positions[number] + 60] = bytes(range(20))
    source.write_bytes(content)
    soft = upscale(source, tmp_path / "soft.mkv", backend="tensorrt", decoder="software")
    hard = upscale(source, tmp_path / "hard.mkv", backend="tensorrt", decoder="nvdec")
    assert 90 < soft.frames_out == hard.frames_out < 120
    assert not soft.source_intact
    assert not hard.source_intact
    assert clips.video_times(tmp_path / "soft.mkv") == clips.video_times(tmp_path / "hard.mkv")


def test_a_change_of_size_within_the_stream_is_handled(tmp_path: Path) -> None:
    parts = [
        clips.make(tmp_path / f"{index}.h264", 20, size, audio=False)
        for index, size in enumerate([(320, 180), (640, 360)])
    ]
    source = tmp_path / "in.h264"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    result = upscale(source, tmp_path / "out.mkv", backend="tensorrt", decoder="nvdec")
    assert result.frames_out == 40
    assert any("to 640x360" in line and "at frame 20" in line for line in result.findings)
    assert clips.shades(tmp_path / "out.mkv") == pytest.approx([clips.shade(i % 20) for i in range(40)], abs=3)


def test_a_truncated_clip_keeps_every_frame_that_it_contains(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "in.mp4", 100, (320, 180), audio=False, index_in_front=True)
    source.write_bytes(source.read_bytes()[:-1500])
    soft = upscale(source, tmp_path / "soft.mkv", backend="tensorrt", decoder="software")
    hard = upscale(source, tmp_path / "hard.mkv", backend="tensorrt", decoder="nvdec")
    assert (hard.frames_out, hard.frames_lost) == (soft.frames_out, soft.frames_lost)
    assert soft.frames_lost
