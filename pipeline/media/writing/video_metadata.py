"""HDR metadata, stereoscopic layout and projection in the output's container: boxes of mp4, elements of Matroska.

FFmpeg's muxers write it from a stream's parameters, which PyAV can't set, but copies from a stream of an input. So it
is written into the header of a Matroska file in memory, which is opened as that input.
"""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext
from av.video.stream import VideoStream

from pipeline.media.encoding.codecs import codec_spec
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.spatial import CUBEMAP, STEREO_MODES, STEREO_TAG, Projection
from pipeline.media.writing.container_support import container_spec
from pipeline.media.writing.ebml import element

# Element IDs, RFC 9559, section 5.1
_EBML, _DOC_TYPE, _SEGMENT, _INFO, _TIMESTAMP_SCALE = 0x1A45DFA3, 0x4282, 0x18538067, 0x1549A966, 0x2AD7B1
_TRACKS, _ENTRY, _NUMBER, _UID, _TYPE, _CODEC = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83, 0x86
_VIDEO, _WIDTH, _HEIGHT, _COLOUR, _CLUSTER, _TIME = 0xE0, 0xB0, 0xBA, 0x55B0, 0x1F43B675, 0xE7
_STEREO_MODE, _PROJECTION, _PROJECTION_TYPE, _PROJECTION_PRIVATE, _YAW = 0x53B8, 0x7670, 0x7671, 0x7672, 0x7673
_MAX_CLL, _MAX_FALL, _MASTERING, _RED_X, _MAX_LUMINANCE, _MIN_LUMINANCE = 0x55BC, 0x55BD, 0x55D0, 0x55D1, 0x55D9, 0x55DA


_ST3D_MODES = {"top_bottom": 1, "left_right": 2}  # of the box st3d (Google's Spherical Video V2)
_HEADER = 8  # bytes of a box: size and name
_PATH_TO_ENTRIES = b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"
_ENTRIES, _VISUAL_ENTRY = 8, 86  # bytes before the first entry of stsd, and before the boxes of a video's entry
_NOWHERE = (-1, -1)


@dataclass(frozen=True)
class VideoMetadata:
    """What a container may say of a video, beside its size and colours.

    Attributes:
        hdr: Static HDR metadata, None for none.
        stereo: Stereoscopic layout, one of STEREO_MODES; None for none.
        projection: Mapping to a sphere, None for none.
    """

    hdr: Hdr | None = None
    stereo: str | None = None
    projection: Projection | None = None


def supported_metadata(metadata: VideoMetadata, muxer: str, codec: str) -> VideoMetadata:
    """Return the part of `metadata` that the container which `muxer` writes supports.

    Args:
        metadata: Of the video.
        muxer: FFmpeg's name of the muxer.
        codec: FFmpeg's canonical name of the video's codec.
    """
    spec = container_spec(muxer)
    if codec_spec(codec).matroska_id is None:
        return VideoMetadata()
    projection = metadata.projection
    return VideoMetadata(
        hdr=metadata.hdr if spec.hdr_metadata else None,
        stereo=metadata.stereo if metadata.stereo in spec.stereo_modes else None,
        projection=projection if projection and projection.kind in spec.projections else None,
    )


def add_video_metadata(stream: VideoStream, muxer: str, metadata: VideoMetadata) -> VideoMetadata:
    """Set `metadata` as parameters of `stream`, whose encoder is not yet configured.

    Returns:
        The part of it that the container which `muxer` writes supports with this codec.
    """
    codec = stream.codec_context.codec.canonical_name
    supported = supported_metadata(metadata, muxer, codec)
    if supported != VideoMetadata():
        header = matroska_header(codec_spec(codec).matroska_id or "", supported)
        with av.open(io.BytesIO(header), format="matroska") as container:
            BitStreamFilterContext("null", in_stream=container.streams.video[0], out_stream=stream)
    if supported.stereo and container_spec(muxer).matroska:  # anaglyphs have no other description in FFmpeg
        stream.metadata[STEREO_TAG] = supported.stereo
    return supported


