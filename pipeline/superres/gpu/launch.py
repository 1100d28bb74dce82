"""The kernels of one stream, ready to be launched: each is called with a stream and addresses in the GPU's memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.colour.h273 import is_hdr
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.kernels import (
    ALPHA,
    COLOUR,
    LIMIT,
    LUMA,
    TILES,
    alpha_macros,
    colour_macros,
    columns,
    compile,
    layout,
    limit_macros,
    luma_macros,
    tile_macros,
)
from pipeline.superres.tiling import Tile, Tiling

if TYPE_CHECKING:
    from cuda.core import Device, Kernel, Stream

_BLOCK = (32, 4)


class ToRgb:
    """Samples → RGB tensor, (1, 3, H, W)."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec) -> None:
        self._kernel = _kernel(device, COLOUR, colour_macros(format, model), "to_rgb")
        self._layout = layout(format)
        self._config = _config(-(-format.width // columns(format)), format.height)

    def __call__(self, stream: Stream, frame: int, rgb: int) -> None:
        """Convert the packed frame at device address `frame` into the tensor at `rgb`."""
        from cuda.core import launch

        luma, u, v, luma_pitch, chroma_pitch, _ = self._layout
        launch(stream, self._config, self._kernel, frame + luma, frame + u, frame + v, luma_pitch, chroma_pitch, rgb)


class FromRgb:
    """RGB tensor, (1, 3, H, W) → samples but alpha: dithered if that is asked for, rounded and clamped."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec, dither: bool) -> None:
        self._kernel = _kernel(device, COLOUR, colour_macros(format, model, dither), "from_rgb")
        self._layout = layout(format)
        self._config = _config(-(-format.width // columns(format)), -(-format.height >> format.pixel.sub_y))

    def __call__(self, stream: Stream, rgb: int, frame: int) -> None:
        """Convert the tensor at device address `rgb` into the packed frame at `frame`."""
        from cuda.core import launch

        luma, u, v, luma_pitch, chroma_pitch, _ = self._layout
        launch(stream, self._config, self._kernel, rgb, frame + luma, frame + u, frame + v, luma_pitch, chroma_pitch)


class ToLuma:
    """Samples → luma tensor, (1, 1, H, W)."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec) -> None:
        self._kernel = _kernel(device, LUMA, luma_macros(format, model), "to_luma")
        self._layout = layout(format)
        self._config = _config(format.width, format.height)

    def __call__(self, stream: Stream, frame: int, tensor: int) -> None:
        """Convert the packed frame at device address `frame` into the tensor at `tensor`."""
        from cuda.core import launch

        luma, u, v, luma_pitch, chroma_pitch, _ = self._layout
        launch(stream, self._config, self._kernel, frame + luma, frame + u, frame + v, luma_pitch, chroma_pitch, tensor)


class WithChroma:
    """Luma tensor, (1, 1, scale H, scale W), and the samples it came from → RGB tensor, (1, 3, scale H, scale W)."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec) -> None:
        self._kernel = _kernel(device, LUMA, luma_macros(format, model), "with_chroma")
        self._layout = layout(format)
        self._config = _config(model.scale * format.width, model.scale * format.height)

    def __call__(self, stream: Stream, tensor: int, frame: int, rgb: int) -> None:
        """Make the tensor at `rgb` of that at device address `tensor` and the packed frame at `frame`."""
        from cuda.core import launch

        luma, u, v, *pitches, _ = self._layout
        launch(stream, self._config, self._kernel, tensor, frame + luma, frame + u, frame + v, *pitches, rgb)


class Limit:
    """Tensors on both sides of the network → the larger one, kept within the range of the other."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec) -> None:
        self._kernel = _kernel(device, LIMIT, limit_macros(format, model), "limit")
        self._config = _config(format.width, format.height)

    def __call__(self, stream: Stream, given: int, enlarged: int) -> None:
        """Limit the tensor at device address `enlarged` to that at `given`."""
        from cuda.core import launch

        launch(stream, self._config, self._kernel, given, enlarged)


class Alpha:
    """The alpha of samples → that of larger ones; where there is none, all is opaque."""

    def __init__(self, device: Device, source: FrameFormat, result: FrameFormat) -> None:
        self._given = source.pixel.alpha
        kernel = "enlarge" if self._given else "opaque"
        self._kernel = _kernel(device, ALPHA, alpha_macros(source, result), kernel)
        self._from, self._to = layout(source).alpha, layout(result).alpha
        self._config = _config(result.width, result.height)

    def __call__(self, stream: Stream, frame: int, result: int) -> None:
        """Make the alpha of the packed frame at device address `result` of that at `frame`."""
        from cuda.core import launch

        given = (frame + self._from,) if self._given else ()
        launch(stream, self._config, self._kernel, *given, result + self._to)


class Cut:
    """Tensor of the whole frame, (1, C, H, W) → that of a tile, (1, C, h, w)."""

    def __init__(self, device: Device, tiling: Tiling, model: ModelSpec) -> None:
        self._kernel = _kernel(device, TILES, tile_macros(tiling, model), "cut")
        self._config = _config(tiling.tile_width, tiling.tile_height)

    def __call__(self, stream: Stream, rgb: int, piece: int, tile: Tile) -> None:
        """Copy `tile` of the tensor at device address `rgb` into the one at `piece`."""
        from cuda.core import launch

        launch(stream, self._config, self._kernel, rgb, piece, np.int32(tile.x), np.int32(tile.y))


class Paste:
    """Output of a tile, (1, C, scale h, scale w) → its place in that of the whole frame, (1, C, scale H, scale W).

    A tile adds to what those before it have written: a frame's tiles are pasted in the order of `Tiling.tiles`, one
    after the other. What the whole output held before doesn't matter.
    """

    def __init__(self, device: Device, tiling: Tiling, model: ModelSpec) -> None:
        self._kernel = _kernel(device, TILES, tile_macros(tiling, model), "paste")
        self._config = _config(model.scale * tiling.tile_width, model.scale * tiling.tile_height)

    def __call__(self, stream: Stream, rgb: int, piece: int, tile: Tile) -> None:
        """Paste the output of `tile` at device address `piece` into the whole at `rgb`."""
        from cuda.core import launch

        place = (np.int32(number) for number in (tile.x, tile.y, tile.left, tile.top))
        launch(stream, self._config, self._kernel, piece, rgb, *place)


@dataclass(frozen=True)
class Conversions:
    """What lies between samples and the network's tensors.

    limit: of HDR; with_chroma: of networks that enlarge luma alone; alpha: of results that have it.
    """

    to_tensor: ToRgb | ToLuma
    from_rgb: FromRgb
    limit: Limit | None = None
    with_chroma: WithChroma | None = None
    alpha: Alpha | None = None


def conversions(device: Device, model: ModelSpec, source: FrameFormat, result: FrameFormat) -> Conversions:
    """The Conversions of frames of `source`, which `model` makes larger, to frames of `result`."""
    luma_alone = model.channels == 1
    return Conversions(
        to_tensor=(ToLuma if luma_alone else ToRgb)(device, source, model),
        from_rgb=FromRgb(device, result, model, dither=result.pixel.depth < source.pixel.depth),
        limit=Limit(device, source, model) if is_hdr(source.colour) else None,
        with_chroma=WithChroma(device, source, model) if luma_alone else None,
        alpha=Alpha(device, source, result) if result.pixel.alpha else None,
    )


def _kernel(device: Device, file: str, defined: dict[str, str], name: str) -> Kernel:
    return compile(file, defined, f"sm_{device.arch}").get_kernel(name)


def _config(columns: int, rows: int) -> Any:
    from cuda.core import LaunchConfig

    return LaunchConfig(grid=(-(-columns // _BLOCK[0]), -(-rows // _BLOCK[1])), block=_BLOCK)
