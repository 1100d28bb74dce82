"""FrameReader counts frames, checks that none is missing, and reports findings for users."""

from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.frame import Frame
from pipeline.media.decoding.frame_reader import FrameReader, PtsRecorder
from pipeline.media.decoding.trim import Excerpt
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.probe import probe
from tests import clips


def read(path: Path, excerpt: Excerpt | None = None, strict: bool = False) -> FrameReader:
    with FileSource(path, ReadOptions(strict=strict)) as source:
        reader = FrameReader(source, probe(path).video.format, excerpt, frozenset())
        for packet in source:
            list(reader.feed(packet))
        list(reader.finish())
        reader.check_missing_frames()
    return reader


def test_intact_clip_has_no_findings(clip: Path) -> None:
    reader = read(clip)
    assert (reader.decoded, reader.frames, list(reader.findings())) == (12, 12, [])
    assert reader.end == pytest.approx(12 / 25)


def test_excerpt_yields_fewer_frames_than_are_decoded(clip: Path) -> None:
    reader = read(clip, Excerpt(frames=5))
    assert reader.frames == 5 < reader.decoded


def test_missing_frames_are_a_finding_or_an_error_if_strict(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mp4", 48, audio=False, index_in_front=True)
    path.write_bytes(path.read_bytes()[:-300])
    reader = read(path)
    truncated, lost = reader.findings()
    assert "300 bytes are missing at its end" in truncated
    assert lost.startswith(f"{48 - reader.frames} frame")
    with pytest.raises(InputError, match="is cut off"):
        read(path, strict=True)


def test_repeated_timestamps_are_a_finding(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "clip.mkv", 10, options={"bf": "0"}, audio=False)
    path = clips.retimed(clip, tmp_path / "repeated.mkv", {5: 160})
    assert list(read(path).findings()) == [
        "timestamps that did not increase were moved to the nearest possible time (1)"
    ]


def test_frames_without_timestamps_are_a_finding(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "raw.h264", 12, audio=False)
    (finding,) = read(path).findings()
    assert finding == "12 frames without timestamps got theirs from the source's rate, 25 frames/s"


def test_recorder_returns_the_times_of_frames_in_seconds(frame: Frame) -> None:
    recorder = PtsRecorder[str]()
    assert [list(recorder.feed(item)) for item in (frame, "packet")] == [[frame], ["packet"]]
    assert recorder.seconds(Fraction(1, 25)).tolist() == [pytest.approx(7 / 25)]
