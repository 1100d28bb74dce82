"""Frames of real clips, as sessions take them."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.frame import Frame, FrameFormat
from pipeline.media.decoding.decoder import Decoder
from pipeline.media.reading.file_source import FileSource


def frames_of(path: Path, format: FrameFormat, every: int = 1) -> Iterator[Frame]:
    """Each `every`th frame of a clip, its samples taken to mean what `format` says."""
    count = 0
    with FileSource(path) as source:
        decoder = Decoder(source, format)
        for packet in source:
            for frame in decoder.feed(packet):
                if count % every == 0:
                    yield frame
                count += 1
