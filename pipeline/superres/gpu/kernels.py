"""Compilation of the CUDA kernels of one stream by NVRTC: the .cu files and their macros. launch.py launches them.

Needs cuda-core, cuda-bindings and NVRTC, but no GPU. Compiled kernels are cached.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.colour.alpha import opaque_value
from pipeline.colour.matrix import conversion, luma_weights
from pipeline.config.target_fields import Size
from pipeline.errors import BackendError
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.tiling import Tiling
from pipeline.system.cache import cache_folder, read_executable, write_cached

if TYPE_CHECKING:
    from cuda.core import ObjectCode, ProgramOptions

COLOUR, TILES, ALPHA, LUMA, LIMIT = "kernels.cu", "tiles.cu", "alpha.cu", "luma.cu", "limit.cu"
REDUCE = "reduce.cu"
RESAMPLE, BLEND, ADAPT = "resample.cu", "blend.cu", "adapt.cu"
INCLUDES = {  # the files that precede each file of kernels when it is compiled
    COLOUR: ("element.cu", "rounding.cu"),
    TILES: ("element.cu",),
    ALPHA: ("rounding.cu", "bicubic.cu", "antialias.cu"),
    LUMA: ("element.cu", "bicubic.cu"),
    LIMIT: ("element.cu",),
    REDUCE: ("element.cu",),
    RESAMPLE: ("element.cu", "bicubic.cu", "antialias.cu"),
    BLEND: ("element.cu", "bicubic.cu", "antialias.cu"),
    ADAPT: ("element.cu",),
    "fused/convolution.cu": ("fused/instructions.cu",),
}


def kernel_source(file: str) -> str:
    """The source of the kernels in `file`, a key of INCLUDES, after the files that it needs."""
    folder = files("pipeline.superres.gpu")
    names = (*INCLUDES[file], file)
    return "".join(f'#line 1 "{name}"\n{folder.joinpath(name).read_text(encoding="utf-8")}' for name in names)


def colour_macros(format: FrameFormat, model: ModelSpec, dither: bool = False) -> dict[str, str]:
    """Macros of kernels.cu, for frames of one format and the tensor of a model.

    Args:
        format: Format of the frames.
        model: The network.
        dither: Dither the samples when RGB is converted to them.
    """
    order = model.order if model.channels == 3 else "rgb"  # luma.cu gives RGB
    return _as_literals(
        _format_macros(format)
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
    """Macros of luma.cu, for frames of `format` and a model that upscales luma alone."""
    red, green, blue = luma_weights(format.colour.matrix)
    return _as_literals(
        _format_macros(format)
        | {
            "SCALE": model.scale,
            "RED_LUMA": red,
            "GREEN_LUMA": green,
            "BLUE_LUMA": blue,
            "HALF": int(model.dtype == np.float16),
            "RANGE": float(model.value_range),
        }
    )


def alpha_macros(source: FrameFormat, output: FrameFormat) -> dict[str, str]:
    """Macros of alpha.cu, for the alpha of `output`: resampled from that of `source`, or opaque if it has none."""
    return _as_literals(
        {
            "WIDTH": source.width,
            "HEIGHT": source.height,
            "OUT_WIDTH": output.width,
            "OUT_HEIGHT": output.height,
            "GIVEN": _sample_type(source),
            "GAIN": opaque_value(output.pixel) / opaque_value(source.pixel),
            "SAMPLE": _sample_type(output),
            "SHIFT": output.pixel.shift,
            "HIGHEST": opaque_value(output.pixel),
            "DITHER": int(output.pixel.depth < source.pixel.depth),
        }
    )


def input_macros(interleaved: bool) -> dict[str, str]:
    """Macros, besides the others, of kernels that write or read the network's input."""
    return {"INTERLEAVED": "1"} if interleaved else {}


def limit_macros(format: FrameFormat, model: ModelSpec) -> dict[str, str]:
    """Macros of limit.cu, for both tensors of `model` and frames of `format`."""
    return _as_literals(
        {
            "WIDTH": format.width,
            "HEIGHT": format.height,
            "SCALE": model.scale,
            "PLANES": model.channels,
            "HALF": int(model.dtype == np.float16),
        }
    )


def reduction_macros(planes: int, height: int, width: int, factor: Fraction) -> dict[str, str]:
    """Macros of reduce.cu, for a tensor of fp16, (planes, height, width), that is reduced by `factor`."""
    return _as_literals(
        {
            "PLANES": planes,
            "HEIGHT": height,
            "WIDTH": width,
            "NUMERATOR": factor.numerator,
            "DENOMINATOR": factor.denominator,
            "HALF": 1,
        }
    )


def blend_macros(format: FrameFormat, model: ModelSpec, strength: float) -> dict[str, str]:
    """Macros of blend.cu, for both tensors of `model` and frames of `format`."""
    return limit_macros(format, model) | _as_literals({"STRENGTH": float(strength)})


def resample_macros(given: Size, made: Size, model: ModelSpec) -> dict[str, str]:
    """Macros of resample.cu, for tensors of `model`'s type, from one size (width, height) to another."""
    return _as_literals(
        {
            "IN_WIDTH": given[0],
            "IN_HEIGHT": given[1],
            "OUT_WIDTH": made[0],
            "OUT_HEIGHT": made[1],
            "HALF": int(model.dtype == np.float16),
        }
    )