def complete_boxes(path: Path, stereo: str | None) -> None:
    """Make the finished mp4 or mov file `path` say how it is stereoscopic or spherical, without moving anything in it.

    FFmpeg's muxers also write a box vexu, as Apple does, but without the packing of the views and the projection's
    pose, and its demuxer prefers that box to the others. So it becomes free space, and what it stood for, if nothing
    else says so, the box st3d.

    Args:
        path: The file, closed.
        stereo: Its stereoscopic layout, None for none.
    """
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        entry = (0, len(content))
        for name in _PATH_TO_ENTRIES:  # of the first track, which is the video
            if (entry := _inside(content, entry, name)) == _NOWHERE:
                return
        first = entry[0] + _ENTRIES
        boxes = first + _VISUAL_ENTRY, first + int.from_bytes(content[first : first + 4], "big")
        if (vexu := _inside(content, boxes, b"vexu")) == _NOWHERE:
            return
        start, end = vexu[0] - _HEADER, vexu[1]
        named = stereo is None or _inside(content, boxes, b"st3d") != _NOWHERE
        box = b"" if named else _st3d(stereo or "")
        free = struct.pack(">I4s", end - start - len(box), b"free")
        content[start : start + len(box) + _HEADER] = box + free


def _inside(content: mmap.mmap, span: tuple[int, int], name: bytes) -> tuple[int, int]:
    """The first box `name` among those in `span` of a file, without its header; _NOWHERE if there is none.

    ISO 14496-12, 4.2: boxes follow each other, each after its size and name; size 1: the size follows in 64 bits; 0: it
    ends with the file.
    """
    at, end = span
    while at + _HEADER <= end:
        size, kind = struct.unpack_from(">I4s", content, at)
        header = _HEADER
        if size == 1 and at + 2 * _HEADER <= end:
            (size,), header = struct.unpack_from(">Q", content, at + _HEADER), 2 * _HEADER
        size = size or end - at
        if size < header or at + size > end:
            break
        if kind == name:
            return at + header, at + size
        at += size
    return _NOWHERE


def _st3d(stereo: str) -> bytes:
    return struct.pack(">I4sIB", 13, b"st3d", 0, _ST3D_MODES[stereo])


def matroska_header(codec: str, metadata: VideoMetadata) -> bytes:
    """Return a Matroska file without frames whose video is described by `codec`, its ID of it, and `metadata`."""
    video = [_element(_WIDTH, 16), _element(_HEIGHT, 16)]
    if metadata.hdr:
        video.append(_element(_COLOUR, *_colour(metadata.hdr)))
    if metadata.stereo:
        video.append(_element(_STEREO_MODE, STEREO_MODES.index(metadata.stereo)))
    if metadata.projection:
        video.append(_element(_PROJECTION, *_projection(metadata.projection)))
    entry = _element(_NUMBER, 1), _element(_UID, 1), _element(_TYPE, 1), _element(_CODEC, codec.encode())
    tracks = _element(_TRACKS, _element(_ENTRY, *entry, _element(_VIDEO, *video)))
    info, cluster = _element(_INFO, _element(_TIMESTAMP_SCALE, 1_000_000)), _element(_CLUSTER, _element(_TIME, 0))
    return _element(_EBML, _element(_DOC_TYPE, b"matroska")) + _element(_SEGMENT, info, tracks, cluster)


def _projection(projection: Projection) -> Iterator[bytes]:
    """The elements of a Projection: type, the fields of its box in mp4 files (equi or cbmp), yaw, pitch and roll."""
    if projection.kind == CUBEMAP:
        yield _element(_PROJECTION_TYPE, 2) + _element(
            _PROJECTION_PRIVATE, struct.pack(">3I", 0, 0, projection.padding)
        )
    else:
        left, top, right, bottom = (round(part * (1 << 32)) for part in projection.bounds)
        fields = struct.pack(">5I", 0, top, bottom, left, right)
        yield _element(_PROJECTION_TYPE, 1) + _element(_PROJECTION_PRIVATE, fields)
    for index, angle in enumerate(projection.pose):
        yield _element(_YAW + index, float(angle))


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
