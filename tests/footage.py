"""Decodes frames of real clips."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.frame import Frame, FrameFormat
from pipeline.media.decoding.decoder import Decoder
from pipeline.media.reading.file_source import FileSource


def frames_of(path: Path, format: FrameFormat, every: int = 1) -> Iterator[Frame]:
    """Yields each `every`th frame of a clip, in `format`."""
    count = 0
    with FileSource(path) as source:
        decoder = Decoder(source, format)
        for packet in source:
            for frame in decoder.feed(packet):
                if not isinstance(frame, Frame):
                    continue  # a packet of another stream
                if count % every == 0:
                    yield frame
                count += 1
