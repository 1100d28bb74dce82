"""The device addresses of a frame's samples, which the kernels read where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.frame import DevicePlane, FrameFormat
from pipeline.superres.gpu.kernels import plane_layout


class Samples(NamedTuple):
    """Addresses of the planes of a frame, in bytes, and their pitches, in samples, in the order of kernels' arguments.

    Attributes:
        luma: Address of luma, or of green.
        u: Address of Cb, or of blue.
        v: Address of Cr, or of red; of the first Cr sample if Cb and Cr are interleaved.
        luma_pitch: Distance between rows of luma.
        chroma_pitch: Distance between rows of chroma.
        alpha: Address of alpha.
    """

    luma: int
    u: int
    v: int
    luma_pitch: np.int32
    chroma_pitch: np.int32
    alpha: int = 0


def packed_samples(format: FrameFormat, address: int) -> Samples:
    """The samples of a frame at device address `address`, whose planes follow one another without padding."""
    luma, u, v, luma_pitch, chroma_pitch, alpha = plane_layout(format)
    return Samples(address + luma, address + u, address + v, luma_pitch, chroma_pitch, address + alpha)


def decoder_samples(format: FrameFormat, planes: Sequence[DevicePlane]) -> Samples:
    """The samples of a frame that NVDEC decoded: luma, and a plane of interleaved chroma."""
    luma, chroma = planes
    size = format.pixel.dtype.itemsize
    pitches = np.int32(luma.pitch // size), np.int32(chroma.pitch // size)
    return Samples(luma.address, chroma.address, chroma.address + size, *pitches)
