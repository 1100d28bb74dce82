"""The kernels compile for every GPU there is, once; colour is that of float64, tiles are pasted as NumPy does."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.colour.convert import to_rgb
from pipeline.errors import BackendError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Siting
from pipeline.models.spec import ModelSpec
from pipeline.superres import kernels
from pipeline.superres.tiling import Tile, Tiling, upscaled
from tests.superres.session_suite import LEVELS_OF_HALF, MIXED, oracle, saturated, worst

HERE = Path(__file__).parent
ARCHITECTURES = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]
HD = FrameFormat(1920, 1080, PIXEL_FORMATS["yuv420p"], Colour(1, False))


TILING = Tiling(1920, 1080, 664, 560, margin=10, ramp=8)


def spec(dtype: type[np.floating] = np.float16, scale: int = 1) -> ModelSpec:
    return ModelSpec("test", Path(), "", scale, np.dtype(dtype), "input", "output")


@pytest.fixture
def nvrtc() -> None:
    pytest.importorskip("cuda.core", reason="cuda-core is not installed: the kernels are not compiled")


@pytest.mark.usefixtures("nvrtc")
class TestTheyCompile:
    @pytest.mark.parametrize("arch", ARCHITECTURES)
    def test_for(self, arch: str) -> None:
        assert len(kernels.compile(kernels.COLOUR, kernels.colour_macros(HD, spec()), arch).code) > 1000
        assert len(kernels.compile(kernels.TILES, kernels.tile_macros(TILING, spec()), arch).code) > 1000

    @pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_for_every_pixel_format(self, pixel: str, dtype: type[np.floating]) -> None:
        format = replace(HD, pixel=PIXEL_FORMATS[pixel])
        assert kernels.compile(kernels.COLOUR, kernels.colour_macros(format, spec(dtype)), "sm_90").code

    @pytest.mark.parametrize("tiling", [TILING, Tiling(33, 17, 33, 8, margin=1), Tiling(32, 16, 32, 16)], ids=str)
    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_for_every_tiling(self, tiling: Tiling, dtype: type[np.floating]) -> None:
        assert kernels.compile(kernels.TILES, kernels.tile_macros(tiling, spec(dtype)), "sm_90").code

    def test_or_what_nvrtc_complains_of_is_passed_on(self) -> None:
        nonsense = kernels.colour_macros(HD, spec()) | {"WIDTH": "nonsense"}
        with pytest.raises(
            BackendError,
            match=r"NVRTC could not compile kernels\.cu for sm_90: [\s\S]*kernels\.cu\(\d+\)[\s\S]*nonsense",
        ):
            kernels.compile(kernels.COLOUR, nonsense, "sm_90")


@pytest.mark.usefixtures("nvrtc")
class TestWhatWasCompiledIsKept:
    MACROS = kernels.tile_macros(TILING, spec())

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("UPREZ_CACHE", str(tmp_path))
        return tmp_path / "kernels"

    def test_and_not_compiled_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        compiled = kernels.compile(kernels.TILES, self.MACROS, "sm_90")
        monkeypatch.setattr("cuda.core.Program", None)
        again = kernels.compile(kernels.TILES, dict(reversed(self.MACROS.items())), "sm_90")
        assert (again.code, again.code_type) == (compiled.code, "cubin")

    def test_but_for_other_macros_files_and_architectures_others_are(self, folder: Path) -> None:
        for file, macros, arch in (
            (kernels.TILES, self.MACROS, "sm_90"),
            (kernels.TILES, self.MACROS, "sm_80"),
            (kernels.TILES, self.MACROS | {"RAMP": "4"}, "sm_90"),
            (kernels.COLOUR, kernels.colour_macros(HD, spec()), "sm_90"),
        ):
            kernels.compile(file, macros, arch)
        assert len(list(folder.glob("*.cubin"))) == 4

    def test_and_for_another_nvrtc_too(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        kernels.compile(kernels.TILES, self.MACROS, "sm_90")
        monkeypatch.setattr("cuda.bindings.nvrtc.nvrtcVersion", lambda: (0, 99, 0))
        kernels.compile(kernels.TILES, self.MACROS, "sm_90")
        assert len(list(folder.glob("*.cubin"))) == 2

    @pytest.mark.parametrize("spoil", [lambda kept: b"", lambda kept: kept[:-1], lambda kept: kept[:32] + b"junk"])
    def test_but_compiled_anew_where_it_is_not_whole(self, folder: Path, spoil: Callable[[bytes], bytes]) -> None:
        compiled = kernels.compile(kernels.TILES, self.MACROS, "sm_90")
        (kept,) = folder.glob("*.cubin")
        whole = kept.read_bytes()
        kept.write_bytes(spoil(whole))
        assert kernels.compile(kernels.TILES, self.MACROS, "sm_90").code == compiled.code
        assert kept.read_bytes() == whole


def shared_library(folder: Path, macros: dict[str, str], source: str) -> ctypes.CDLL:
    """`source` in C++, which includes kernel_shim.cpp: the kernels compiled for the CPU."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("NO C++ COMPILER: the arithmetic of the CUDA kernels was NOT checked; install g++")
    defines = [f"-D{name}={value}" for name, value in macros.items()]
    includes = [f"-I{HERE}", f"-I{Path(kernels.__file__).parent}"]
    command = [compiler, "-O1", "-shared", "-fPIC", "-std=c++17", "-Wno-unknown-pragmas", *includes, *defines]
    library = folder / "shim.so"
    subprocess.run([*command, "-x", "c++", "-", "-o", str(library)], input=source.encode(), check=True)
    return ctypes.CDLL(str(library))


def pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class Shim:
    """kernels.cu compiled for the CPU."""

    def __init__(self, folder: Path, format: FrameFormat, dtype: type[np.floating]) -> None:
        macros = kernels.colour_macros(format, spec(dtype))
        self._library = shared_library(folder, macros, '#include "kernel_shim.cpp"')
        self._layout = kernels.layout(format)
        self._format = format
        self._dtype = dtype

    def to_rgb(self, packed: NDArray[np.uint8]) -> NDArray[np.floating]:
        rgb = np.full((3, self._format.height, self._format.width), np.nan, self._dtype)
        self._library.run_to_rgb(*self._planes(packed), *self._pitches(), pointer(rgb))
        return rgb

    def from_rgb(self, rgb: NDArray[np.floating]) -> NDArray[np.uint8]:
        packed = np.full(self._format.bytes, 0xA5, np.uint8)
        self._library.run_from_rgb(pointer(rgb), *self._planes(packed), *self._pitches())
        return packed

    def _planes(self, packed: NDArray[np.uint8]) -> list[ctypes.c_void_p]:
        return [ctypes.c_void_p(packed.ctypes.data + offset) for offset in self._layout[:3]]

    def _pitches(self) -> list[ctypes.c_int]:
        return [ctypes.c_int(int(pitch)) for pitch in self._layout[3:]]


