"""The compiled kernels of one stream. Each is called with a CUDA stream and device addresses, and is only queued."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.colour.h273 import is_hdr
from pipeline.config.target_fields import Size
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.kernels import (
    ADAPT,
    ALPHA,
    BLEND,
    COLOUR,
    LIMIT,
    LUMA,
    REDUCE,
    RESAMPLE,
    TILES,
    adapt_macros,
    alpha_macros,
    blend_macros,
    colour_macros,
    columns_per_thread,
    compile_kernels,
    input_macros,
    limit_macros,
    luma_macros,
    plane_layout,
    reduction_macros,
    resample_macros,
    tile_macros,
)
from pipeline.superres.gpu.samples import Samples
from pipeline.superres.tiling import Tile, Tiling

if TYPE_CHECKING:
    from cuda.core import Device, Stream
    from cuda.core.graph import GraphBuilder

_BLOCK = (32, 4)


class ToRgb:
    """Converts samples to the RGB tensor, (1, 3, H, W), or (H, W, 4) if interleaved."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec, interleaved: bool = False) -> None:
        macros = colour_macros(format, model) | input_macros(interleaved)
        self._launch = _Launch(
            device, COLOUR, macros, "to_rgb", (-(-format.width // columns_per_thread(format)), format.height)
        )

    def __call__(self, stream: Stream, frame: Samples, rgb: int) -> None:
        """Convert the samples of a frame to the tensor at device address `rgb`."""
        self._launch(stream, *frame[:5], rgb)


class FromRgb:
    """Converts the RGB tensor, (1, 3, H, W), to samples except alpha: dithered if requested, rounded and clamped."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec, dither: bool) -> None:
        self._layout = plane_layout(format)
        self._launch = _Launch(
            device,
            COLOUR,
            colour_macros(format, model, dither),
            "from_rgb",
            (-(-format.width // columns_per_thread(format)), -(-format.height >> format.pixel.sub_y)),
        )

    def __call__(self, stream: Stream, rgb: int, frame: int) -> None:
        """Convert the tensor at device address `rgb` to the packed frame at `frame`."""
        luma, u, v, luma_pitch, chroma_pitch, _ = self._layout
        self._launch(stream, rgb, frame + luma, frame + u, frame + v, luma_pitch, chroma_pitch)


class ToLuma:
    """Converts samples to the luma tensor, (1, 1, H, W), or (H, W, 4) if interleaved."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec, interleaved: bool = False) -> None:
        self._launch = _Launch(
            device,
            LUMA,
            luma_macros(format, model) | input_macros(interleaved),
            "to_luma",
            (format.width, format.height),
        )

    def __call__(self, stream: Stream, frame: Samples, tensor: int) -> None:
        """Convert the samples of a frame to the tensor at device address `tensor`."""
        self._launch(stream, *frame[:5], tensor)


class WithChroma:
    """Combines the upscaled luma tensor, (1, 1, scale H, scale W), with the source's chroma to the RGB tensor."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec) -> None:
        self._launch = _Launch(
            device,
            LUMA,
            luma_macros(format, model),
            "with_chroma",
            (model.scale * format.width, model.scale * format.height),
        )

    def __call__(self, stream: Stream, tensor: int, frame: Samples, rgb: int) -> None:
        """Combine the luma at device address `tensor` and the source frame's samples to the tensor at `rgb`."""
        self._launch(stream, tensor, *frame[:5], rgb)


class LimitOvershoot:
    """Limits the network's output tensor to the local range of its input tensor, in place."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec, interleaved: bool = False) -> None:
        self._launch = _Launch(
            device,
            LIMIT,
            limit_macros(format, model) | input_macros(interleaved),
            "limit",
            (format.width, format.height),
        )

    def __call__(self, stream: Stream, source: int, enlarged: int) -> None:
        """Limit the tensor at device address `enlarged` to the range of that at `source`."""
        self._launch(stream, source, enlarged)


class BlendWithSource:
    """Blends the network's output tensor with its resampled input tensor, in place."""

    def __init__(
        self, device: Device, format: FrameFormat, model: ModelSpec, strength: float, interleaved: bool = False
    ) -> None:
        self._launch = _Launch(
            device,
            BLEND,
            blend_macros(format, model, strength) | input_macros(interleaved),
            "blend",
            (model.scale * format.width, model.scale * format.height),
        )

    def __call__(self, stream: Stream, source: int, enlarged: int) -> None:
        """Blend the tensor at device address `enlarged` with that at `source`."""
        self._launch(stream, source, enlarged)


class Resample:
    """Resamples the RGB tensor, (1, 3, scale H, scale W), to the size of the output.

    Attributes:
        output_bytes: Size of the resampled tensor in bytes.
    """

    def __init__(self, device: Device, source: FrameFormat, model: ModelSpec, output: FrameFormat) -> None:
        given, made = source.enlarged(model.scale), (output.width, output.height)
        self.output_bytes = 3 * output.width * output.height * model.dtype.itemsize
        macros = resample_macros((given.width, given.height), made, model)
        self._launch = _Launch(device, RESAMPLE, macros, "resample", made)

    def __call__(self, stream: Stream, rgb: int, resampled: int) -> None:
        """Resample the tensor at device address `rgb` to the one at `resampled`."""
        self._launch(stream, rgb, resampled)


class Adapt:
    """Converts the output tensor of a network to the input tensor of the next one in a cascade."""

    def __init__(
        self, device: Device, given: ModelSpec, wanted: ModelSpec, size: Size, interleaved: bool = False
    ) -> None:
        """Compile the kernel for tensors of `size`, (width, height). Raises BackendError."""
        macros = adapt_macros(given, wanted, *size) | input_macros(interleaved)
        self._launch = _Launch(device, ADAPT, macros, "adapt", size)

    def __call__(self, stream: Stream, given: int, wanted: int) -> None:
        """Convert the tensor at device address `given` to the one at `wanted`."""
        self._launch(stream, given, wanted)


class EnlargeAlpha:
    """Resamples the alpha of the source frame; makes the output opaque if the source has no alpha."""

    def __init__(self, device: Device, source: FrameFormat, output: FrameFormat) -> None:
        self._has_alpha = source.pixel.alpha
        kernel = "enlarge" if self._has_alpha else "opaque"
        self._to = plane_layout(output).alpha
        self._launch = _Launch(device, ALPHA, alpha_macros(source, output), kernel, (output.width, output.height))

    def __call__(self, stream: Stream, frame: Samples, output: int) -> None:
        """Write the alpha of the packed frame at device address `output`, given the source frame's samples."""
        source = (frame.alpha,) if self._has_alpha else ()
        self._launch(stream, *source, output + self._to)


class CutTile:
    """Copies a tile, (1, C, h, w), out of the tensor of the complete frame, (1, C, H, W); (h, w, 4) if interleaved."""

    def __init__(self, device: Device, tiling: Tiling, model: ModelSpec, interleaved: bool = False) -> None:
        self._launch = _Launch(
            device,
            TILES,
            tile_macros(tiling, model) | input_macros(interleaved),
            "cut",
            (tiling.tile_width, tiling.tile_height),
        )

    def __call__(self, stream: Stream, rgb: int, piece: int, tile: Tile) -> None:
        """Copy `tile` of the tensor at device address `rgb` to the one at `piece`."""
        self._launch(stream, rgb, piece, np.int32(tile.x), np.int32(tile.y))


class PasteTile:
    """Pastes the output of a tile, (1, C, scale h, scale w), into that of the complete frame.

    A tile is added to what earlier tiles have written, so the tiles of a frame must be pasted in the order of
    `Tiling.tiles`. The output need not be cleared before.
    """

    def __init__(self, device: Device, tiling: Tiling, model: ModelSpec) -> None:
        self._launch = _Launch(
            device,
            TILES,
            tile_macros(tiling, model),
            "paste",
            (model.scale * tiling.tile_width, model.scale * tiling.tile_height),
        )

    def __call__(self, stream: Stream, rgb: int, piece: int, tile: Tile) -> None:
        """Paste the output of `tile` at device address `piece` into the tensor at `rgb`."""
        position = (np.int32(number) for number in (tile.x, tile.y, tile.left, tile.top))
        self._launch(stream, piece, rgb, *position)


class Reduce:
    """Reduces a network's output of fp16, (1, C, H, W), by cubic convolution."""

    def __init__(self, device: Device, planes: int, height: int, width: int, factor: Fraction) -> None:
        """Compile the kernel. Raises BackendError.

        Args:
            device: The GPU.
            planes: C.
            height: H.
            width: W.
            factor: Below 1; H and W are divided without remainder.
        """
        macros = reduction_macros(planes, height, width, factor)
        self._launch = _Launch(device, REDUCE, macros, "reduce", (int(width * factor), int(height * factor)))

    def __call__(self, stream: Stream | GraphBuilder, source: int, output: int) -> None:
        """Reduce the tensor at device address `source` to the one at `output`."""
        self._launch(stream, source, output)


@dataclass(frozen=True)
class ConversionKernels:
    """The kernels between a frame's samples and the network's tensors.

    Attributes:
        to_tensor: From samples to the network's input.
        from_rgb: From RGB to samples.
        limit: Limits the overshoot of HDR; None for SDR.
        with_chroma: Combines luma with chroma; None if the network upscales RGB.
        alpha: Writes alpha; None if the output has none.
        blend: Blends the network's output with its input; None if the network has full strength.
        resample: Resamples RGB to the output's size; None if it has that size.
    """

    to_tensor: ToRgb | ToLuma
    from_rgb: FromRgb
    limit: LimitOvershoot | None = None
    with_chroma: WithChroma | None = None
    alpha: EnlargeAlpha | None = None
    blend: BlendWithSource | None = None
    resample: Resample | None = None


def conversion_kernels(
    device: Device,
    model: ModelSpec,
    source: FrameFormat,
    output: FrameFormat,
    interleaved: bool = False,
    strength: float = 1.0,
) -> ConversionKernels:
    """Compile the conversion kernels of a stream.

    Args:
        device: The GPU.
        model: The network.
        source: Format of the source frames.
        output: Format of the upscaled frames.
        interleaved: Whether the network's input is (H, W, 4), not (1, C, H, W).
        strength: Share of the network in its blend with the resampled source, 0 to 1.

    Raises:
        BackendError: The kernels can't be compiled.
    """
    luma_alone = model.channels == 1
    enlarged = source.enlarged(model.scale)
    is_resampled = (enlarged.width, enlarged.height) != (output.width, output.height)
    return ConversionKernels(
        to_tensor=(ToLuma if luma_alone else ToRgb)(device, source, model, interleaved),
        from_rgb=FromRgb(device, output, model, dither=output.pixel.depth < source.pixel.depth),
        limit=LimitOvershoot(device, source, model, interleaved) if is_hdr(source.colour) else None,
        with_chroma=WithChroma(device, source, model) if luma_alone else None,
        alpha=EnlargeAlpha(device, source, output) if output.pixel.alpha else None,
        blend=BlendWithSource(device, source, model, strength, interleaved) if strength < 1 else None,
        resample=Resample(device, source, model, output) if is_resampled else None,
    )


class _Launch:
    """A kernel of one of the .cu files, compiled, with a thread for each item."""

    def __init__(self, device: Device, file: str, macros: dict[str, str], name: str, items: tuple[int, int]) -> None:
        """Compile the kernel. Raises BackendError.

        Args:
            device: The GPU.
            file: The .cu file.
            macros: The macros that it is compiled with.
            name: The kernel in that file.
            items: Columns and rows of items.
        """
        from cuda.core import LaunchConfig, launch

        grid = tuple(-(-length // threads) for length, threads in zip(items, _BLOCK, strict=True))
        self._config = LaunchConfig(grid=grid, block=_BLOCK)
        self._kernel = compile_kernels(file, macros, f"sm_{device.arch}").get_kernel(name)
        self._launch = launch

    def __call__(self, stream: Stream | GraphBuilder, *arguments: Any) -> None:
        """Queue the kernel on `stream`."""
        self._launch(stream, self._config, self._kernel, *arguments)
