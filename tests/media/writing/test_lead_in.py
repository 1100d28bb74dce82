"""Audio that is copied from an edit list to Matroska decodes to the same samples at the same times."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline import upscale
from pipeline.media.writing.lead_in import read_lead_in, with_codec_delay
from tests import remux

CODECS = [("aac", 1024), ("libmp3lame", 1105), ("libopus", 312)]  # encoders, and the samples of their lead-in


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return remux.write_source(tmp_path / "in.mp4", remux.audio_track(remux.make_clicks(), request.param))


@pytest.mark.parametrize(("source", "samples"), CODECS, indirect=["source"])
def test_the_lead_in_is_that_of_the_encoder(source: Path, samples: int) -> None:
    assert read_lead_in(source, 1) == Fraction(samples, remux.RATE)


@pytest.mark.parametrize("source", [codec for codec, _ in CODECS], indirect=True)
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_copied_audio_decodes_to_the_same_samples(source: Path, tmp_path: Path, suffix: str) -> None:
    copy = remux.remux(source, tmp_path / f"out{suffix}").path
    assert np.array_equal(remux.samples(copy), remux.samples(source))
    assert remux.click_times(copy) == pytest.approx(remux.click_times(source), abs=0.001)  # a tick of Matroska
    assert [content for _, content in remux.contents(copy, 1)] == [content for _, content in remux.contents(source, 1)]


@pytest.mark.parametrize("source", ["aac"], indirect=True)
@pytest.mark.parametrize("start", [0, 1])
def test_an_excerpt_begins_after_the_lead_in(source: Path, tmp_path: Path, start: float) -> None:
    copy = upscale(source, tmp_path / "out.mkv", start=start, model="identity", backend="onnx", preset="ultrafast").path
    assert read_lead_in(copy, 1) == 0


def test_audio_without_a_lead_in_has_none(tmp_path: Path) -> None:
    source = remux.write_source(tmp_path / "in.mp4", remux.audio_track(remux.make_clicks(), "flac"))
    assert read_lead_in(source, 1) == 0


def test_a_file_that_can_not_be_read_again_has_none(tmp_path: Path) -> None:
    assert read_lead_in(Path("-"), 1) == read_lead_in(tmp_path / "missing.mp4", 1) == 0


def test_a_template_has_one_codec_delay_and_the_codec_of_the_stream(tmp_path: Path) -> None:
    source = remux.write_source(tmp_path / "in.mp4", remux.audio_track(remux.make_clicks(), "libopus"))
    with av.open(str(source)) as container, with_codec_delay(container.streams[1], Fraction(1, 100)) as template:
        assert template.codec_context.name == container.streams[1].codec_context.name
        assert template.codec_context.extradata == container.streams[1].codec_context.extradata
