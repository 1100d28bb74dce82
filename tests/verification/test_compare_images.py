"""Outputs of images, animations or y4m: complete ones have no faults, and planted faults are found."""

import shutil
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline import verify
from tests import clips, images
from tests.jobs import upscale
from tests.verification import plants
from tests.verification.plants import FRAMES, STEP

SUFFIXES = [".png", ".jpg", ".tif", ".bmp", ".webp"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four frames, each unlike its neighbours."""
    return plants.write(tmp_path_factory.mktemp("source") / "source.mkv")


@pytest.fixture
def numbered(source: Path, tmp_path: Path) -> Path:
    """A picture of each frame."""
    return upscale(source, tmp_path / "out%03d.png").path


def y4m(source: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Writes the output of `uprez upscale SOURCE - > PATH`."""
    with path.open("w") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "__stdout__", file)
        upscale(source, Path("-"))
    return path


def assert_complete(source: Path, result: Path, frames: int) -> None:
    for quick in (False, True):
        verdict = verify(source, result, quick=quick)
        assert verdict.faults == ()
        assert (verdict.counts.source, verdict.counts.result) == (frames, frames)


class TestCompleteOutputs:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_a_sequence_of_a_video_is_complete(self, source: Path, tmp_path: Path, suffix: str) -> None:
        assert_complete(source, upscale(source, tmp_path / f"out%03d{suffix}").path, FRAMES)

    def test_a_sequence_of_a_video_with_uneven_times_is_complete(self, tmp_path: Path) -> None:
        uneven = plants.write(tmp_path / "in.mkv", times=[1000 + STEP * i + i * i for i in range(FRAMES)])
        assert_complete(uneven, upscale(uneven, tmp_path / "out%03d.png").path, FRAMES)

    @pytest.mark.parametrize("target", ["out%03d.png", "out.mkv", "out.apng"])
    def test_the_output_of_a_sequence_with_a_gap_is_complete(self, numbered: Path, tmp_path: Path, target: str) -> None:
        numbered.with_name("out009.png").unlink()
        (tmp_path / "result").mkdir()
        assert_complete(numbered, upscale(numbered, tmp_path / "result" / target).path, FRAMES - 1)

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_a_single_image_is_complete(self, tmp_path: Path, suffix: str) -> None:
        photo = images.write(tmp_path / "photo.png", images.samples(3))
        assert_complete(photo, upscale(photo, tmp_path / f"photo.x2{suffix}", model="clear-x2").path, 1)

    @pytest.mark.parametrize("suffix", [".gif", ".apng"])
    def test_an_animation_is_complete(self, source: Path, tmp_path: Path, suffix: str) -> None:
        assert_complete(source, upscale(source, tmp_path / f"out{suffix}").path, FRAMES)

    @pytest.mark.parametrize("matrix", [plants.BT601, plants.BT709])
    def test_y4m_is_compared_in_the_colour_of_its_source(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, matrix: int
    ) -> None:
        source = plants.write(tmp_path / "in.mkv", tagged=matrix, coded=matrix)
        assert_complete(source, y4m(source, tmp_path / "out.y4m", monkeypatch), FRAMES)

    @pytest.mark.parametrize("target", ["out%03d.webp", "out%03d.jpg", "out.gif"])
    def test_tags_and_audio_that_images_do_not_support_are_remarks(self, tmp_path: Path, target: str) -> None:
        film = clips.make(tmp_path / "in.mkv", sample_aspect=Fraction(4, 3), matrix=6)
        verdict = verify(film, upscale(film, tmp_path / target).path)
        assert verdict.faults == ()
        assert "images have no other streams: the source's are dropped (1)" in verdict.remarks
        assert "its transfer is iec61966-2-1 (sRGB), the source's smpte170m" in verdict.remarks


class TestFaults:
    def test_a_missing_image_is_found(self, source: Path, numbered: Path) -> None:
        numbered.with_name("out010.png").unlink()
        assert [f.message for f in verify(source, numbered).faults] == ["1 frame is missing, at 0.360 s (frame 9)"]
        (fault,) = verify(source, numbered, quick=True).faults
        assert (fault.kind, fault.message) == ("frame-lost", "23 of 24 frames are present")

    def test_a_repeated_image_is_found(self, source: Path, numbered: Path) -> None:
        shutil.copy(numbered.with_name("out024.png"), numbered.with_name("out025.png"))
        assert [(f.kind, f.count) for f in verify(source, numbered).faults] == [("frame-doubled", 1)]

    def test_swapped_images_are_found(self, source: Path, numbered: Path) -> None:
        first, second = (numbered.with_name(f"out0{number}.png") for number in (10, 11))
        content = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(content)
        assert [f.kind for f in verify(source, numbered).faults] == ["frame-moved"]

    @pytest.mark.parametrize("content", [b"", b"no picture"])
    def test_an_image_that_can_not_be_decoded_is_found(self, source: Path, numbered: Path, content: bytes) -> None:
        broken = numbered.with_name("out010.png")
        broken.write_bytes(content)
        lost, damaged = verify(source, numbered).faults
        assert (lost.kind, lost.at, damaged.kind) == ("frame-lost", 0.36, "result-damaged")
        assert damaged.message.startswith(f"{broken}: can't be decoded")

    def test_an_image_of_another_size_is_found(self, source: Path, numbered: Path) -> None:
        images.write(numbered.with_name("out010.png"), images.samples(3))
        lost, damaged = verify(source, numbered).faults
        assert (lost.at, "out010.png: is 32x24, other images 96x64" in damaged.message) == (0.36, True)

    def test_an_image_that_vanishes_is_reported(self, source: Path, numbered: Path) -> None:
        def vanish(done: int) -> None:
            numbered.with_name("out020.png").unlink(missing_ok=True)

        verdict = verify(source, numbered, progress=vanish)
        assert [(f.kind, f.count) for f in verdict.faults] == [("frame-lost", 5), ("result-damaged", 1)]

    def test_a_tint_is_found(self, source: Path, tmp_path: Path) -> None:
        tinted = plants.write(tmp_path / "in.mkv", picture=lambda index: 0.9 * plants.scene(index))
        (fault,) = verify(source, upscale(tinted, tmp_path / "out%03d.png").path).faults
        assert (fault.kind, "the colours are off" in fault.message) == ("colour", True)
