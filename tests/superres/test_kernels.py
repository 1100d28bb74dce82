"""The colour kernels: they compile for every GPU there is, and their arithmetic is that of float64."""

import ctypes
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.colour.convert import to_rgb
from pipeline.errors import BackendError
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Siting
from pipeline.models.spec import ModelSpec
from pipeline.superres import kernels
from tests.superres.session_suite import oracle, saturated, worst

HERE = Path(__file__).parent
ARCHITECTURES = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]
HD = FrameFormat(1920, 1080, PIXEL_FORMATS["yuv420p"], Colour(1, False))


def spec(dtype: type[np.floating] = np.float16) -> ModelSpec:
    return ModelSpec("test", Path(), "", 1, np.dtype(dtype), "input", "output")


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_they_compile_for(arch: str) -> None:
    pytest.importorskip("cuda.core", reason="cuda-core is not installed: the kernels are not compiled")
    assert len(kernels.compile(kernels.macros(HD, spec()), arch).code) > 1000


@pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
def test_they_compile_for_every_pixel_format(pixel: str) -> None:
    pytest.importorskip("cuda.core", reason="cuda-core is not installed: the kernels are not compiled")
    format = replace(HD, pixel=PIXEL_FORMATS[pixel])
    for dtype in (np.float16, np.float32):
        assert kernels.compile(kernels.macros(format, spec(dtype)), "sm_90").code


def test_what_nvrtc_complains_of_is_passed_on() -> None:
    pytest.importorskip("cuda.core", reason="cuda-core is not installed: the kernels are not compiled")
    with pytest.raises(BackendError, match="NVRTC could not compile"):
        kernels.compile(kernels.macros(HD, spec()) | {"WIDTH": "nonsense"}, "sm_90")


class Shim:
    """kernels.cu compiled for the CPU."""

    def __init__(self, folder: Path, format: FrameFormat, dtype: type[np.floating]) -> None:
        compiler = shutil.which("g++")
        if compiler is None:
            pytest.skip("NO C++ COMPILER: the arithmetic of the CUDA kernels was NOT checked; install g++")
        defines = [f"-D{name}={value}" for name, value in kernels.macros(format, spec(dtype)).items()]
        library = folder / "shim.so"
        sources = Path(kernels.__file__).parent
        command = [compiler, "-O1", "-shared", "-fPIC", "-std=c++17", "-Wno-unknown-pragmas", f"-I{sources}"]
        subprocess.run([*command, *defines, str(HERE / "kernel_shim.cpp"), "-o", str(library)], check=True)
        self._library = ctypes.CDLL(str(library))
        self._layout = kernels.layout(format)
        self._format = format
        self._dtype = dtype

    def to_rgb(self, packed: NDArray[np.uint8]) -> NDArray[np.floating]:
        rgb = np.full((3, self._format.height, self._format.width), np.nan, self._dtype)
        self._library.run_to_rgb(*self._planes(packed), *self._pitches(), ctypes.c_void_p(rgb.ctypes.data))
        return rgb

    def from_rgb(self, rgb: NDArray[np.floating]) -> NDArray[np.uint8]:
        packed = np.full(self._format.bytes, 0xA5, np.uint8)
        self._library.run_from_rgb(ctypes.c_void_p(rgb.ctypes.data), *self._planes(packed), *self._pitches())
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
    )
]


@pytest.mark.parametrize(("pixel", "colour", "size"), CASES, ids=lambda value: getattr(value, "name", None))
def test_their_arithmetic_is_within_a_level_of_float64(
    tmp_path: Path, pixel: object, colour: Colour, size: tuple[int, int]
) -> None:
    format = FrameFormat(*size, pixel, colour)  # type: ignore[arg-type]
    shim = Shim(tmp_path, format, np.float32)
    frame = saturated(format)
    packed = np.concatenate([np.ascontiguousarray(plane).view(np.uint8).ravel() for plane in frame.planes])

    rgb = shim.to_rgb(packed)
    exact = np.empty((3, size[1], size[0]))
    to_rgb(frame.planes, format, exact)
    np.testing.assert_allclose(rgb, exact, atol=2e-6)

    assert worst(format.split(shim.from_rgb(rgb)), oracle(frame, format), format.pixel.shift) <= 1


def test_half_precision_is_within_a_level_of_float64(tmp_path: Path) -> None:
    format = FrameFormat(40, 24, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    shim = Shim(tmp_path, format, np.float16)
    frame = saturated(format)
    packed = np.concatenate([plane.ravel() for plane in frame.planes])
    assert worst(format.split(shim.from_rgb(shim.to_rgb(packed))), oracle(frame, format), 0) <= 1
