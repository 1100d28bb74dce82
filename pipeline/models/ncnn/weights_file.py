"""The weights of an ncnn network: its .bin file, which has no structure of its own; the layers read it in order.

Weights of a convolution begin with a tag of four bytes: float16 (padded to four bytes) or float32 follow. Biases and
slopes are float32 without a tag. The format is described in Tencent/ncnn, src/modelbin.cpp.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError

FLOAT16_TAG = 0x01306B47
INT8_TAG = 0x000D4B38
FLOAT32_TAGS = (0, 0x0002C056)
_ALIGNMENT = 4

Weights = NDArray[np.float32]


class WeightsReader:
    """Reads arrays of weights from the content of a .bin file, as float32."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._offset = 0

    def tagged(self, count: int) -> Weights:
        """Read `count` weights after a tag of their type. Raises ModelError if that is not float16 or float32."""
        tag = int(self._read(1, np.dtype("<u4"))[0])
        if tag == FLOAT16_TAG:
            values = self._read(count, np.dtype("<f2")).astype(np.float32)
            self._offset += -self._offset % _ALIGNMENT
        elif tag in FLOAT32_TAGS:
            values = self.plain(count)
        else:
            kind = "in int8" if tag == INT8_TAG else f"of type 0x{tag:08X}, quantised or damaged"
            raise ModelError(
                f"its weights are {kind}; float32 and float16 are supported: take its file before quantisation"
            )
        return _finite(values)

    def plain(self, count: int) -> Weights:
        """Read `count` values of float32 without a tag. Raises ModelError if the file has fewer."""
        return _finite(self._read(count, np.dtype("<f4")).astype(np.float32))

    def finish(self) -> None:
        """Raise ModelError if a part of the file was not read."""
        if rest := len(self._content) - self._offset:
            raise ModelError(f"{rest} bytes follow the last layer's weights: .param and .bin are not of one network")

    def _read(self, count: int, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
        needed, present = count * dtype.itemsize, len(self._content) - self._offset
        if not 0 <= needed <= present:
            raise ModelError(
                f"the .bin has {len(self._content)} bytes, fewer than the layers need: cut off, or of another network"
            )
        values = np.frombuffer(self._content, dtype, count, self._offset)
        self._offset += needed
        return values


def _finite(values: Weights) -> Weights:
    if not np.isfinite(values).all():
        raise ModelError("a weight is not finite (NaN or infinite): .param and .bin are damaged, or not of one network")
    return values
