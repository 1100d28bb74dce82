"""The kernels of one stream: the .cu files with their macros, compiled by NVRTC. launches.py launches them.

Needs cuda-core, cuda-bindings and NVRTC; compiling needs no GPU. What was compiled is kept, for the next start.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.colour.alpha import opaque_value
from pipeline.colour.matrix import conversion, luma_weights
from pipeline.errors import BackendError
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.tiling import Tiling
from pipeline.system.cache import cache_folder, write_cached

if TYPE_CHECKING:
    from cuda.core import ObjectCode, ProgramOptions

COLOUR, TILES, ALPHA, LUMA, LIMIT = "kernels.cu", "tiles.cu", "alpha.cu", "luma.cu", "limit.cu"
BEGIN_WITH = {  # which files' words each file of kernels uses
    COLOUR: ("element.cu", "rounding.cu"),
    TILES: ("element.cu",),
    ALPHA: ("rounding.cu", "bicubic.cu"),
    LUMA: ("element.cu", "bicubic.cu"),
    LIMIT: ("element.cu",),
}


def source(file: str) -> str:
    """The kernels in `file`, a key of BEGIN_WITH, behind what they begin with."""
    folder = files("pipeline.superres.gpu")
    names = (*BEGIN_WITH[file], file)
    return "".join(f'#line 1 "{name}"\n{folder.joinpath(name).read_text(encoding="utf-8")}' for name in names)


def colour_macros(format: FrameFormat, model: ModelSpec, dither: bool = False) -> dict[str, str]:
    """What kernels.cu is compiled with for frames of `format` on one side and `model`'s tensor on the other."""
    order = model.order if model.channels == 3 else "rgb"  # what luma.cu makes of the tensor of luma
    return _shown(
        _of_format(format)
        | {
            "RED": order.index("r"),
            "GREEN": order.index("g"),
            "BLUE": order.index("b"),
            "HALF": int(model.dtype == np.float16),
            "RANGE": float(model.value_range),
            "DITHER": int(dither),
        }
    )


def luma_macros(format: FrameFormat, model: ModelSpec) -> dict[str, str]:
    """What luma.cu is compiled with for frames of `format` and the tensors of `model`, which enlarges luma alone."""
    red, green, blue = luma_weights(format.colour.matrix)
    return _shown(
        _of_format(format)
        | {
            "SCALE": model.scale,
            "RED_LUMA": red,
            "GREEN_LUMA": green,
            "BLUE_LUMA": blue,
            "HALF": int(model.dtype == np.float16),
            "RANGE": float(model.value_range),
        }
    )


def alpha_macros(source: FrameFormat, result: FrameFormat) -> dict[str, str]:
    """What alpha.cu is compiled with to make the alpha of `result`: of that of `source`, or opaque if it has none."""
    return _shown(
        {
            "WIDTH": source.width,
            "HEIGHT": source.height,
            "SCALE": result.width // source.width,
            "GIVEN": _word(source),
            "GAIN": opaque_value(result.pixel) / opaque_value(source.pixel),
            "SAMPLE": _word(result),
            "SHIFT": result.pixel.shift,
            "HIGHEST": opaque_value(result.pixel),
            "DITHER": int(result.pixel.depth < source.pixel.depth),
        }
    )


def limit_macros(format: FrameFormat, model: ModelSpec) -> dict[str, str]:
    """What limit.cu is compiled with for the tensors of `model` on both sides, of frames of `format`."""
    return _shown(
        {
            "WIDTH": format.width,
            "HEIGHT": format.height,
            "SCALE": model.scale,
            "PLANES": model.channels,
            "HALF": int(model.dtype == np.float16),
        }
    )


def _of_format(format: FrameFormat) -> dict[str, Any]:
    """How the samples of `format` lie, and the numbers of their Conversion."""
    pixel, numbers = format.pixel, conversion(format.colour, format.pixel)
    across, down = format.colour.siting.phases
    defined: dict[str, Any] = {
        "WIDTH": format.width,
        "HEIGHT": format.height,
        "SAMPLE": _word(format),
        "SUB_X": pixel.sub_x,
        "SUB_Y": pixel.sub_y,
        "SHIFT": pixel.shift,
        "STEP": 0 if not pixel.chroma else 2 if pixel.interleaved else 1,
        "RGB_SAMPLES": int(pixel.rgb),
        "PHASE_X": across,
        "PHASE_Y": down,
        "HIGHEST": numbers.highest,
    }
    return defined | {name.upper(): float(value) for name, value in asdict(numbers).items() if name != "highest"}


def _word(format: FrameFormat) -> str:
    return "unsigned char" if format.pixel.dtype == np.uint8 else "unsigned short"


def _shown(defined: dict[str, Any]) -> dict[str, str]:
    return {name: f"({value!r}f)" if isinstance(value, float) else str(value) for name, value in defined.items()}


def tile_macros(tiling: Tiling, model: ModelSpec) -> dict[str, str]:
    """What tiles.cu is compiled with for tiles of `tiling` on both sides of `model`."""
    defined = {
        "WIDTH": tiling.width,
        "HEIGHT": tiling.height,
        "TILE_WIDTH": tiling.tile_width,
        "TILE_HEIGHT": tiling.tile_height,
        "SCALE": model.scale,
        "PLANES": model.channels,
        "MARGIN": tiling.margin,
        "RAMP": tiling.ramp,
        "HALF": int(model.dtype == np.float16),
    }
    return _shown(defined)


def compile(file: str, defined: dict[str, str], arch: str) -> ObjectCode:
    """The kernels in `file`, a key of BEGIN_WITH, as machine code for `arch`, such as "sm_90".

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
    write_cached(kept, _sealed(bytes(compiled.code)))
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


def columns(format: FrameFormat) -> int:
    """How many neighbours of a row a thread of the colour kernels works on: COLUMNS in kernels.cu."""
    return 4 if format.width % 4 == 0 else 1 << format.pixel.sub_x


class Layout(NamedTuple):
    """Where the planes of a packed frame begin, in bytes, and how far apart their rows are, in samples.

    luma, u, v: of RGB samples G, B and R. Interleaved, v begins with the first sample of Cr. What isn't there is 0.
    """

    luma: int
    u: int
    v: int
    luma_pitch: np.int32
    chroma_pitch: np.int32
    alpha: int


def layout(format: FrameFormat) -> Layout:
    """The Layout of a frame whose planes lie one behind the other, as FrameFormat.split has them."""
    pixel, shapes = format.pixel, format.plane_shapes
    sizes = [rows * columns * pixel.dtype.itemsize for rows, columns in shapes]
    alpha = format.bytes - sizes[-1] if pixel.alpha else 0
    if not pixel.chroma:
        return Layout(0, 0, 0, np.int32(format.width), np.int32(0), alpha)
    u = sizes[0]
    v = u + (pixel.dtype.itemsize if pixel.interleaved else sizes[1])
    return Layout(0, u, v, np.int32(format.width), np.int32(shapes[1][1]), alpha)
