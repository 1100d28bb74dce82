"""Streams that begin late get their parameters from a later part of the file."""

from pathlib import Path

import av
import pytest

from pipeline import upscale, verify
from pipeline.media.reading.input_container import open_input
from pipeline.media.reading.late_streams import LateStreams
from pipeline.media.reading.probe import probe
from tests.cases import streams
from tests.cases.film import Film
from tests.verification.plants import kinds


@pytest.fixture(scope="module")
def bonus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("late")
    streams.late_audio.make(folder)
    return folder / streams.late_audio.name


def test_a_late_stream_is_described_by_a_later_part(bonus: Path) -> None:
    with av.open(str(bonus)) as container:
        first, late = container.streams.audio
        assert (first.codec_context.sample_rate, late.codec_context.sample_rate) == (48_000, 0)
        with LateStreams(bonus, container) as found:
            assert found.describe(late).codec_context.sample_rate == 48_000
            assert found.describe(first) is first
    assert "48000 Hz" in probe(bonus).others[-1].details


def test_a_late_stream_is_copied_from_where_it_begins(bonus: Path, tmp_path: Path) -> None:
    output = upscale(bonus, tmp_path / "out.mkv", model="identity", preset="ultrafast").path
    assert kinds(verify(bonus, output, quick=True)) == []


def test_files_without_late_streams_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.ts"
    with Film(path, "mpegts") as out:
        out.video(range(5))
    with open_input(path) as container:
        monkeypatch.setattr("pipeline.media.reading.late_streams.open_input", None)
        with LateStreams(path, container) as found:
            assert found.describe(container.streams[0]) is container.streams[0]
