"""The kernels of one stream: kernels.cu (colour) and tiles.cu with their macros, compiled by NVRTC, and launched.

Needs cuda-core, cuda-bindings and NVRTC; compiling needs no GPU. What was compiled is kept, for the next start.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.cache import cache_folder, keep
from pipeline.colour.chroma import cosited
from pipeline.colour.matrix import conversion
from pipeline.errors import BackendError
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.tiling import Tile, Tiling

if TYPE_CHECKING:
    from cuda.core import Device, Kernel, ObjectCode, ProgramOptions, Stream

_BLOCK = (32, 4)
COLOUR, TILES = "kernels.cu", "tiles.cu"


def source(file: str) -> str:
    """The kernels in `file`, COLOUR or TILES, behind what all files of kernels begin with."""
    folder = files("pipeline.superres")
    element, kernels = (folder.joinpath(name).read_text(encoding="utf-8") for name in ("element.cu", file))
    return f'{element}#line 1 "{file}"\n{kernels}'


def colour_macros(format: FrameFormat, model: ModelSpec) -> dict[str, str]:
    """What kernels.cu is compiled with for frames of `format` on one side and `model`'s tensor on the other."""
    pixel, numbers = format.pixel, conversion(format.colour, format.pixel)
    across, down = cosited(format.colour.siting)
    defined: dict[str, Any] = {
        "WIDTH": format.width,
        "HEIGHT": format.height,
        "SAMPLE": "unsigned char" if pixel.dtype == np.uint8 else "unsigned short",
        "SUB_X": pixel.sub_x,
        "SUB_Y": pixel.sub_y,
        "SHIFT": pixel.shift,
        "STEP": 0 if not pixel.chroma else 2 if pixel.interleaved else 1,
        "RGB_SAMPLES": int(pixel.rgb),
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


def tile_macros(tiling: Tiling, model: ModelSpec) -> dict[str, str]:
    """What tiles.cu is compiled with for tiles of `tiling` on both sides of `model`."""
    defined = {
        "WIDTH": tiling.width,
        "HEIGHT": tiling.height,
        "TILE_WIDTH": tiling.tile_width,
        "TILE_HEIGHT": tiling.tile_height,
        "SCALE": model.scale,
        "MARGIN": tiling.margin,
        "RAMP": tiling.ramp,
        "HALF": int(model.dtype == np.float16),
    }
    return {name: str(value) for name, value in defined.items()}


def compile(file: str, defined: dict[str, str], arch: str) -> ObjectCode:
    """The kernels in `file`, COLOUR or TILES, as machine code for `arch`, such as "sm_90".

    Compiled once, then kept in the cache. Raises BackendError with NVRTC's log, OutputError without a cache folder.
    """
    from cuda.core import ObjectCode, Program, ProgramOptions

    options = ProgramOptions(arch=arch, std="c++17", define_macro=sorted(defined.items()))
    folder = cache_folder("kernels")
    try:
        kept = folder / f"{_digest(file, options)}.cubin"
        if code := _opened(kept):
            return ObjectCode.from_cubin(code)
        compiled = Program(source(file), code_type="c++", options=options).compile("cubin")
    except Exception as error:
        raise BackendError(f"NVRTC could not compile {file} for {arch}: {error}") from error
    keep(kept, _sealed(bytes(compiled.code)))
    return compiled


def _digest(file: str, options: ProgramOptions) -> str:
    """What compiled kernels are known by: another source, option, macro or NVRTC makes others."""
    from cuda.bindings import nvrtc

    known = (source(file), options.as_bytes("nvrtc"), nvrtc.nvrtcVersion()[1:])
    return hashlib.sha256(repr(known).encode()).hexdigest()


def _sealed(code: bytes) -> bytes:
    return hashlib.sha256(code).digest() + code


def _opened(path: Path) -> bytes | None:
    """The machine code kept at `path`; None where there is none, or it is not whole: it loads only when it is run."""
    try:
        kept = path.read_bytes()
    except OSError:
        return None
    code = kept[hashlib.sha256().digest_size :]
    return code if kept == _sealed(code) else None


class ToRgb:
    """Samples → RGB tensor, (1, 3, H, W)."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec) -> None:
        self._kernel = _kernel(device, COLOUR, colour_macros(format, model), "to_rgb")
        self._layout = layout(format)
        self._config = _config(-(-format.width // columns(format)), format.height)

    def __call__(self, stream: Stream, frame: int, rgb: int) -> None:
        """Convert the packed frame at device address `frame` into the tensor at `rgb`."""
        from cuda.core import launch

        luma, u, v, luma_pitch, chroma_pitch = self._layout
        launch(stream, self._config, self._kernel, frame + luma, frame + u, frame + v, luma_pitch, chroma_pitch, rgb)


class FromRgb:
    """RGB tensor, (1, 3, H, W) → samples, rounded and clamped."""

    def __init__(self, device: Device, format: FrameFormat, model: ModelSpec) -> None:
        self._kernel = _kernel(device, COLOUR, colour_macros(format, model), "from_rgb")
        self._layout = layout(format)
        self._config = _config(-(-format.width // columns(format)), -(-format.height >> format.pixel.sub_y))

    def __call__(self, stream: Stream, rgb: int, frame: int) -> None:
        """Convert the tensor at device address `rgb` into the packed frame at `frame`."""
        from cuda.core import launch

        luma, u, v, luma_pitch, chroma_pitch = self._layout
        launch(stream, self._config, self._kernel, rgb, frame + luma, frame + u, frame + v, luma_pitch, chroma_pitch)


class Cut:
    """RGB tensor of the whole frame, (1, 3, H, W) → that of a tile, (1, 3, h, w)."""

    def __init__(self, device: Device, tiling: Tiling, model: ModelSpec) -> None:
        self._kernel = _kernel(device, TILES, tile_macros(tiling, model), "cut")
        self._config = _config(tiling.tile_width, tiling.tile_height)

    def __call__(self, stream: Stream, rgb: int, piece: int, tile: Tile) -> None:
        """Copy `tile` of the tensor at device address `rgb` into the one at `piece`."""
        from cuda.core import launch

        launch(stream, self._config, self._kernel, rgb, piece, np.int32(tile.x), np.int32(tile.y))


class Paste:
    """Output of a tile, (1, 3, scale h, scale w) → its place in that of the whole frame, (1, 3, scale H, scale W).

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


def _kernel(device: Device, file: str, defined: dict[str, str], name: str) -> Kernel:
    return compile(file, defined, f"sm_{device.arch}").get_kernel(name)


def _config(columns: int, rows: int) -> Any:
    from cuda.core import LaunchConfig

    return LaunchConfig(grid=(-(-columns // _BLOCK[0]), -(-rows // _BLOCK[1])), block=_BLOCK)


def columns(format: FrameFormat) -> int:
    """How many neighbours of a row a thread of the colour kernels works on: COLUMNS in kernels.cu."""
    return 4 if format.width % 4 == 0 else 1 << format.pixel.sub_x


def layout(format: FrameFormat) -> tuple[int, int, int, np.int32, np.int32]:
    """Byte offsets of luma, U and V (of RGB: G, B, R) in a packed frame, and the two pitches in samples."""
    (rows, columns), *chroma = format.plane_shapes
    size = format.pixel.dtype.itemsize
    if not chroma:
        return 0, 0, 0, np.int32(columns), np.int32(0)
    u = rows * columns * size
    v = u + (size if format.pixel.interleaved else chroma[0][0] * chroma[0][1] * size)
    return 0, u, v, np.int32(columns), np.int32(chroma[0][1])
