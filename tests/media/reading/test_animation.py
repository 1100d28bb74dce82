"""GIF and APNG keep their play counts, times and samples through a job."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import pipeline
from pipeline.errors import OutputError
from pipeline.media.reading.animation import is_animated_png, read_play_count
from pipeline.media.writing.output_kind import check_output
from tests import clips, images, jobs

TIMES = [0, 10, 15, 40]  # in hundredths of a second


def write_animation(path: Path, **options: str) -> Path:
    """Write four frames of `images`, at TIMES. path: .gif or .apng."""
    kind = path.suffix[1:]
    with av.open(str(path), "w", container_options=options) as container:
        stream: Any = container.add_stream(kind, rate=100)
        stream.width, stream.height = 32, 24
        stream.pix_fmt = "rgb24" if kind == "apng" else "rgb8"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 100)
        for number, pts in enumerate(TIMES):
            frame = av.VideoFrame.from_ndarray(images.samples(number), format="rgb24")
            frame = frame.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = pts, stream.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decoded(path: Path) -> list[NDArray[Any]]:
    with av.open(str(path)) as container:
        return [frame.reformat(format="rgb24").to_ndarray() for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("a.gif", {"loop": "0"}, 0),
        ("a.gif", {"loop": "2"}, 3),
        ("a.gif", {"loop": "-1"}, 1),
        ("a.apng", {"plays": "0"}, 0),
        ("a.apng", {"plays": "3"}, 3),
    ],
)
def test_play_count_is_read_and_kept(tmp_path: Path, name: str, options: dict[str, str], count: int) -> None:
    source = write_animation(tmp_path / name, **options)
    assert read_play_count(source) == count
    for sink in (tmp_path / "b.gif", tmp_path / "b.apng"):
        assert read_play_count(jobs.upscale(source, sink, preset=None).path) == count
        sink.unlink()


def test_a_missing_file_has_no_play_count(tmp_path: Path) -> None:
    assert read_play_count(tmp_path / "missing.gif") is None


def test_apng_is_recognised_by_content(tmp_path: Path) -> None:
    still = images.write(tmp_path / "still.png", images.samples(1))
    assert not is_animated_png(still)
    animated = write_animation(tmp_path / "a.apng").rename(tmp_path / "a.png")
    assert is_animated_png(animated)
    result = jobs.upscale(animated, None, preset=None)
    assert (result.path.name, result.frames_out) == ("a.x1.apng", 4)


def test_apng_keeps_samples_and_times_exactly(tmp_path: Path) -> None:
    source = write_animation(tmp_path / "a.apng")
    result = jobs.upscale(source, tmp_path / "b.apng", preset=None)
    assert clips.video_times(result.path) == [Fraction(time, 100) for time in TIMES]
    assert np.array_equal(decoded(result.path), decoded(source))


def test_gif_keeps_times_and_frames_of_few_colours(tmp_path: Path) -> None:
    source = write_animation(tmp_path / "a.gif")
    result = jobs.upscale(source, None, preset=None)
    assert result.path.name == "a.x1.gif"
    assert clips.video_times(result.path) == [Fraction(time, 100) for time in TIMES]
    assert np.array_equal(decoded(result.path), decoded(source))
    assert "GIF supports 256 colours in a frame; .apng is lossless" in result.notes


def test_each_frame_of_a_gif_has_its_own_palette(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 32 * 24).reshape(24, 32).round().astype(np.uint8)
    black = np.zeros_like(ramp)
    for number, planes in enumerate(((ramp, black, black), (black, black, ramp)), 1):
        images.write(tmp_path / f"{number}.png", np.stack(planes, axis=2))
    result = jobs.upscale(tmp_path / "%d.png", tmp_path / "a.gif", preset=None)
    red, blue = (frame.astype(int) for frame in decoded(result.path))
    assert abs(red[..., 0] - ramp).max() < 16 > abs(blue[..., 2] - ramp).max()
    assert len(np.unique(np.stack([red, blue]).reshape(-1, 3), axis=0)) > 256


def test_gif_supports_no_more_than_100_frames_per_second(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"GIF supports 100 frames/s at most, not 240; \.apng supports more"):
        check_output(tmp_path / "a.gif", (), 10, Fraction(240), overwrite=False)


def test_dropped_audio_is_reported(clip: Path, tmp_path: Path) -> None:
    result = pipeline.upscale(clip, tmp_path / "a.gif", model="identity", backend="onnx")
    assert result.frames_out == 12
    assert any("audio" in line and "dropped" in line for line in result.findings)
