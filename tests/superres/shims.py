"""The CUDA kernels compiled for the CPU by a C++ compiler, so that their arithmetic can be tested without a GPU."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config.target_fields import Size
from pipeline.frame import Frame, FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu import kernels
from pipeline.superres.tiling import Tile, Tiling

HERE = Path(__file__).parent

WRAPPERS = {
    kernels.COLOUR: """
extern "C" void run_to_rgb(const SAMPLE* y, const SAMPLE* u, const SAMPLE* v, int luma, int chroma, ELEMENT* rgb) {
    run(to_rgb, (WIDTH + COLUMNS - 1) / COLUMNS, HEIGHT, y, u, v, luma, chroma, rgb);
}
extern "C" void run_from_rgb(const ELEMENT* rgb, SAMPLE* y, SAMPLE* u, SAMPLE* v, int luma, int chroma) {
    run(from_rgb, (WIDTH + COLUMNS - 1) / COLUMNS, CHROMA_HEIGHT, rgb, y, u, v, luma, chroma);
}""",
    kernels.TILES: """
extern "C" void run_cut(const ELEMENT* rgb, ELEMENT* piece, int x, int y) {
    run(cut, TILE_WIDTH, TILE_HEIGHT, rgb, piece, x, y);
}
extern "C" void run_paste(const ELEMENT* piece, ELEMENT* rgb, int x, int y, int left, int top) {
    run(paste, SCALE * TILE_WIDTH, SCALE * TILE_HEIGHT, piece, rgb, x, y, left, top);
}""",
    kernels.ALPHA: """
extern "C" void run_enlarge(const GIVEN* given, SAMPLE* alpha) {
    run(enlarge, OUT_WIDTH, OUT_HEIGHT, given, alpha);
}
extern "C" void run_opaque(SAMPLE* alpha) { run(opaque, OUT_WIDTH, OUT_HEIGHT, alpha); }""",
    kernels.RESAMPLE: """
extern "C" void run_resample(const ELEMENT* given, ELEMENT* made) {
    run(resample, OUT_WIDTH, OUT_HEIGHT, given, made);
}""",
    kernels.BLEND: """
extern "C" void run_blend(const ELEMENT* given, ELEMENT* enlarged) {
    run(blend, SCALE * WIDTH, SCALE * HEIGHT, given, enlarged);
}""",
    kernels.ADAPT: """
extern "C" void run_adapt(const GIVEN* given, ELEMENT* made) { run(adapt, WIDTH, HEIGHT, given, made); }""",
    kernels.LIMIT: """
extern "C" void run_limit(const ELEMENT* given, ELEMENT* enlarged) { run(limit, WIDTH, HEIGHT, given, enlarged); }""",
    kernels.REDUCE: """
extern "C" void run_reduce(const ELEMENT* given, ELEMENT* reduced) {
    run(reduce, WIDTH * NUMERATOR / DENOMINATOR, HEIGHT * NUMERATOR / DENOMINATOR, given, reduced);
}""",
    kernels.LUMA: """
extern "C" void run_to_luma(const SAMPLE* y, const SAMPLE* u, const SAMPLE* v, int luma, int chroma, ELEMENT* made) {
    run(to_luma, WIDTH, HEIGHT, y, u, v, luma, chroma, made);
}
extern "C" void run_with_chroma(const ELEMENT* large, const SAMPLE* y, const SAMPLE* u, const SAMPLE* v, int luma,
                                int chroma, ELEMENT* rgb) {
    run(with_chroma, SCALE * WIDTH, SCALE * HEIGHT, large, y, u, v, luma, chroma, rgb);
}""",
}


def spec(dtype: type[np.floating] = np.float16, scale: int = 1, order: str = "rgb") -> ModelSpec:
    return ModelSpec("test", Path(), "", scale, np.dtype(dtype), "input", "output", order)


def shared_library(folder: Path, file: str, macros: dict[str, str]) -> ctypes.CDLL:
    """Compile the kernels in `file` with their wrappers to a shared library."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("NO C++ COMPILER: the arithmetic of the CUDA kernels was NOT checked; install g++")
    included_files = [name for name in kernels.INCLUDES[file] if name != "element.cu"]
    included = "".join(f'#include "{name}"\n' for name in ("kernel_shim.h", *included_files, file))
    defines = [f"-D{name}={value}" for name, value in macros.items()]
    includes = [f"-I{HERE}", f"-I{Path(kernels.__file__).parent}"]
    command = [compiler, "-O1", "-shared", "-fPIC", "-std=c++17", "-Wno-unknown-pragmas", *includes, *defines]
    folder.mkdir(exist_ok=True)
    library = folder / f"{Path(file).stem}.so"
    source = (included + WRAPPERS[file]).encode()
    subprocess.run([*command, "-x", "c++", "-", "-o", str(library)], input=source, check=True)
    return ctypes.CDLL(str(library))


def pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def samples(frame: Frame) -> NDArray[np.uint8]:
    """The planes of `frame`, concatenated as bytes."""
    return np.concatenate([np.ascontiguousarray(plane).view(np.uint8).ravel() for plane in frame.planes])


def planes_of(packed: NDArray[np.uint8], format: FrameFormat) -> list[Any]:
    """Addresses of luma, u and v of a packed frame, and their pitches: arguments of the kernels."""
    *offsets, luma_pitch, chroma_pitch, _ = kernels.plane_layout(format)
    addresses = [ctypes.c_void_p(packed.ctypes.data + offset) for offset in offsets]
    return [*addresses, ctypes.c_int(int(luma_pitch)), ctypes.c_int(int(chroma_pitch))]


class ColourShim:
    """kernels.cu for frames of `format`. Samples that it does not write stay 0xA5."""

    def __init__(
        self, folder: Path, format: FrameFormat, dtype: type[np.floating] = np.float32, dither: bool = False
    ) -> None:
        self._library = shared_library(folder, kernels.COLOUR, kernels.colour_macros(format, spec(dtype), dither))
        self._format = format
        self._dtype = dtype

    def to_rgb(self, packed: NDArray[np.uint8]) -> NDArray[np.floating]:
        rgb = np.full((3, self._format.height, self._format.width), np.nan, self._dtype)
        self._library.run_to_rgb(*planes_of(packed, self._format), pointer(rgb))
        return rgb

    def from_rgb(self, rgb: NDArray[np.floating]) -> NDArray[np.uint8]:
        packed = np.full(self._format.bytes, 0xA5, np.uint8)
        self._library.run_from_rgb(pointer(rgb), *planes_of(packed, self._format))
        return packed