CASES = [
    (PIXEL_FORMATS[pixel], Colour(matrix, full, siting=siting), size)
    for pixel, matrix, full, siting, size in (
        ("yuv420p", 1, False, Siting.LEFT, (40, 24)),
        ("yuv420p", 5, True, Siting.CENTRE, (40, 24)),
        ("yuv420p", 9, False, Siting.TOP_LEFT, (33, 17)),
        ("nv12", 1, False, Siting.LEFT, (40, 24)),
        ("nv12", 6, True, Siting.LEFT, (33, 17)),
        ("yuv422p", 1, False, Siting.LEFT, (40, 24)),
        ("yuv444p", 1, False, Siting.LEFT, (33, 17)),
        ("gray", 1, False, Siting.LEFT, (33, 17)),
        ("yuv420p10le", 9, False, Siting.TOP_LEFT, (40, 24)),
        ("p010le", 9, False, Siting.LEFT, (40, 24)),
        ("yuv422p12le", 1, True, Siting.CENTRE, (33, 17)),
        ("yuv420p16le", 9, False, Siting.LEFT, (40, 24)),
        ("yuv422p16le", 1, False, Siting.LEFT, (33, 17)),
        ("yuv444p16le", 1, True, Siting.LEFT, (40, 24)),
        ("gray16le", 1, False, Siting.LEFT, (33, 17)),
        ("gbrp", 1, False, Siting.LEFT, (40, 24)),
        ("gbrp", 5, True, Siting.LEFT, (33, 17)),
        ("gbrp10le", 9, False, Siting.LEFT, (40, 24)),
        ("gbrp12le", 1, False, Siting.LEFT, (33, 17)),
        ("gbrp16le", 10, False, Siting.LEFT, (40, 24)),
    )
]


@pytest.mark.parametrize(("pixel", "colour", "size"), CASES, ids=lambda value: getattr(value, "name", None))
def test_their_arithmetic_is_within_a_level_of_float64(
    tmp_path: Path, pixel: object, colour: Colour, size: tuple[int, int]
) -> None:
    format = FrameFormat(*size, pixel, colour)  # type: ignore[arg-type]
    shim = Shim(tmp_path, format, np.float32)
    frame = saturated(format)
    rgb = shim.to_rgb(samples(frame))
    exact = np.empty((3, size[1], size[0]))
    to_rgb(frame.planes, format, exact)
    np.testing.assert_allclose(rgb, exact, atol=2e-6)

    assert worst(format.split(shim.from_rgb(rgb)), oracle(frame, format), format.pixel.shift) <= 1


@pytest.mark.parametrize("pixel", ["gbrp", "gbrp10le", "gbrp12le", "gbrp16le", "yuv444p16le", "gray16le"])
@pytest.mark.parametrize("size", [(40, 24), (33, 17)], ids=["in words", "not"])
def test_what_has_no_chroma_to_filter_comes_back_exactly_in_fp32(
    tmp_path: Path, pixel: str, size: tuple[int, int]
) -> None:
    format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, False))
    shim = Shim(tmp_path, format, np.float32)
    packed = samples(saturated(format))
    np.testing.assert_array_equal(shim.from_rgb(shim.to_rgb(packed)), packed)


@pytest.mark.parametrize(("came", "leaves"), MIXED, ids=str)
def test_rgb_becomes_yuv_and_yuv_rgb_within_a_level_of_float64(tmp_path: Path, came: str, leaves: str) -> None:
    format = FrameFormat(34, 18, PIXEL_FORMATS[came], Colour(9, False))
    result = replace(format, pixel=PIXEL_FORMATS[leaves])
    frame = saturated(format)
    first, last = (tmp_path / name for name in ("first", "last"))
    for folder in (first, last):
        folder.mkdir()
    rgb = Shim(first, format, np.float32).to_rgb(samples(frame))
    assert worst(result.split(Shim(last, result, np.float32).from_rgb(rgb)), oracle(frame, result), 0) <= 1


@pytest.mark.parametrize("pixel", ["yuv420p", "gbrp", "gbrp10le", "yuv420p12le", "yuv444p16le"])
def test_half_precision_is_within_a_level_of_float64_up_to_10_bits(tmp_path: Path, pixel: str) -> None:
    format = FrameFormat(40, 24, PIXEL_FORMATS[pixel], Colour(1, False))
    shim = Shim(tmp_path, format, np.float16)
    frame = saturated(format)
    levels = LEVELS_OF_HALF.get(format.pixel.depth, 1)
    assert worst(format.split(shim.from_rgb(shim.to_rgb(samples(frame)))), oracle(frame, format), 0) <= levels


def samples(frame: Frame) -> NDArray[np.uint8]:
    """The planes of `frame` one behind the other."""
    return np.concatenate([np.ascontiguousarray(plane).view(np.uint8).ravel() for plane in frame.planes])


