"""Frames of any format through a session around an identity, and the allowed difference.

Used by test_identity.py here and in tests/gpu, where hypothesis draws the frames.
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
from tests.superres.oracle import FP16_TOLERANCE_WITHOUT_MATRIX, largest_difference, oracle, tolerance

SIZES = [(48, 32), (34, 18), (33, 17)]  # widths: multiples of 4 and of 2, and odd; few, as each needs an engine

Samples = NDArray[Any]


def noise(rng: np.random.Generator, rows: Samples, columns: Samples) -> Samples:
    return rng.random(rows.shape)


def ramp(rng: np.random.Generator, rows: Samples, columns: Samples) -> Samples:
    slopes = rng.uniform(-1, 1, 2)
    values = slopes[0] * rows + slopes[1] * columns
    return np.asarray((values - values.min()) / max(float(np.ptp(values)), 1e-9))


def edges(rng: np.random.Generator, rows: Samples, columns: Samples) -> Samples:
    period = rng.integers(1, 9, 2)
    return np.asarray((rows // period[0] + columns // period[1]) % 2.0)


def flat(rng: np.random.Generator, rows: Samples, columns: Samples) -> Samples:
    return np.full(rows.shape, rng.random())


formats = st.builds(
    lambda size, pixel, colour: FrameFormat(size[0], size[1], pixel, colour),
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


def draw_frame(format: FrameFormat, pattern: Callable[..., Samples], seed: int) -> Frame:
    """A frame with `pattern` in each plane, from 0 to its highest code value."""
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
class IdentityCheck:
    """Sessions of one backend around an identity.

    Attributes:
        open_session: Opens a session for a model and a source format.
        dtype: Type of the network's tensors.
    """

    open_session: Callable[..., Session[Any]]
    dtype: type[np.floating]

    def upscale(self, frame: Frame) -> tuple[Plane, ...]:
        """The planes of `frame` after a session."""
        with self.open_session(catalogue.find("identity", self.dtype), frame.format) as session:
            upscaled = session.collect(session.submit(frame))
            planes = tuple(plane.copy() for plane in upscaled.planes)
            upscaled.release()
        return planes

    def assert_preserved(self, frame: Frame) -> None:
        """Assert that `frame` is within the tolerance of float64, and its alpha exact."""
        format, planes = frame.format, self.upscale(frame)
        assert largest_difference(planes, oracle(frame, format), format.pixel.shift) <= tolerance(self.dtype, format)
        if not (format.pixel.sub_x or format.pixel.sub_y):
            assert largest_difference(planes, frame.planes, format.pixel.shift) <= self._tolerance(frame)
        if format.pixel.alpha:
            assert (planes[-1] == frame.planes[-1]).all()

    def assert_flat_preserved(self, frame: Frame) -> None:
        """Assert that `frame`, a flat field, is preserved as far as the tensors resolve its levels."""
        assert largest_difference(self.upscale(frame), frame.planes, frame.format.pixel.shift) <= self._tolerance(frame)

    def _tolerance(self, frame: Frame) -> int:
        """The allowed difference in levels if nothing is filtered: 0, except where fp16 can't resolve the levels.

        That is the case from 12 bits on, and at 10 bits for colours outside of RGB 0..1.
        """
        pixel = frame.format.pixel
        if self.dtype is not np.float16 or pixel.depth == 8:
            return 0
        if pixel.rgb:
            return FP16_TOLERANCE_WITHOUT_MATRIX.get(pixel.depth, 0)
        return 0 if pixel.depth == 10 and _in_gamut(frame) else tolerance(self.dtype, frame.format)


def _in_gamut(frame: Frame) -> bool:
    rgb = np.empty((3, frame.format.height, frame.format.width))
    to_rgb(frame.planes, frame.format, rgb)
    return bool(rgb.min() >= 0 and rgb.max() <= 1)