class AlphaShim:
    """alpha.cu between frames of two formats."""

    def __init__(self, folder: Path, source: FrameFormat, output_format: FrameFormat) -> None:
        self._library = shared_library(folder, kernels.ALPHA, kernels.alpha_macros(source, output_format))
        self._source, self._output_format = source, output_format

    def __call__(self, packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A packed output frame in which only alpha was written."""
        output = np.full(self._output_format.bytes, 0xA5, np.uint8)
        alpha = ctypes.c_void_p(output.ctypes.data + kernels.plane_layout(self._output_format).alpha)
        if self._source.pixel.alpha:
            source = ctypes.c_void_p(packed.ctypes.data + kernels.plane_layout(self._source).alpha)
            self._library.run_enlarge(source, alpha)
        else:
            self._library.run_opaque(alpha)
        return output


class LumaShim:
    """luma.cu for frames of `format`, enlarged by `scale`."""

    def __init__(self, folder: Path, format: FrameFormat, scale: int, dtype: type[np.floating] = np.float32) -> None:
        self._library = shared_library(folder, kernels.LUMA, kernels.luma_macros(format, spec(dtype, scale, "y")))
        self._format, self._scale, self._dtype = format, scale, dtype

    def to_luma(self, packed: NDArray[np.uint8]) -> NDArray[np.floating]:
        luma = np.full((1, self._format.height, self._format.width), np.nan, self._dtype)
        self._library.run_to_luma(*planes_of(packed, self._format), pointer(luma))
        return luma

    def with_chroma(self, large: NDArray[np.floating], packed: NDArray[np.uint8]) -> NDArray[np.floating]:
        rgb = np.full((3, *large.shape[1:]), np.nan, self._dtype)
        self._library.run_with_chroma(pointer(large), *planes_of(packed, self._format), pointer(rgb))
        return rgb


class LimitShim:
    """limit.cu for the tensors of `model`, of frames of `format`."""

    def __init__(self, folder: Path, format: FrameFormat, model: ModelSpec) -> None:
        self._library = shared_library(folder, kernels.LIMIT, kernels.limit_macros(format, model))

    def __call__(self, source: NDArray[np.floating], enlarged: NDArray[np.floating]) -> None:
        """Limit `enlarged` in place."""
        self._library.run_limit(pointer(source), pointer(enlarged))


class ReduceShim:
    """reduce.cu for tensors of one shape, (planes, height, width)."""

    def __init__(self, folder: Path, shape: tuple[int, int, int], factor: Fraction) -> None:
        self._library = shared_library(folder, kernels.REDUCE, kernels.reduction_macros(*shape, factor))
        self._shape = (shape[0], int(shape[1] * factor), int(shape[2] * factor))

    def __call__(self, tensor: NDArray[np.float16]) -> NDArray[np.float16]:
        reduced = np.full(self._shape, np.nan, np.float16)
        self._library.run_reduce(pointer(tensor), pointer(reduced))
        return reduced


class ResampleShim:
    """resample.cu from one size (width, height) to another."""

    def __init__(self, folder: Path, given: Size, made: Size, dtype: type[np.floating] = np.float32) -> None:
        self._library = shared_library(folder, kernels.RESAMPLE, kernels.resample_macros(given, made, spec(dtype)))
        self._size, self._dtype = made, dtype

    def __call__(self, tensor: NDArray[np.floating]) -> NDArray[np.floating]:
        width, height = self._size
        made = np.full((3, height, width), np.nan, self._dtype)
        self._library.run_resample(pointer(tensor), pointer(made))
        return made


class BlendShim:
    """blend.cu for the tensors of `model`, of frames of `format`."""

    def __init__(
        self, folder: Path, format: FrameFormat, model: ModelSpec, strength: float, interleaved: bool = False
    ) -> None:
        macros = kernels.blend_macros(format, model, strength) | kernels.input_macros(interleaved)
        self._library = shared_library(folder, kernels.BLEND, macros)

    def __call__(self, source: NDArray[np.floating], enlarged: NDArray[np.floating]) -> None:
        """Blend `enlarged` with `source` in place."""
        self._library.run_blend(pointer(source), pointer(enlarged))


class AdaptShim:
    """adapt.cu between tensors of two models, of `size` (width, height)."""

    def __init__(
        self, folder: Path, given: ModelSpec, wanted: ModelSpec, size: Size, interleaved: bool = False
    ) -> None:
        macros = kernels.adapt_macros(given, wanted, *size) | kernels.input_macros(interleaved)
        self._library = shared_library(folder, kernels.ADAPT, macros)
        self._shape = (*size[::-1], 4) if interleaved else (wanted.channels, *size[::-1])
        self._dtype = wanted.dtype

    def __call__(self, tensor: NDArray[np.floating]) -> NDArray[np.floating]:
        made = np.full(self._shape, np.nan, self._dtype)
        self._library.run_adapt(pointer(tensor), pointer(made))
        return made


class TileShim:
    """tiles.cu for tiles of `tiling` on both sides of `model`."""

    def __init__(self, folder: Path, tiling: Tiling, model: ModelSpec) -> None:
        self._library = shared_library(folder, kernels.TILES, kernels.tile_macros(tiling, model))
        self._tiling, self._model = tiling, model

    def upscale(self, run: Callable[[NDArray[Any]], NDArray[Any]], tensor: NDArray[Any]) -> NDArray[Any]:
        tiling, scale = self._tiling, self._model.scale
        output_format = np.full((len(tensor), scale * tiling.height, scale * tiling.width), np.nan, self._model.dtype)
        for tile in tiling.tiles:
            piece = np.ascontiguousarray(run(self.cut(tensor, tile)[None])[0])
            self._library.run_paste(pointer(piece), pointer(output_format), tile.x, tile.y, tile.left, tile.top)
        return output_format

    def cut(self, tensor: NDArray[Any], tile: Tile) -> NDArray[Any]:
        piece = np.full((len(tensor), self._tiling.tile_height, self._tiling.tile_width), np.nan, self._model.dtype)
        self._library.run_cut(pointer(tensor), pointer(piece), tile.x, tile.y)
        return piece
