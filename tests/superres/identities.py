"""What any frame becomes in a Session around a network that changes nothing, beside how far it may be from truth.

test_identity.py here and in tests/gpu draw the frames.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.colour.convert import to_rgb
from pipeline.colour.matrix import LUMA_WEIGHTS
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Plane, Siting
from pipeline.models import catalogue
from pipeline.superres.session import Session
from tests.superres.oracle import LEVELS_OF_HALF_WITHOUT_MATRIX, levels, oracle, worst

SIZES = [(48, 32), (34, 18), (33, 17)]  # in words of four, of two, and odd; few, for each is an engine

Samples = NDArray[Any]


def noise(rng: np.random.Generator, rows: Samples, columns: Samples) -> Samples:
    return rng.random(rows.shape)


def ramp(rng: np.random.Generator, rows: Samples, columns: Samples) -> Samples:
    slopes = rng.uniform(-1, 1, 2)
    made = slopes[0] * rows + slopes[1] * columns
    return (made - made.min()) / max(float(np.ptp(made)), 1e-9)


def edges(rng: np.random.Generator, rows: Samples, columns: Samples) -> Samples:
    period = rng.integers(1, 9, 2)
    return (rows // period[0] + columns // period[1]) % 2.0


def flat(rng: np.random.Generator, rows: Samples, columns: Samples) -> Samples:
    return np.full(rows.shape, rng.random())


formats = st.builds(
    lambda size, pixel, colour: FrameFormat(*size, pixel, colour),
    size=st.sampled_from(SIZES),
    pixel=st.sampled_from(list(PIXEL_FORMATS.values())),
    colour=st.builds(
        Colour,
        matrix=st.sampled_from(sorted(LUMA_WEIGHTS)),
        full_range=st.booleans(),
        siting=st.sampled_from(list(Siting)),
    ),
)
patterns = st.sampled_from([noise, ramp, edges])
seeds = st.integers(0, 999)


def drawn(format: FrameFormat, pattern: Callable[..., Samples], seed: int) -> Frame:
    """A frame of `pattern` in each plane, from 0 to its highest code value."""
    rng = np.random.default_rng(seed)
    planes = format.split(np.zeros(format.bytes, np.uint8))
    highest = (1 << format.pixel.depth) - 1
    for index, plane in enumerate(planes):
        pairs = format.pixel.interleaved and index == 1
        for part in (plane[:, 0::2], plane[:, 1::2]) if pairs else (plane,):
            codes = np.rint(pattern(rng, *np.indices(part.shape)) * highest)
            part[:] = codes.astype(plane.dtype) << format.pixel.shift
    return Frame(format, planes, pts=0)


@dataclass(frozen=True)
class Identity:
    """Sessions of one kind around the identity, whose tensors are of `dtype`."""

    session: Callable[..., Session[Any]]
    dtype: type[np.floating]

    def of(self, frame: Frame) -> tuple[Plane, ...]:
        """The planes of `frame` once it went through."""
        with self.session(catalogue.find("identity", self.dtype), frame.format) as session:
            done = session.collect(session.submit(frame))
            planes = tuple(plane.copy() for plane in done.planes)
            done.release()
        return planes

    def keeps(self, frame: Frame) -> None:
        """Assert that `frame` comes back within the stated error of float64, and alpha exactly."""
        format, made = frame.format, self.of(frame)
        assert worst(made, oracle(frame, format), format.pixel.shift) <= levels(self.dtype, format)
        if not (format.pixel.sub_x or format.pixel.sub_y):
            assert worst(made, frame.planes, format.pixel.shift) <= self._lost(frame)
        if format.pixel.alpha:
            assert (made[-1] == frame.planes[-1]).all()

    def keeps_flat(self, frame: Frame) -> None:
        """Assert that `frame`, a flat field, comes back as it is, as far as its dtype can say that."""
        assert worst(self.of(frame), frame.planes, frame.format.pixel.shift) <= self._lost(frame)

    def _lost(self, frame: Frame) -> int:
        """How many levels are lost where nothing is filtered: none, but where fp16 can't tell them apart.

        That is so from 12 bits on, and at 10 in colours beyond what RGB of 0..1 can say.
        """
        pixel = frame.format.pixel
        if self.dtype is not np.float16 or pixel.depth == 8:
            return 0
        if pixel.rgb:
            return LEVELS_OF_HALF_WITHOUT_MATRIX.get(pixel.depth, 0)
        return 0 if pixel.depth == 10 and _in_gamut(frame) else levels(self.dtype, frame.format)


def _in_gamut(frame: Frame) -> bool:
    rgb = np.empty((3, frame.format.height, frame.format.width))
    to_rgb(frame.planes, frame.format, rgb)
    return bool(rgb.min() >= 0 and rgb.max() <= 1)
