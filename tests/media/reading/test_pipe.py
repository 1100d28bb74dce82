"""Video from a pipe is probed and then read from its beginning, and standard streams have to be pipes."""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError, OutputError
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.input_container import INPUT_DEMUXERS, open_input
from pipeline.media.reading.pipe import PIPE_NAME, Pipe, standard_output
from tests import clips

TICK = Fraction(1, 25)


@contextmanager
def piped(content: bytes) -> Iterator[Pipe]:
    """A pipe into which a thread writes `content`."""
    reading, writing = os.pipe()

    def write() -> None:
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[os.write(writing, rest) :]
        except BrokenPipeError:
            pass
        finally:
            os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield Pipe(reading)
    finally:
        os.close(reading)
        writer.join()


def y4m_of(clip: Path) -> bytes:
    """The frames of `clip` as y4m."""
    path = clip.with_suffix(".y4m")
    with av.open(str(clip)) as source, av.open(str(path), "w", format="yuv4mpegpipe") as sink:
        stream: Any = sink.add_stream("wrapped_avframe", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, frame in enumerate(source.decode(video=0)):
            frame.pts, frame.time_base = index, TICK
            sink.mux(stream.encode(frame))
    return path.read_bytes()


@given(st.binary(max_size=3000), st.lists(st.integers(1, 700), max_size=8))
def test_rewound_pipe_replays_what_was_read(content: bytes, sizes: list[int]) -> None:
    with piped(content) as pipe:
        data = b"".join(pipe.read(size) for size in sizes)
        assert content.startswith(data)
        pipe.rewind()
        assert b"".join(iter(lambda: pipe.read(512), b"")) == content
        assert pipe.bytes_read == len(content)


def test_pipe_can_be_rewound_only_once() -> None:
    with piped(b"abc") as pipe, pytest.raises(InputError, match="-: a pipe can be read only once"):
        pipe.rewind().rewind()


def test_stop_wakes_a_waiting_read() -> None:
    reading, writing = os.pipe()
    pipe = Pipe(reading)
    results: list[bytes] = []
    reader = threading.Thread(target=lambda: results.append(pipe.read(10)))
    reader.start()
    pipe.stop()
    reader.join(timeout=10)
    os.close(reading)
    os.close(writing)
    assert results == [b""]


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".nut", ".y4m"])
def test_every_frame_is_read_after_probing(tmp_path: Path, suffix: str) -> None:
    clip = clips.make(tmp_path / f"a{suffix if suffix != '.y4m' else '.mkv'}")
    content = y4m_of(clip) if suffix == ".y4m" else clip.read_bytes()
    with piped(content) as pipe:
        with open_input(PIPE_NAME, pipe=pipe) as container:
            next(container.decode(video=0))
        with FileSource(PIPE_NAME, ReadOptions(pipe=pipe)) as source:
            context = source.video.codec_context
            frames = [frame for packet in source for frame in context.decode(packet)] + context.decode(None)
            assert [clips.middle_luma(frame) for frame in frames] == clips.shades(clip)
            assert source.rewind() is None


def test_incomplete_frame_at_the_end_of_y4m_is_missing(clip: Path, tmp_path: Path) -> None:
    content = y4m_of(clip)
    (tmp_path / "cut.y4m").write_bytes(content[:-100])
    with piped(content[:-100]) as pipe:
        for source in (FileSource(PIPE_NAME, ReadOptions(pipe=pipe)), FileSource(tmp_path / "cut.y4m")):
            with source:
                assert sum(1 for _ in source) == 11
                assert source.missing_frames(11, 11) == 1


@pytest.mark.parametrize("content", [b"", b"hello", b"#EXTM3U\nfile:///etc/passwd\n"])
def test_pipe_without_video_is_refused(content: bytes) -> None:
    with piped(content) as pipe, pytest.raises(InputError, match="-: is not a video that can be read from a pipe"):
        open_input(PIPE_NAME, pipe=pipe)
    assert "hls" not in INPUT_DEMUXERS


def test_standard_streams_without_a_pipe_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (None, io.StringIO()):
        monkeypatch.setattr("sys.stdin", stream)
        monkeypatch.setattr("sys.__stdout__", stream)
        with pytest.raises(InputError, match="-: standard input is not a pipe"):
            Pipe.standard_input()
        with pytest.raises(OutputError, match="-: standard output is not a pipe"):
            standard_output()
