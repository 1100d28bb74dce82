"""Makes clips with a display matrix, which rotates or mirrors them, and shows them as players do."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

ONE = 65536
Matrix = tuple[int, ...]


def _matrices() -> list[Matrix]:
    straight: list[Matrix] = [(x, 0, 0, 0, y, 0, 0, 0, 1 << 30) for x, y in itertools.product((ONE, -ONE), repeat=2)]
    return straight + [(0, y, 0, x, 0, 0, 0, 0, 1 << 30) for x, y in itertools.product((ONE, -ONE), repeat=2)]


MATRICES = _matrices()
UPRIGHT, HALF, MIRRORED = MATRICES[0], MATRICES[3], MATRICES[2]
QUARTER, THREE_QUARTERS = MATRICES[6], MATRICES[5]


def with_matrix(source: Path, to: Path, matrix: Matrix) -> Path:
    """Copies the video in `source`, with the display matrix `matrix`."""
    with av.open(str(source)) as original, av.open(str(to), "w") as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        stream.set_display_matrix(matrix)
        for packet in original.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    return to


def displayed(path: Path) -> list[NDArray[np.generic]]:
    """Returns the first plane of each frame as players show it, rotated by the display matrix."""
    planes = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.to_ndarray(format="gray" if frame.format.components[0].bits == 8 else "gray16le")
            tag: Any = frame.side_data.get("DISPLAYMATRIX")
            planes.append(_rotated(plane, tuple(np.frombuffer(tag, np.int32)) if tag else UPRIGHT))
    return planes


def _rotated(plane: NDArray[np.generic], matrix: Matrix) -> NDArray[np.generic]:
    """Maps x, y to a x + c y, b x + d y (libavutil/display.h), shifted so that the least of each is 0."""
    a, b, _, c, d, *_ = (np.sign(number) for number in matrix)
    y, x = np.indices(plane.shape)
    right, below = a * x + c * y, b * x + d * y
    right, below = right - right.min(), below - below.min()
    rotated = np.empty((below.max() + 1, right.max() + 1), plane.dtype)
    rotated[below, right] = plane
    return rotated
