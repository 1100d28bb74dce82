"""Jobs whose output has a size of its own: written, read back and compared with their source."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipeline import verify
from pipeline.media.reading.probe import probe
from tests import alpha_clips, clips, rotated
from tests.jobs import upscale
from tests.verification import plants


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return plants.write(tmp_path / "source.mkv", range(6))


@pytest.mark.parametrize(
    "options",
    [{"scale": 1.5}, {"scale": 3}, {"scale": 0.75}, {"height": 200}, {"fit": "300x200"}, {"size": "200x200"}],
    ids=str,
)
def test_an_output_of_any_size_is_complete(source: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    result = upscale(source, tmp_path / "out.mkv", **options)
    verdict = verify(source, result.path)
    assert verdict.faults == ()
    assert verdict.complete


@pytest.mark.parametrize("options", [{"height": 192}, {"size": "200x180"}, {"scale": 1.5}], ids=str)
def test_players_show_an_anamorphic_video_in_its_shape(tmp_path: Path, options: dict[str, Any]) -> None:
    source = clips.make(tmp_path / "in.mkv", size=(90, 72), frames=4, sample_aspect=Fraction(64, 45))
    written = upscale(source, tmp_path / "out.mp4", **options).path
    video = probe(written).video
    shape = video.sample_aspect * video.format.width / video.format.height
    assert abs(float(shape) - 16 / 9) < 0.02
    assert verify(source, written).faults == ()


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4"])
def test_a_rotated_video_has_the_height_that_players_show(tmp_path: Path, name: str) -> None:
    source = rotated.with_matrix(plants.write(tmp_path / "upright.mp4", range(6)), tmp_path / "in.mp4", rotated.QUARTER)
    written = upscale(source, tmp_path / name, height=240).path
    verdict = verify(source, written)
    assert verdict.faults == ()
    video = probe(written).video
    assert (video.format.width if video.display_matrix else video.format.height) == 240


def test_transparency_is_resampled_with_the_frame(tmp_path: Path) -> None:
    source = alpha_clips.make(tmp_path / "in.mkv", "ffv1", "yuva420p")
    written = upscale(source, tmp_path / "out.mkv", scale=1.5, codec="ffv1", preset=None).path
    assert probe(written).video.alpha
    assert verify(source, written).faults == ()


def test_a_distorted_output_is_found(tmp_path: Path) -> None:
    wide = clips.make(tmp_path / "wide.mkv", size=(160, 48), frames=4)
    narrow = clips.make(tmp_path / "narrow.mkv", size=(96, 96), frames=4)
    (fault,) = [fault for fault in verify(wide, narrow).faults if fault.kind == "aspect"]
    assert fault.message == "its sample aspect ratio is 1, not 10/3"
