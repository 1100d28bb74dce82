"""Video through pipes is probed and read in one pass, and written frame by frame."""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError, OutputError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Siting
from pipeline.media.encoding.codecs import encoder_for
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.input_container import INPUT_DEMUXERS, open_input
from pipeline.media.reading.pipe import PIPE_NAME, Pipe, standard_output
from pipeline.media.writing.pipe_sink import PipeSink, y4m_format
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


def _y4m(clip: Path) -> bytes:
    path = clip.with_suffix(".y4m")
    with av.open(str(clip)) as source, av.open(str(path), "w", format="yuv4mpegpipe") as sink:
        stream: Any = sink.add_stream(encoder_for(Role.RAW).name, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, frame in enumerate(source.decode(video=0)):
            frame.pts, frame.time_base = index, TICK
            sink.mux(stream.encode(frame))
    return path.read_bytes()


def _frames(encoding: VideoEncoding, times: list[int], others: int = 0) -> tuple[bytes, list[str]]:
    """What a PipeSink writes of gray ramps at `times`, and what it says."""
    format = encoding.format
    packed = np.arange(format.bytes, dtype=np.uint8)
    got: list[bytes] = []
    reading, writing = os.pipe()

    def read() -> None:
        while data := os.read(reading, 1 << 16):
            got.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with PipeSink(encoding, others, fd=writing) as sink:
            encoder = sink.encoder(encoding.time_base)
            for pts in times:
                for packet in encoder.feed(Frame(format, format.split(packed), pts, 1)):
                    list(sink.feed(packet))
            for packet in encoder.finish():
                list(sink.feed(packet))
            assert sink.commit(overwrite=False) == PIPE_NAME
    finally:
        os.close(writing)
        reader.join()
        os.close(reading)
    return b"".join(got), [*sink.dropped, *sink.remarks]


def _encoding(pixel: str = "yuv420p", colour: Colour = Colour(1, False), **more: object) -> VideoEncoding:  # noqa: B008
    format = FrameFormat(16, 8, PIXEL_FORMATS[pixel], colour)
    return VideoEncoding(encoder_for(Role.RAW).name, format, Fraction(24000, 1001), Fraction(1, 1000), **more)  # type: ignore[arg-type]


@given(st.binary(max_size=3000), st.lists(st.integers(1, 700), max_size=8))
def test_rewound_pipe_replays_what_was_read(content: bytes, sizes: list[int]) -> None:
    with piped(content) as pipe:
        seen = b"".join(pipe.read(size) for size in sizes)
        assert content.startswith(seen)
        pipe.rewind()
        assert b"".join(iter(lambda: pipe.read(512), b"")) == content
        assert pipe.bytes_read == len(content)


def test_pipe_can_be_rewound_only_once() -> None:
    with piped(b"abc") as pipe, pytest.raises(InputError, match="-: can be read only once"):
        pipe.rewind().rewind()


def test_stop_wakes_a_waiting_read() -> None:
    reading, writing = os.pipe()
    pipe = Pipe(reading)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read(10)))
    reader.start()
    pipe.stop()
    reader.join(timeout=10)
    os.close(reading)
    os.close(writing)
    assert got == [b""]


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".nut", ".y4m"])
def test_every_frame_is_read_after_probing(tmp_path: Path, suffix: str) -> None:
    clip = clips.make(tmp_path / f"a{suffix if suffix != '.y4m' else '.mkv'}")
    content = _y4m(clip) if suffix == ".y4m" else clip.read_bytes()
    with piped(content) as pipe:
        with open_input(PIPE_NAME, pipe=pipe) as container:
            next(container.decode(video=0))
        with FileSource(PIPE_NAME, ReadOptions(pipe=pipe)) as source:
            context = source.video.codec_context
            frames = [frame for packet in source for frame in context.decode(packet)] + context.decode(None)
            assert [clips.middle_luma(frame) for frame in frames] == clips.shades(clip)
            assert source.rewind() is None


