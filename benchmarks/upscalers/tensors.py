"""Upscaling with torch tensors, whatever runs the network.

PyAV decodes ahead, in a thread. Frames are copied as the codec has them, 8-bit 4:2:0, from and to page-locked memory;
colour is converted on the device, in the network's precision. The next frame is submitted while the device works on
one: only the oldest frame is waited for.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from upscalers.case import Case
from upscalers.clip import ahead, decoded

DTYPES = {np.dtype(np.float16): torch.float16, np.dtype(np.float32): torch.float32}
_IN_FLIGHT = 2
_KR, _KB = 0.2126, 0.0722  # BT.709
_U, _V = 2 * (1 - _KB), 2 * (1 - _KR)  # range of B - Y and of R - Y


class ToRgb(nn.Module):
    """8 bit 4:2:0 in limited range, packed (3/2 H, W) as PyAV has it → RGB (1, 3, H, W), 0 to 1."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype

    def forward(self, packed: Tensor) -> Tensor:
        height, width = packed.shape[0] * 2 // 3, packed.shape[1]
        luma = (packed[:height].to(self._dtype) - 16) / 219
        small = (packed[height:].view(1, 2, height // 2, width // 2).to(self._dtype) - 128) / 224
        u, v = functional.interpolate(small, scale_factor=2, mode="bilinear")[0]
        green = luma - (_KB * _U * u + _KR * _V * v) / (1 - _KR - _KB)
        return torch.stack((luma + _V * v, green, luma + _U * u))[None]


class FromRgb(nn.Module):
    """RGB (1, 3, H, W) → 8 bit 4:2:0 in limited range, rounded and clamped, packed (3/2 H, W)."""

    def forward(self, rgb: Tensor) -> Tensor:
        red, green, blue = rgb[0]
        luma = _KR * red + (1 - _KR - _KB) * green + _KB * blue
        chroma = torch.stack(((blue - luma) / _U, (red - luma) / _V))
        small = functional.avg_pool2d(chroma, 2)
        samples = torch.cat(((luma * 219 + 16).flatten(), (small * 224 + 128).flatten()))
        return samples.round().clamp(0, 255).to(torch.uint8).view(-1, luma.shape[1])


class TorchUpscaler:
    """Upscales frames by `network`.

    Args:
        case: The clip and the device.
        network: A function from RGB to RGB on tensors of that device.
        about: Libraries, versions and modes.
        compile: Applied to the complete conversion of a frame on the device, such as torch.compile.
        stream: The CUDA stream to run on; None: the current one.
    """

    threaded = True

    def __init__(
        self,
        case: Case,
        network: Callable[[Tensor], Tensor],
        about: str,
        compile: Callable[[nn.Module], Callable[[Tensor], Tensor]] = lambda conversion: conversion,
        stream: Any = None,
    ) -> None:
        self.about = about
        self._case = case
        self._cuda = case.device == "cuda"
        self._stream = stream
        self._run = compile(_Conversion(ToRgb(DTYPES[case.model.dtype]), network, FromRgb()).to(case.device))

    def frames(self) -> Generator[NDArray[np.uint8], None, None]:
        in_flight: deque[tuple[Tensor, Any]] = deque()
        for packed in ahead(self._packed()):
            in_flight.append(self._submit(packed))
            if len(in_flight) == _IN_FLIGHT:
                result, done = in_flight.popleft()
                if done:
                    done.synchronize()
                yield result.numpy()

    def to_av_frame(self, frame: NDArray[np.uint8]) -> av.VideoFrame:
        return av.VideoFrame.from_ndarray(frame, format="yuv420p")

    def _packed(self) -> Iterator[Tensor]:
        for frame in decoded(self._case.clip, threads="AUTO"):
            samples = torch.from_numpy(frame.to_ndarray())
            yield self._host(samples.shape).copy_(samples)

    @torch.inference_mode()
    def _submit(self, packed: Tensor) -> tuple[Tensor, Any]:
        with torch.cuda.stream(self._stream) if self._stream else contextlib.nullcontext():
            upscaled = self._run(packed.to(self._case.device, non_blocking=True))
            result = self._host(upscaled.shape).copy_(upscaled, non_blocking=True)
            return result, torch.cuda.current_stream().record_event() if self._cuda else None

    def _host(self, shape: torch.Size) -> Tensor:
        return torch.empty(shape, dtype=torch.uint8, pin_memory=self._cuda)  # PyTorch keeps and reuses pinned memory


class _Conversion(nn.Module):
    """All that is done to a frame on the device."""

    def __init__(self, to_rgb: ToRgb, network: Callable[[Tensor], Tensor], from_rgb: FromRgb) -> None:
        super().__init__()
        self._to_rgb, self._network, self._from_rgb = to_rgb, network, from_rgb

    def forward(self, packed: Tensor) -> Tensor:
        result: Tensor = self._from_rgb(self._network(self._to_rgb(packed)))
        return result
