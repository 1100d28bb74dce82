"""A stand-in for NVIDIA's libnvcuvid, as ctypes loads it."""

from typing import Any


class FakeLibrary:
    """Reports a number of engines for one codec, and an error for others.

    Attributes:
        asked: Codec, chroma format and bits above 8 of each request.
    """

    def __init__(self, codec: int, engines: int) -> None:
        self._codec, self._engines = codec, engines
        self.asked: list[tuple[int, int, int]] = []

    def cuvidGetDecoderCaps(self, reference: Any) -> int:  # noqa: N802 (NVIDIA's name)
        caps = reference._obj
        self.asked.append((caps.codec, caps.chroma, caps.bit_depth_minus_8))
        if caps.codec != self._codec:
            return 1
        caps.is_supported, caps.engines = 1, self._engines
        return 0
