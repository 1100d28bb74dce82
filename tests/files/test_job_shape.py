"""Pictures keep their shape through a whole job: turned and mirrored ones, oblong samples, black bars."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.media.reading.probe import probe
from pipeline.models import catalogue
from tests import clips, images, rotated
from tests.jobs import upscale

LOSSLESS = {"codec": "ffv1", "preset": None}


def drawn(path: Path, aspect: int | Fraction = 1) -> Path:
    """Three frames that no turn and no mirror makes the same."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 24, 16, "yuv444p"
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)
        for index in range(3):
            frame = av.VideoFrame(24, 16, "yuv444p")
            for plane in frame.planes:
                y, x = np.indices((plane.height, plane.line_size))
                plane.update((40 + 3 * x + 5 * y + 20 * index).astype(np.uint8).tobytes())
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("matrix", rotated.MATRICES)
@pytest.mark.parametrize("name", ["out.mkv", "out.mov"])
def test_players_show_the_same_whether_they_rotate_or_not(tmp_path: Path, matrix: rotated.Matrix, name: str) -> None:
    source = rotated.with_matrix(drawn(tmp_path / "upright.mp4"), tmp_path / "in.mp4", matrix)
    options = {"codec": "libx264", "options": {"qp": "0"}}
    result = upscale(source, tmp_path / name, **options).path
    wanted, made = rotated.displayed(source), rotated.displayed(result)
    assert len(made) == 3
    assert all(np.array_equal(a, b) for a, b in zip(made, wanted, strict=True))
    tag = probe(result).video.display_matrix
    by_tag = name == "out.mov" and matrix in (rotated.QUARTER, rotated.HALF, rotated.THREE_QUARTERS)
    assert tag == (matrix if by_tag else None)


def test_a_rotated_frame_has_its_sample_aspect_inverted(tmp_path: Path) -> None:
    source = rotated.with_matrix(
        drawn(tmp_path / "a.mp4", aspect=Fraction(64, 45)), tmp_path / "in.mp4", rotated.QUARTER
    )
    assert probe(source).video.sample_aspect == Fraction(64, 45)
    by_pixels, by_tag = (probe(upscale(source, tmp_path / name).path).video for name in ("out.mkv", "out.mp4"))
    assert (by_pixels.format.width, by_pixels.sample_aspect) == (16, Fraction(45, 64))
    assert (by_tag.format.width, by_tag.sample_aspect) == (24, Fraction(64, 45))


@pytest.mark.parametrize("pixel", ["yuv420p", "yuv422p", "yuv422p10le", "yuv420p10le"])
def test_a_rotated_frame_keeps_depth_chroma_and_tags(tmp_path: Path, pixel: str) -> None:
    source = clips.make(
        tmp_path / "a.mp4", frames=2, pixel=pixel, audio=False, options={"chroma_sample_location": "left"}
    )
    source = rotated.with_matrix(source, tmp_path / "in.mp4", rotated.QUARTER)
    result = upscale(source, tmp_path / "out.mkv")
    before, after = probe(source).video.format, probe(result.path).video.format
    assert (after.pixel, after.colour, after.width) == (before.pixel, before.colour, before.height)
    (note,) = [note for note in result.notes if "players of" in note]
    assert note.endswith("by 90 degrees: not all players of .mkv apply rotation tags")


def test_a_photo_is_upright_in_an_image_format_without_rotation_tag(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (3, 4, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    path = images.write(tmp_path / "photo.jpg", picture)
    lying = images.read(path)
    content = path.read_bytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"  # orientation 6: to the right
    path.write_bytes(content[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + content[2:])
    upright = images.read(upscale(path, tmp_path / "photo.png").path)
    assert np.abs(upright.astype(int) - np.rot90(lying, -1)).max() <= 3  # another JPEG decoder's rounding of colours


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("libx264", "a.mkv"),
        ("libx265", "a.mp4"),
        ("libsvtav1", "a.mp4"),
        ("libsvtav1", "a.mkv"),
        ("libsvtav1", "a.webm"),
        ("ffv1", "a.mkv"),
        ("prores_ks", "a.mkv"),
        ("ffv1", "a.mp4"),
        ("prores_ks", "a.mov"),
        ("libx264", "a.ts"),
    ],
)
def test_the_sample_aspect_ratio_is_kept(tmp_path: Path, codec: str, name: str) -> None:
    source = clips.make(tmp_path / "in.mkv", frames=4, sample_aspect=Fraction(64, 45), audio=False)
    result = upscale(source, tmp_path / name, codec=codec, preset=None)
    assert probe(result.path).video.sample_aspect == Fraction(64, 45)


def test_a_header_without_space_for_the_sample_aspect_is_reported_and_the_output_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.media.writing.sample_aspect.padding_options", lambda target, encoding: {})
    source = clips.make(tmp_path / "in.mkv", frames=4, sample_aspect=Fraction(64, 45), audio=False)
    result = upscale(source, tmp_path / "out.mkv", **LOSSLESS)
    assert probe(result.path).video.frames == 4
    assert any(line.startswith("sample aspect ratio 64/45 dropped") for line in result.findings)


def test_black_bars_stay_black(tmp_path: Path) -> None:
    size, bar = (64, 48), 12
    source = tmp_path / "in.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        frame = av.VideoFrame(*size, "yuv420p")
        for plane, black in zip(frame.planes, (16, 128, 128), strict=True):
            samples = np.random.default_rng(2).integers(60, 200, (plane.height, plane.line_size), np.uint8)
            edge = bar * plane.height // size[1]
            samples[:edge] = samples[-edge:] = black
            plane.update(samples.tobytes())
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    result = upscale(source, tmp_path / "out.mkv", model="clear-x2", **LOSSLESS).path
    reach = catalogue.find("clear-x2", np.float32).receptive_field_radius
    assert reach is not None
    assert reach < bar
    with av.open(str(result)) as container:
        (large,) = container.decode(video=0)
    for plane, black in zip(large.planes, (16, 128, 128), strict=True):
        rows = np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, -1)[:, : plane.width].astype(int)
        edge = 2 * (bar - reach) * plane.height // large.height
        assert np.abs(np.concatenate([rows[:edge], rows[-edge:]]) - black).max() <= 1
