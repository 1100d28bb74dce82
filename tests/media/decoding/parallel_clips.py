"""Clips with GOPs of all kinds, and what a Decoder makes of them, by one codec context or by several."""

import hashlib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import PacketSideData, packet_sidedata_type_from_literal

from pipeline.frame import Frame
from pipeline.media.decoding.decoder import Decoder
from pipeline.media.decoding.parallel_contexts import ContextOpener, ParallelDecoding, open_software_context
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.probe import probe
from tests import clips

_NEW_EXTRADATA: Any = packet_sidedata_type_from_literal("new_extradata")
make_side_data: Any = PacketSideData  # the stubs lack its arguments: type and size

X264 = "keyint=12:bframes=3:b-adapt=0:scenecut=0"
X265 = "keyint=12:bframes=4:b-adapt=0:scenecut=0:log-level=none"

KINDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "closed GOPs of H.264": ("mp4", "libx264", {"x264-params": X264}),
    "open GOPs of H.264": ("mkv", "libx264", {"x264-params": f"{X264}:open-gop=1:b-pyramid=normal"}),
    "open GOPs of H.264 in a transport stream": ("ts", "libx264", {"x264-params": f"{X264}:open-gop=1:ref=6"}),
    "closed GOPs of H.265": ("mp4", "libx265", {"x265-params": f"{X265}:open-gop=0"}),
    "open GOPs of H.265": ("mp4", "libx265", {"x265-params": f"{X265}:open-gop=1"}),
    "open GOPs of H.265 in a transport stream": ("ts", "libx265", {"x265-params": f"{X265}:open-gop=1"}),
    "decodable leading frames of H.265": ("mkv", "libx265", {"x265-params": f"{X265}:open-gop=0:radl=2"}),
    "open GOPs of MPEG-2": ("ts", "mpeg2video", {"b": "800k", "bf": "2", "g": "12"}),
    "closed GOPs of MPEG-2": (
        "mkv",
        "mpeg2video",
        {"b": "800k", "g": "12", "flags": "+cgop", "sc_threshold": "1000000000"},
    ),
    "hidden frames of VP9": (
        "webm",
        "libvpx-vp9",
        {"g": "12", "lag-in-frames": "12", "auto-alt-ref": "1", "cpu-used": "8"},
    ),
    "AV1": ("mkv", "libsvtav1", {"g": "16", "preset": "12", "svtav1-params": "lp=1"}),
    "intra frames": ("mp4", "libx264", {"x264-params": "keyint=1"}),
}
"""Suffix, encoder and its options of clips that are decoded in parallel from beginning to end."""

IRREGULAR: dict[str, tuple[str, str, dict[str, str]]] = {
    "interlaced frames": ("mp4", "libx264", {"x264-params": f"{X264}:tff=1"}),
    "one GOP": ("mp4", "libx264", {"x264-params": "keyint=infinite:scenecut=0"}),
    "intra refresh": ("ts", "libx264", {"x264-params": "keyint=24:intra-refresh=1:bframes=0"}),
    "MPEG-4": ("mp4", "mpeg4", {"g": "12", "bf": "2"}),
    "coding order": ("avi", "libx264", {"x264-params": X264}),
}
"""The same of clips that one codec context decodes in the end."""


def make(folder: Path, kind: str, frames: int = 100, size: tuple[int, int] = (96, 64)) -> Path:
    """Write a clip of texture that moves and changes."""
    suffix, codec, options = (KINDS | IRREGULAR)[kind]
    path = folder / f"clip.{suffix}"
    width, height = size
    texture = np.kron(np.random.default_rng(0).integers(40, 200, (80, 80)), np.ones((6, 6))).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        if "g" in options:
            stream.gop_size = int(options["g"])
        for index in range(frames):
            x, y = 2 * index % 100, index % 90
            samples = np.full((height * 3 // 2, width), 128, np.uint8)
            samples[:height] = texture[y : y + height, x : x + width]
            samples[20:36, 5 * index % 80 : 5 * index % 80 + 16] = 235
            frame = av.VideoFrame.from_ndarray(samples, format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def make_with_two_descriptions(folder: Path, frames: int = 60) -> Path:
    """Write an .mp4 whose second half has other parameters of H.264, in a sample description of its own."""
    path = folder / "two-descriptions.mp4"
    with av.open(str(path), "w") as container:
        stream: Any = None
        for index, options in enumerate(["ref=1:no-cabac=1", "ref=3:cqm=jvt"]):
            name = f"{index}.mp4"
            made = {"x264-params": f"keyint=10:scenecut=0:bframes=2:{options}"}
            part = clips.make(folder / name, frames, (96, 64), audio=False, options=made)
            with av.open(str(part)) as source:
                video = source.streams.video[0]
                extradata = video.codec_context.extradata or b""
                stream = stream or container.add_stream_from_template(video)
                packets = [packet for packet in source.demux(video) if packet.size]
                if index:
                    change: Any = PacketSideData(_NEW_EXTRADATA, len(extradata))  # type: ignore[call-arg]  # missing in its stub
                    change.update(extradata)
                    packets[0].set_sidedata(change)
                for packet in packets:
                    assert packet.pts is not None
                    assert packet.dts is not None
                    packet.pts, packet.dts = (time + index * frames * 512 for time in (packet.pts, packet.dts))
                    packet.stream = stream
                    container.mux(packet)
    return path


@dataclass
class Decoded:
    """Everything that a Decoder yields and counts.

    Attributes:
        frames: pts, duration, interlacing and a digest of the samples of each frame.
        packets: pts and size of the packets of each other stream.
        facts: Counts, notes and damage.
    """

    frames: list[tuple[int, int, bool, str]] = field(default_factory=list)
    packets: dict[int, list[tuple[int | None, int]]] = field(default_factory=dict)
    facts: list[Any] = field(default_factory=list)

    def add(self, item: Any) -> None:
        if isinstance(item, Frame):
            digest = hashlib.sha256(b"".join(np.ascontiguousarray(plane).tobytes() for plane in item.planes))
            self.frames.append((item.pts, item.duration, item.interlaced, digest.hexdigest()))
        else:
            self.packets.setdefault(item.stream_index, []).append((item.pts, item.size))


def decode(path: Path, parallel: ParallelDecoding | None = None) -> Decoded:
    """What a Decoder makes of a clip."""
    info, decoded = probe(path), Decoded()
    others = frozenset(stream.index for stream in info.others)
    with FileSource(path, ReadOptions(others, video_index=info.video.index, first_pts=info.video.start)) as source:
        decoder = Decoder(source, info.video.format, parallel)
        try:
            for packet in source:
                for item in decoder.feed(packet):
                    decoded.add(item)
            for item in decoder.finish():
                decoded.add(item)
        finally:
            decoder.close()
        counts = decoder.packets, decoder.frames, decoder.gap_frames, decoder.untimed_frames, decoder.end
        decoded.facts = [*counts, *decoder.changes.notes, *source.damage.summary()]
    return decoded


def in_software(contexts: int = 2, capacity: int = 24, min_packets: int = 2) -> ParallelDecoding:
    """Parallel decoding on the CPU."""
    opener: ContextOpener = partial(open_software_context, threads=2)
    return ParallelDecoding([opener] * contexts, capacity, min_packets)
