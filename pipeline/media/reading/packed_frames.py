"""Packed bitstreams, as DivX and Xvid write them into AVI files: a packet has a frame and the B-frame after it.

AVI counts packets and stores no times, so a packet without content follows, which takes the place of the B-frame.
Decoders yield both frames at the time of the first packet. FFmpeg's filter gives the B-frame the place that is free.
"""

from __future__ import annotations

from collections.abc import Iterator

from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.video.stream import VideoStream

from pipeline.media.reading.input_container import CODING_ORDER_DEMUXERS
from pipeline.media.reading.source import Packet

_CODEC, _FILTER = "mpeg4", "mpeg4_unpack_bframes"


def unpack_frames(packets: Iterator[Packet], container: InputContainer, video: VideoStream) -> Iterator[Packet]:
    """Yield `packets`, those of `video` divided so that each has one frame; others pass unchanged.

    Args:
        packets: Of any streams of the container.
        container: The container of `video`.
        video: The video that is read.
    """
    is_mpeg4 = video.codec_context.codec.canonical_name == _CODEC
    return _divided(packets, video) if is_mpeg4 and container.format.name in CODING_ORDER_DEMUXERS else packets


def _divided(packets: Iterator[Packet], video: VideoStream) -> Iterator[Packet]:
    unpacker = BitStreamFilterContext(_FILTER, video)
    for packet in packets:
        yield from unpacker.filter(packet) if packet.stream_index == video.index else (packet,)
    yield from unpacker.filter(None)
