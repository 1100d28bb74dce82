"""PipeSink writes y4m with unchanged samples, reports what y4m can't carry, and ends with its reader."""

import os
import threading
from fractions import Fraction

import numpy as np
import pytest

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Siting
from pipeline.media.encoding.codecs import encoder_for
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.pipe import PIPE_NAME
from pipeline.media.writing.pipe_sink import PipeSink, y4m_format

LIMITED = Colour(1, False)


def write_frames(encoding: VideoEncoding, times: list[int], others: int = 0) -> tuple[bytes, list[str]]:
    """Returns the bytes that PipeSink writes of gray ramps at `times`, and its remarks."""
    format = encoding.format
    packed = np.arange(format.bytes, dtype=np.uint8)
    chunks: list[bytes] = []
    reading, writing = os.pipe()

    def read() -> None:
        while data := os.read(reading, 1 << 16):
            chunks.append(data)

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
    return b"".join(chunks), [*sink.dropped, *sink.remarks]


def encoding_of(
    pixel: str = "yuv420p", colour: Colour = LIMITED, sample_aspect: Fraction = Fraction(1)
) -> VideoEncoding:
    format = FrameFormat(16, 8, PIXEL_FORMATS[pixel], colour)
    return VideoEncoding(
        encoder_for(Role.RAW).name, format, Fraction(24000, 1001), Fraction(1, 1000), sample_aspect=sample_aspect
    )


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
    encoding = encoding_of(pixel)
    written, _ = write_frames(encoding, [0, 42])
    header, _, rest = written.partition(b"\n")
    assert f" {tag} " in header.decode()
    samples = np.arange(encoding.format.bytes, dtype=np.uint8).tobytes()
    assert rest == 2 * (b"FRAME\n" + samples)


def test_header_has_rate_range_aspect_and_siting() -> None:
    encoding = encoding_of(colour=Colour(1, True, siting=Siting.CENTRE), sample_aspect=Fraction(64, 45))
    written, _ = write_frames(encoding, [0])
    header = written.partition(b"\n")[0].decode()
    assert header.startswith("YUV4MPEG2 W16 H8 F24000:1001 Ip A64:45 C420jpeg ")
    assert header.endswith("XCOLORRANGE=FULL")


def test_losses_of_y4m_are_reported() -> None:
    _, remarks = write_frames(encoding_of(), [0, 42, 300], others=2)
    assert remarks == [
        "other streams dropped (2): y4m is video only",
        "the frames are not evenly spaced (they deviate by up to 0.22 s); y4m has a constant rate of 23.976 frames/s",
    ]
    assert write_frames(encoding_of(), [0, 42, 83, 125])[1] == []


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
    encoding = encoding_of()
    with PipeSink(encoding, fd=writing) as sink:
        frame = Frame(encoding.format, encoding.format.split(np.zeros(encoding.format.bytes, np.uint8)), 0, 1)
        (packet,) = sink.encoder(encoding.time_base).feed(frame)
        with pytest.raises(OutputError, match=r"^-: the program that reads the output has exited$"):
            list(sink.feed(packet))
    os.close(writing)


def test_an_aborted_pipe_does_not_wait_for_its_reader() -> None:
    reading, writing = os.pipe()
    encoding = encoding_of()
    format = encoding.format
    try:
        with PipeSink(encoding, fd=writing) as sink:
            encoder = sink.encoder(encoding.time_base)
            sink.abort()
            for pts in range(1000):  # more than the pipe and its buffer hold
                frame = Frame(format, format.split(np.zeros(format.bytes, np.uint8)), pts, 1)
                for packet in encoder.feed(frame):
                    list(sink.feed(packet))
            sink.commit(overwrite=False)
    finally:
        os.close(reading)
        os.close(writing)
