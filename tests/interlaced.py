"""Makes progressive, interlaced and telecined clips of a texture that moves sideways with each field."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.context import Flags
from av.filter import Graph
from numpy.typing import NDArray

SIZE = (64, 336)  # as high as interlaced video, and narrow, so that it is made quickly
SPEED = 3  # samples a field
RATE = Fraction(25)

Luma = NDArray[np.uint8]


def luma_at(moment: int, size: tuple[int, int] = SIZE, speed: int = SPEED) -> Luma:
    """Returns the luma at `moment`, counted in fields: a smooth texture, fine enough to show combing where it moves."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) + speed * moment, np.arange(height))
    luma = 128 + 60 * np.sin(x / 4 + y / 15) + 40 * np.sin(x / 9 - y / 7)
    return np.asarray(luma.round(), np.uint8)


def interleave(even: Luma, odd: Luma) -> Luma:
    """Returns a frame of the even rows of one image and the odd rows of another."""
    frame = even.copy()
    frame[1::2] = odd[1::2]
    return frame


def video(count: int, top_first: bool = True, size: tuple[int, int] = SIZE) -> list[Luma]:
    """Returns interlaced frames: two moments each."""
    moments = [(2 * index + (not top_first), 2 * index + top_first) for index in range(count)]
    return [interleave(luma_at(even, size), luma_at(odd, size)) for even, odd in moments]


def film(count: int, size: tuple[int, int] = SIZE) -> list[Luma]:
    """Returns progressive frames: one moment each."""
    return [luma_at(2 * index, size) for index in range(count)]


def telecined(count: int) -> list[Luma]:
    """Returns film spread over `count` frames by 3:2 pulldown, top field first: AA BB BC CD DD."""
    pairs = [(0, 0), (1, 1), (1, 2), (2, 3), (3, 3)]
    shown = [(4 * (i // 5) + pairs[i % 5][0], 4 * (i // 5) + pairs[i % 5][1]) for i in range(count)]
    return [interleave(luma_at(2 * even), luma_at(2 * odd)) for even, odd in shown]


def write(
    path: Path,
    frames: Sequence[Luma],
    mark: str | Sequence[str] = "prog",
    codec: str = "ffv1",
    pixel: str = "yuv420p",
    rate: Fraction = RATE,
    **options: str,
) -> Path:
    """Writes a clip of `frames`. mark: "prog", "tff" or "bff", of all or of each."""
    marks = [mark] * len(frames) if isinstance(mark, str) else mark
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate, options=options)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = frames[0].shape[1], frames[0].shape[0], pixel
        if codec == "mpeg2video":
            context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        for index, (luma, how) in enumerate(zip(frames, marks, strict=True)):
            container.mux(stream.encode(_marked(luma, how, pixel, index, 1 / rate)))
        container.mux(stream.encode(None))
    return path


def lumas(path: Path) -> list[Luma]:
    """Returns the luma of each frame of an 8-bit clip."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.reformat(format="gray").to_ndarray(), np.uint8) for frame in container.decode(video=0)]


def error(one: Luma, other: Luma) -> float:
    """Returns the root mean square difference, without the outermost rows, which have one neighbour."""
    inner = slice(4, -4)
    return float(np.sqrt(np.mean((one[inner].astype(float) - other[inner]) ** 2)))


def _marked(luma: Luma, mark: str, pixel: str, pts: int, time_base: Fraction) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format=pixel, src_color_range=2, dst_color_range=2)
    frame.pts, frame.time_base = pts, time_base
    graph: Any = Graph()  # PyAV's stubs take a stream as template, its code a frame as well
    graph.link_nodes(graph.add_buffer(template=frame), graph.add("setfield", mark), graph.add("buffersink")).configure()
    graph.push(frame)
    marked = graph.pull()
    assert isinstance(marked, av.VideoFrame)
    return marked
