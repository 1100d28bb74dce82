"""The colour kernels of one stream: kernels.cu with its macros, compiled by NVRTC, launched on a stream.

Needs cuda-core, cuda-bindings and NVRTC; compiling needs no GPU.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.colour.chroma import cosited
from pipeline.colour.matrix import conversion
from pipeline.errors import BackendError
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec

if TYPE_CHECKING:
    from cuda.core import Device, Kernel, ObjectCode, Stream

_BLOCK = (32, 4)


def source() -> str:
    return files("pipeline.superres").joinpath("kernels.cu").read_text(encoding="utf-8")


def macros(format: FrameFormat, model: ModelSpec) -> dict[str, str]:
    """What kernels.cu is compiled with for frames of `format` on one side and `model`'s tensor on the other."""
    pixel, numbers = format.pixel, conversion(format.colour, format.pixel.depth)
    across, down = cosited(format.colour.siting)
    defined: dict[str, Any] = {
        "WIDTH": format.width,
        "HEIGHT": format.height,
        "SAMPLE": "unsigned char" if pixel.dtype == np.uint8 else "unsigned short",
        "SUB_X": pixel.sub_x,
        "SUB_Y": pixel.sub_y,
        "SHIFT": pixel.shift,
        "STEP": 0 if not pixel.chroma else 2 if pixel.interleaved else 1,
        "COSITED_X": int(across),
        "COSITED_Y": int(down),
        "HALF": int(model.dtype == np.float16),
        "RED": model.order.index("r"),
        "GREEN": model.order.index("g"),
        "BLUE": model.order.index("b"),
        "HIGHEST": numbers.highest,
        "RANGE": float(model.white),
    }
    defined |= {name.upper(): float(value) for name, value in asdict(numbers).items() if name != "highest"}
    return {name: f"({value!r}f)" if isinstance(value, float) else str(value) for name, value in defined.items()}


def compile(defined: dict[str, str], arch: str) -> ObjectCode:
    """kernels.cu as machine code for `arch`, such as "sm_90". Raises BackendError with NVRTC's log."""
    from cuda.core import Program, ProgramOptions

    options = ProgramOptions(arch=arch, std="c++17", define_macro=list(defined.items()))
    try:
        return Program(source(), code_type="c++", options=options).compile("cubin")
    except Exception as error:
        raise BackendError(f"NVRTC could not compile the colour kernels for {arch}: {error}") from error


class ToRgb:
    """Samples → RGB tensor, (1, 3, H, W)."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec) -> None:
        self._kernel = _kernel(device, format, model, "to_rgb")
        self._layout = layout(format)
        self._config = _config(-(-format.width // 2), format.height)

    def __call__(self, stream: Stream, frame: int, rgb: int) -> None:
        """Convert the packed frame at device address `frame` into the tensor at `rgb`."""
        from cuda.core import launch

        luma, u, v, luma_pitch, chroma_pitch = self._layout
        launch(stream, self._config, self._kernel, frame + luma, frame + u, frame + v, luma_pitch, chroma_pitch, rgb)


class FromRgb:
    """RGB tensor, (1, 3, H, W) → samples, rounded and clamped."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec) -> None:
        self._kernel = _kernel(device, format, model, "from_rgb")
        self._layout = layout(format)
        pixel = format.pixel
        self._config = _config(-(-format.width >> pixel.sub_x), -(-format.height >> pixel.sub_y))

    def __call__(self, stream: Stream, rgb: int, frame: int) -> None:
        """Convert the tensor at device address `rgb` into the packed frame at `frame`."""
        from cuda.core import launch

        luma, u, v, luma_pitch, chroma_pitch = self._layout
        launch(stream, self._config, self._kernel, rgb, frame + luma, frame + u, frame + v, luma_pitch, chroma_pitch)


def _kernel(device: Device, format: FrameFormat, model: ModelSpec, name: str) -> Kernel:
    return compile(macros(format, model), f"sm_{device.arch}").get_kernel(name)


def _config(columns: int, rows: int) -> Any:
    from cuda.core import LaunchConfig

    return LaunchConfig(grid=(-(-columns // _BLOCK[0]), -(-rows // _BLOCK[1])), block=_BLOCK)


def layout(format: FrameFormat) -> tuple[int, int, int, np.int32, np.int32]:
    """Byte offsets of luma, U and V in a packed frame, and the two pitches in samples, as the kernels take them."""
    (rows, columns), *chroma = format.plane_shapes
    size = format.pixel.dtype.itemsize
    if not chroma:
        return 0, 0, 0, np.int32(columns), np.int32(0)
    u = rows * columns * size
    v = u + (size if format.pixel.interleaved else chroma[0][0] * chroma[0][1] * size)
    return 0, u, v, np.int32(columns), np.int32(chroma[0][1])