def test_incomplete_frame_at_the_end_of_y4m_is_missing(clip: Path, tmp_path: Path) -> None:
    content = _y4m(clip)
    (tmp_path / "cut.y4m").write_bytes(content[:-100])
    with piped(content[:-100]) as pipe:
        for source in (FileSource(PIPE_NAME, ReadOptions(pipe=pipe)), FileSource(tmp_path / "cut.y4m")):
            with source:
                assert sum(1 for _ in source) == 11
                assert source.missing_frames(11, 11) == 1


@pytest.mark.parametrize("content", [b"", b"hello", b"#EXTM3U\nfile:///etc/passwd\n"])
def test_pipe_without_video_is_refused(content: bytes) -> None:
    with piped(content) as pipe, pytest.raises(InputError, match="-: is no video that can be read from a pipe"):
        open_input(PIPE_NAME, pipe=pipe)
    assert "hls" not in INPUT_DEMUXERS


@pytest.mark.parametrize(
    ("pixel", "tag"),
    [
        ("yuv420p", "C420mpeg2"),
        ("yuv422p", "C422"),
        ("yuv444p", "C444"),
        ("gray", "Cmono"),
        ("yuv420p10le", "C420p10"),
        ("yuv422p12le", "C422p12"),
        ("gray10le", "Cmono10"),
    ],
)
def test_samples_are_written_unchanged(pixel: str, tag: str) -> None:
    encoding = _encoding(pixel)
    written, _ = _frames(encoding, [0, 42])
    header, _, rest = written.partition(b"\n")
    assert f" {tag} " in header.decode()
    samples = np.arange(encoding.format.bytes, dtype=np.uint8).tobytes()
    assert rest == 2 * (b"FRAME\n" + samples)


def test_header_has_rate_range_aspect_and_siting() -> None:
    written, _ = _frames(_encoding(colour=Colour(1, True, siting=Siting.CENTRE), sample_aspect=Fraction(64, 45)), [0])
    header = written.partition(b"\n")[0].decode()
    assert header.startswith("YUV4MPEG2 W16 H8 F24000:1001 Ip A64:45 C420jpeg ")
    assert header.endswith("XCOLORRANGE=FULL")


def test_losses_of_y4m_are_reported() -> None:
    _, lines = _frames(_encoding(), [0, 42, 300], others=2)
    assert lines == [
        "other streams dropped (2): y4m is video only",
        "the frames are not evenly spaced (they deviate by up to 0.22 s); y4m has a constant rate of 23.976 frames/s",
    ]
    assert _frames(_encoding(), [0, 42, 83, 125])[1] == []


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("gbrp", "yuv444p"),
        ("gbrp16le", "yuv444p16le"),
        ("nv12", "yuv420p"),
        ("p010le", "yuv420p10le"),
        ("gray", "gray"),
    ],
)
def test_y4m_format_is_planar_yuv(source: str, kept: str) -> None:
    assert y4m_format(FrameFormat(8, 8, PIXEL_FORMATS[source], Colour(1, False))).pixel.name == kept


def test_disconnected_reader_ends_the_sink() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    encoding = _encoding()
    with PipeSink(encoding, fd=writing) as sink:
        frame = Frame(encoding.format, encoding.format.split(np.zeros(encoding.format.bytes, np.uint8)), 0, 1)
        (packet,) = sink.encoder(encoding.time_base).feed(frame)
        with pytest.raises(OutputError, match=r"^-: the program that reads the output has exited$"):
            list(sink.feed(packet))
    os.close(writing)


def test_standard_streams_without_a_pipe_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (None, io.StringIO()):
        monkeypatch.setattr("sys.stdin", stream)
        monkeypatch.setattr("sys.__stdout__", stream)
        with pytest.raises(InputError, match="-: standard input is not a pipe"):
            Pipe.standard_input()
        with pytest.raises(OutputError, match="-: standard output is not a pipe"):
            standard_output()
