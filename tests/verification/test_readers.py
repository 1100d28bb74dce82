"""Source and output are read once, in order, and closed in order."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

from pipeline.media.reading import input_container
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe
from pipeline.verification import readers
from pipeline.verification.readers import SourceRange, SourceVideoReader, output_reader
from tests.verification import plants
from tests.verification.plants import FRAMES, STEP


def test_source_and_output_have_equal_signatures(source: Path, tmp_path: Path) -> None:
    media, enlarged = probe(source), probe(plants.write(tmp_path / "out.mkv", scale=2))
    pairs = zip(SourceVideoReader(media, SourceRange()).frames(), output_reader(enlarged, media).frames(), strict=True)
    count = 0
    for original, copy in pairs:
        assert (copy.time, copy.duration) == pytest.approx((original.time, original.duration), abs=0.001)
        assert np.abs(original.signature - copy.signature).max() < 40
        count += 1
    assert count == FRAMES


def test_times_are_read_without_decoding(source: Path) -> None:
    media = probe(source)
    expected = [STEP * index / 1000 for index in range(FRAMES)]
    assert sorted(SourceVideoReader(media, SourceRange()).times()) == pytest.approx(expected)
    assert sorted(output_reader(media, media).times()) == pytest.approx(expected)


def test_an_excerpt_has_its_own_frames(source: Path) -> None:
    assert len(list(SourceVideoReader(probe(source), SourceRange(frames=5)).frames())) == 5


def test_packets_of_other_streams_are_recorded(rich: Path) -> None:
    reader = SourceVideoReader(probe(rich), SourceRange())
    list(reader.frames())
    assert sorted(reader.others) == [1, 2, 3]
    assert len(reader.others[3]) == 2


def test_an_output_that_is_closed_early_leaves_no_generator_or_busy_decoder(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media, ended = probe(source), list[str]()

    def flush(context: VideoCodecContext) -> None:
        ended.append("decoder")
        input_container.flush_decoder(context)

    monkeypatch.setattr(readers, "demux", recorded_demux(ended))
    monkeypatch.setattr(readers, "flush_decoder", flush)
    with closing(output_reader(media, media).frames()) as frames:
        next(frames)
        assert ended == []
    assert ended == ["decoder", "packets"]


def recorded_demux(ended: list[str]) -> Callable[..., AbstractContextManager[Any]]:
    """`demux` that appends "packets" to `ended` when its block is left."""

    @contextmanager
    def demux(container: InputContainer, *streams: Any) -> Iterator[Any]:
        with input_container.demux(container, *streams) as packets:
            try:
                yield packets
            finally:
                ended.append("packets")

    return demux


def test_a_reader_that_is_closed_early_closes_its_file(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    original = FileSource.__exit__

    def leave(self: FileSource, *error: object) -> None:
        closed.append(self.path)
        original(self, *error)  # type: ignore[arg-type]  # the error's three parts, passed along

    monkeypatch.setattr(FileSource, "__exit__", leave)
    frames: Iterator[object]
    with closing(SourceVideoReader(probe(source), SourceRange()).frames()) as frames:
        next(frames)
        assert closed == []
    assert closed == [source]
