"""HDR metadata in the output's container: the boxes mdcv and clli of mp4, and Matroska's MasteringMetadata.

FFmpeg's muxers write it from a stream's parameters, which PyAV can't set, but copies from a stream of an input. So it
is written into the header of a Matroska file in memory, which is opened as that input.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import av
from av.bitstream import BitStreamFilterContext
from av.video.stream import VideoStream

from pipeline.media.encoding.codecs import codec_spec
from pipeline.media.reading.hdr import Hdr
from pipeline.media.writing.container_support import container_spec
from pipeline.media.writing.ebml import element

# Element IDs, RFC 9559, section 5.1
_EBML, _DOC_TYPE, _SEGMENT, _INFO, _TIMESTAMP_SCALE = 0x1A45DFA3, 0x4282, 0x18538067, 0x1549A966, 0x2AD7B1
_TRACKS, _ENTRY, _NUMBER, _UID, _TYPE, _CODEC = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83, 0x86
_VIDEO, _WIDTH, _HEIGHT, _COLOUR, _CLUSTER, _TIME = 0xE0, 0xB0, 0xBA, 0x55B0, 0x1F43B675, 0xE7
_MAX_CLL, _MAX_FALL, _MASTERING, _RED_X, _MAX_LUMINANCE, _MIN_LUMINANCE = 0x55BC, 0x55BD, 0x55D0, 0x55D1, 0x55D9, 0x55DA


def add_hdr_metadata(stream: VideoStream, muxer: str, hdr: Hdr) -> bool:
    """Set `hdr` as parameters of `stream`, whose encoder is not yet configured.

    Returns:
        False if the container that `muxer` writes does not support it with this codec.
    """
    codec = codec_spec(stream.codec_context.codec.canonical_name).matroska_id
    if not container_spec(muxer).hdr_metadata or codec is None:
        return False
    with av.open(io.BytesIO(matroska_header(codec, hdr)), format="matroska") as container:
        BitStreamFilterContext("null", in_stream=container.streams.video[0], out_stream=stream)
    return True


def matroska_header(codec: str, hdr: Hdr) -> bytes:
    """Return a Matroska file without frames whose video is described by `codec`, Matroska's ID of it, and `hdr`."""
    video = _element(_WIDTH, 16), _element(_HEIGHT, 16), _element(_COLOUR, *_colour(hdr))
    entry = _element(_NUMBER, 1), _element(_UID, 1), _element(_TYPE, 1), _element(_CODEC, codec.encode())
    tracks = _element(_TRACKS, _element(_ENTRY, *entry, _element(_VIDEO, *video)))
    info, cluster = _element(_INFO, _element(_TIMESTAMP_SCALE, 1_000_000)), _element(_CLUSTER, _element(_TIME, 0))
    return _element(_EBML, _element(_DOC_TYPE, b"matroska")) + _element(_SEGMENT, info, tracks, cluster)


def _colour(hdr: Hdr) -> Iterator[bytes]:
    if hdr.light:
        yield _element(_MAX_CLL, hdr.light[0]) + _element(_MAX_FALL, hdr.light[1])
    mastering = [_element(_RED_X + index, float(at)) for index, at in enumerate(sum(hdr.primaries or (), ()))]
    if hdr.luminance:
        mastering += [
            _element(_MIN_LUMINANCE, float(hdr.luminance[0])),
            _element(_MAX_LUMINANCE, float(hdr.luminance[1])),
        ]
    yield _element(_MASTERING, *mastering)


def _element(id: int, *content: bytes | int | float) -> bytes:
    """Return an element of other elements, of text, or of one number."""
    return element(id, b"".join(_bytes(part) for part in content)).coded


def _bytes(value: bytes | int | float) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.to_bytes(8, "big") if isinstance(value, int) else struct.pack(">d", value)
