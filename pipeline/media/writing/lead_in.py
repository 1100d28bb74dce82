"""The lead-in of audio: samples at the beginning of a stream that decoders drop, stored by each container in its way.

The mp4 family hides them with an edit list, which FFmpeg's demuxer passes on with the first packet. Matroska has a
CodecDelay, which FFmpeg's muxer writes from the codec parameters; PyAV sets those by a stream read from Matroska alone.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from pipeline.errors import InputError
from pipeline.media.av_errors import translate_read_errors
from pipeline.media.reading.input_container import demux, open_input
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.preroll import Preroll
from pipeline.media.writing.ebml import Element, element, master, number, parse_elements, replace_child

_TRACKS, _ENTRY, _CODEC_DELAY = 0x1654AE6B, 0xAE, 0x56AA
_INFO, _CLUSTER, _TIMESTAMP = 0x1549A966, 0x1F43B675, 0xE7
_FORMAT = "matroska"
_SKIPPED_BYTES = 4  # of FFmpeg's AV_PKT_DATA_SKIP_SAMPLES: the samples to drop from the beginning, little-endian


def read_lead_in(path: Path, index: int) -> Fraction:
    """Return the seconds that decoders drop from the beginning of the audio stream `index` as it is copied.

    It is 0 if the file can't be read again, as a pipe.
    """
    try:
        return Fraction(0) if is_pipe(path) else _read_lead_in(path, index)
    except InputError:
        return Fraction(0)


def _read_lead_in(path: Path, index: int) -> Fraction:
    with (
        translate_read_errors(path),
        open_input(path) as container,
        demux(container, container.streams[index]) as packets,
    ):
        stream: Any = container.streams[index]
        preroll, first = Preroll(), None
        for packet in packets:
            if first is None:
                first, skipped = packet, _skipped_samples(packet)
            copied = next(preroll.feed(packet), None)
            if copied is not None and copied.pts is not None and first.pts is not None:
                dropped = (copied.pts - first.pts) * copied.time_base  # hidden packets that no decoder needs
                return max(Fraction(0), Fraction(skipped, stream.codec_context.sample_rate) - dropped)
    return Fraction(0)


def _skipped_samples(packet: Any) -> int:
    if not packet.has_sidedata("skip_samples"):
        return 0
    return int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[:_SKIPPED_BYTES], "little")


@contextlib.contextmanager
def with_codec_delay(stream: Any, seconds: Fraction) -> Iterator[Any]:
    """A `with` for a template of `stream` whose decoders drop `seconds` at the beginning.

    Raises PyAV's errors, or ValueError, if Matroska does not support the stream.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=_FORMAT) as container:
        container.add_stream_from_template(stream, opaque=True)
        container.start_encoding()
    with av.open(io.BytesIO(_delayed(buffer.getvalue(), round(seconds * 10**9))), format=_FORMAT) as container:
        yield container.streams[0]


def _delayed(header: bytes, nanoseconds: int) -> bytes:
    """Return a Matroska file without packets, whose only track has that CodecDelay."""
    head, segment = parse_elements(header)
    parts = {part.id: part for part in parse_elements(segment.content)}

    def delay(entry: Element) -> Element:
        others = [part for part in parse_elements(entry.content) if part.id != _CODEC_DELAY]
        return master(_ENTRY, [*others, element(_CODEC_DELAY, number(nanoseconds))])

    cluster = element(_CLUSTER, element(_TIMESTAMP, number(0)).coded)
    segment = master(segment.id, [parts[_INFO], replace_child(parts[_TRACKS], _ENTRY, delay), cluster])
    return head.coded + segment.coded
