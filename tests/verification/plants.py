"""Outputs with planted faults: frames written in any order at any time, and files copied with a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipeline import Verdict
from pipeline.colour.convert import from_rgb
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat

FRAMES, STEP = 24, 40  # how many, and how many milliseconds each is shown
SIZE = (96, 64)
MS = Fraction(1, 1000)
BT601, BT709 = 6, 1

Change = Callable[[Any, int], Any]  # from a packet and its number in its stream to the changed one; None drops it


def scene(index: int) -> np.ndarray:
    """Return frame `index`: (3, H, W) of 0..1, colourful, and unlike its neighbours."""
    width, height = SIZE
    x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
    phase = np.array([0.0, 2.1, 4.2])[:, None, None]
    wave = np.sin(9 * x + 0.9 * index + phase) * np.cos(7 * y - 0.5 * index + phase)
    return np.asarray(np.clip(0.5 + 0.45 * wave, 0, 1))


def write(
    path: Path,
    shown: Iterable[int] = range(FRAMES),
    times: Iterable[int] | None = None,
    scale: int = 1,
    crf: int = 17,
    tagged: int = BT709,
    coded: int = BT709,
    picture: Callable[[int], np.ndarray] = scene,
) -> Path:
    """Write a video that shows the frames `shown` at `times` in milliseconds, with matrices `coded` and `tagged`."""
    shown = list(shown)
    times = [STEP * index for index in range(len(shown))] if times is None else list(times)
    width, height = SIZE[0] * scale, SIZE[1] * scale
    format = FrameFormat(width, height, PIXEL_FORMATS["yuv420p"], Colour(coded, False))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(crf), "bf": "2", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = MS
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = tagged
        context.color_range = 1
        for index, time in zip(shown, times, strict=True):
            frame = _frame(picture(index).repeat(scale, 1).repeat(scale, 2), format)
            frame.pts = time
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _frame(rgb: np.ndarray, format: FrameFormat) -> av.VideoFrame:
    packed = np.empty(format.bytes, np.uint8)
    from_rgb(rgb, format, format.split(packed))
    return av.VideoFrame.from_numpy_buffer(packed.reshape(-1, format.width), "yuv420p")


def copy(
    source: Path,
    to: Path,
    change: dict[int, Change] | None = None,
    without: Iterable[int] = (),
    order: Iterable[int] | None = None,
    labels: Callable[[Any], None] | None = None,
    chapters: Callable[[list[Any]], list[Any]] = list,
    attachment: bytes | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Copy `source` with the packets of some streams changed, some streams dropped, others relabelled."""
    with av.open(str(source)) as original, av.open(str(to), "w") as container:
        streams: dict[int, Any] = {}
        copied: list[Any] = list(original.streams if order is None else (original.streams[index] for index in order))
        for stream in copied:
            if stream.index in without:
                continue
            if stream.type == "attachment":
                container.add_attachment(stream.metadata["filename"], stream.mimetype, attachment or stream.data)
                continue
            streams[stream.index] = container.add_stream_from_template(stream)
            streams[stream.index].metadata.update(stream.metadata)
            streams[stream.index].disposition = stream.disposition
            if labels:
                labels(streams[stream.index])
        container.metadata.update(original.metadata if metadata is None else metadata)
        container.set_chapters(chapters([*original.chapters()]))
        numbers = dict.fromkeys(streams, -1)
        for packet in original.demux():
            index = packet.stream_index
            if not packet.size or index not in streams:
                continue
            numbers[index] += 1
            apply: Change = (change or {}).get(index, _same)
            changed = apply(packet, numbers[index])
            if changed is not None:
                changed.stream = streams[index]
                container.mux(changed)
    return to


def _same(packet: av.Packet[Any], number: int) -> av.Packet[Any]:
    return packet


def dropped(number: int) -> Change:
    """Return a change that drops a packet."""
    return lambda packet, count: None if count == number else packet


def flipped(number: int) -> Change:
    """Return a change of one bit of a packet."""

    def change(packet: av.Packet[Any], count: int) -> av.Packet[Any]:
        if count != number:
            return packet
        content = bytearray(bytes(packet))
        content[len(content) // 2] ^= 1
        return with_content(packet, bytes(content))

    return change


def with_content(packet: av.Packet[Any], content: bytes) -> av.Packet[Any]:
    """Return a packet of other content with the times of `packet`."""
    other: av.Packet[Any] = av.Packet(content)
    other.pts, other.dts, other.duration = packet.pts, packet.dts, packet.duration
    other.time_base, other.is_keyframe = packet.time_base, packet.is_keyframe
    return other


def later(milliseconds: int) -> Change:
    """Return a change that moves all packets."""

    def change(packet: Any, count: int) -> Any:
        ticks = round(milliseconds * MS / packet.time_base)
        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
        return packet

    return change


def kinds(verdict: Verdict) -> list[str]:
    """Return the kinds of all faults."""
    return [fault.kind for fault in verdict.faults]