TILE_SHIM = """
#include "kernel_shim.cpp"
#include "tiles.cu"

extern "C" void run_cut(const ELEMENT* rgb, ELEMENT* piece, int x, int y) {
    run(cut, TILE_WIDTH, TILE_HEIGHT, rgb, piece, x, y);
}

extern "C" void run_paste(const ELEMENT* piece, ELEMENT* rgb, int x, int y, int left, int top) {
    run(paste, SCALE * TILE_WIDTH, SCALE * TILE_HEIGHT, piece, rgb, x, y, left, top);
}
"""


class TileShim:
    """tiles.cu compiled for the CPU."""

    def __init__(self, folder: Path, tiling: Tiling, model: ModelSpec) -> None:
        format = FrameFormat(tiling.width, tiling.height, PIXEL_FORMATS["yuv420p"], Colour(1, False))
        macros = kernels.colour_macros(format, model) | kernels.tile_macros(tiling, model)
        self._library = shared_library(folder, macros, TILE_SHIM)
        self._tiling, self._model = tiling, model

    def upscaled(self, run: Callable[[NDArray[Any]], NDArray[Any]], rgb: NDArray[Any]) -> NDArray[Any]:
        tiling, scale = self._tiling, self._model.scale
        result = np.full((3, scale * tiling.height, scale * tiling.width), np.nan, self._model.dtype)
        for tile in tiling.tiles:
            piece = np.ascontiguousarray(run(self.cut(rgb, tile)[None])[0])
            self._library.run_paste(pointer(piece), pointer(result), tile.x, tile.y, tile.left, tile.top)
        return result

    def cut(self, rgb: NDArray[Any], tile: Tile) -> NDArray[Any]:
        piece = np.full((3, self._tiling.tile_height, self._tiling.tile_width), np.nan, self._model.dtype)
        self._library.run_cut(pointer(rgb), pointer(piece), tile.x, tile.y)
        return piece


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(
    ("tiling", "scale"),
    [
        (Tiling(70, 50, 32, 24, margin=3, ramp=4), 2),
        (Tiling(71, 53, 32, 20, margin=4, ramp=3), 3),
        (Tiling(71, 53, 16, 53, margin=5), 1),
        (Tiling(33, 90, 33, 22, ramp=9), 4),
        (Tiling(40, 30, 40, 30), 2),
    ],
    ids=str,
)
def test_tiles_are_cut_and_pasted_as_numpy_does(
    tmp_path: Path, tiling: Tiling, scale: int, dtype: type[np.floating]
) -> None:
    rgb = np.random.default_rng(0).random((3, tiling.height, tiling.width)).astype(dtype)

    def run(tile: NDArray[Any]) -> NDArray[Any]:
        """Tiles disagree: each is moved by its own first pixel, and no two pixels of it are alike."""
        enlarged = tile.repeat(scale, 2).repeat(scale, 3) + tile[0, 0, 0, 0]
        return enlarged * np.linspace(0.5, 1, enlarged[0, 0].size, dtype=dtype).reshape(enlarged.shape[2:])

    pasted = TileShim(tmp_path, tiling, spec(dtype, scale)).upscaled(run, rgb)
    # A compiler may multiply and add in one step.
    np.testing.assert_array_max_ulp(pasted, upscaled(run, rgb, scale, tiling), maxulp=1)


def test_a_tile_is_cut_where_it_lies(tmp_path: Path) -> None:
    tiling = Tiling(41, 31, 16, 12, margin=1, ramp=2)
    rgb = np.arange(3 * 31 * 41, dtype=np.float32).reshape(3, 31, 41)
    shim = TileShim(tmp_path, tiling, spec(np.float32))
    for tile in tiling.tiles:
        expected = rgb[:, tile.y : tile.y + 12, tile.x : tile.x + 16]
        np.testing.assert_array_equal(shim.cut(rgb, tile), expected)
