"""The input: the frames of a repeated clip, and a thread that works ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

import av

T = TypeVar("T")
_END: Any = object()


def decoded(clip: Path, threads: Literal["AUTO"] | None = None) -> Iterator[av.VideoFrame]:
    """The frames of the clip, repeated without end. threads: None is PyAV's default, slices only."""
    while True:
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            if threads:
                stream.thread_type = threads
            yield from container.decode(stream)


def ahead(items: Iterator[T], depth: int = 8) -> Iterator[T]:
    """`items`, computed by a thread of their own up to `depth` items ahead."""
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, items, _END) for _ in range(depth))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(pool.submit(next, items, _END))
            yield item