def adapt_macros(given: ModelSpec, wanted: ModelSpec, width: int, height: int) -> dict[str, str]:
    """Macros of adapt.cu, from a tensor of the model `given` to one of `wanted`, of `width` x `height`."""
    return _as_literals(
        {
            "WIDTH": width,
            "HEIGHT": height,
            "PLANES": wanted.channels,
            "GIVEN_HALF": int(given.dtype == np.float16),
            "HALF": int(wanted.dtype == np.float16),
            "REVERSED": int(given.order != wanted.order),
            "GAIN": float(wanted.value_range / given.value_range),
        }
    )


def _format_macros(format: FrameFormat) -> dict[str, Any]:
    """Macros of the memory layout of `format`, and of its Conversion."""
    pixel, numbers = format.pixel, conversion(format.colour, format.pixel)
    across, down = format.colour.siting.phases
    macros: dict[str, Any] = {
        "WIDTH": format.width,
        "HEIGHT": format.height,
        "SAMPLE": _sample_type(format),
        "SUB_X": pixel.sub_x,
        "SUB_Y": pixel.sub_y,
        "SHIFT": pixel.shift,
        "STEP": 0 if not pixel.chroma else 2 if pixel.interleaved else 1,
        "RGB_SAMPLES": int(pixel.rgb),
        "PHASE_X": across,
        "PHASE_Y": down,
        "HIGHEST": numbers.highest,
    }
    return macros | {name.upper(): float(value) for name, value in asdict(numbers).items() if name != "highest"}


def _sample_type(format: FrameFormat) -> str:
    return "unsigned char" if format.pixel.dtype == np.uint8 else "unsigned short"


def _as_literals(macros: dict[str, Any]) -> dict[str, str]:
    """Macro values as C++ literals; floats in single precision."""
    return {name: f"({value!r}f)" if isinstance(value, float) else str(value) for name, value in macros.items()}


def tile_macros(tiling: Tiling, model: ModelSpec) -> dict[str, str]:
    """Macros of tiles.cu, for the tiles of `tiling` before and after `model`."""
    macros = {
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
    return _as_literals(macros)


def compile_kernels(file: str, macros: dict[str, str], arch: str) -> ObjectCode:
    """Compile kernels to machine code, or load them from the cache.

    Args:
        file: A key of INCLUDES.
        macros: Macros to define.
        arch: GPU architecture, such as "sm_90".

    Raises:
        BackendError: NVRTC can't compile the kernels; the message contains its log.
        OutputError: The cache folder can't be created.
    """
    from cuda.core import ObjectCode, Program, ProgramOptions

    options = ProgramOptions(arch=arch, std="c++17", define_macro=sorted(macros.items()))
    folder = cache_folder("kernels")
    try:
        path = folder / f"{_digest(file, options)}.cubin"
        if code := _load_cached(path):
            return ObjectCode.from_cubin(code)
        compiled = Program(kernel_source(file), code_type="c++", options=options).compile("cubin")
    except Exception as error:
        raise BackendError(f"NVRTC could not compile {file} for {arch}: {error}") from error
    write_cached(path, _with_checksum(bytes(compiled.code)))
    return compiled


def _digest(file: str, options: ProgramOptions) -> str:
    """Digest of everything that compiled kernels depend on: source, options, macros and the version of NVRTC."""
    from cuda.bindings import nvrtc

    known = (kernel_source(file), options.as_bytes("nvrtc"), nvrtc.nvrtcVersion()[1:])
    return hashlib.sha256(repr(known).encode()).hexdigest()


def _with_checksum(code: bytes) -> bytes:
    return hashlib.sha256(code).digest() + code


def _load_cached(path: Path) -> bytes | None:
    """The machine code in a cached file; None if there is no file, or its checksum is wrong.

    A damaged file must be found here, because CUDA loads the code only when a kernel is launched.
    """
    try:
        content = read_executable(path)
    except OSError:
        return None
    code = content[hashlib.sha256().digest_size :]
    return code if content == _with_checksum(code) else None


def columns_per_thread(format: FrameFormat) -> int:
    """Number of neighbouring pixels of a row that a thread of the colour kernels processes: COLUMNS in kernels.cu."""
    return 4 if format.width % 4 == 0 else 1 << format.pixel.sub_x


class PlaneLayout(NamedTuple):
    """Offsets of the planes in a packed frame, in bytes, and their pitches, in samples. Absent planes have 0.

    Attributes:
        luma: Offset of luma, or of green.
        u: Offset of Cb, or of blue.
        v: Offset of Cr, or of red; of the first Cr sample if Cb and Cr are interleaved.
        luma_pitch: Distance between rows of luma.
        chroma_pitch: Distance between rows of chroma.
        alpha: Offset of alpha.
    """

    luma: int
    u: int
    v: int
    luma_pitch: np.int32
    chroma_pitch: np.int32
    alpha: int


def plane_layout(format: FrameFormat) -> PlaneLayout:
    """The layout of a frame whose planes follow one another without padding, as in FrameFormat.split."""
    pixel, shapes = format.pixel, format.plane_shapes
    sizes = [rows * columns * pixel.dtype.itemsize for rows, columns in shapes]
    alpha = format.bytes - sizes[-1] if pixel.alpha else 0
    if not pixel.chroma:
        return PlaneLayout(0, 0, 0, np.int32(format.width), np.int32(0), alpha)
    u = sizes[0]
    v = u + (pixel.dtype.itemsize if pixel.interleaved else sizes[1])
    return PlaneLayout(0, u, v, np.int32(format.width), np.int32(shapes[1][1]), alpha)
