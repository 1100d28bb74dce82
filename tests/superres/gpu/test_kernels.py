"""Compilation of the kernels, their cache, and the layout of planes."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.target_fields import Size
from pipeline.errors import BackendError, InputError
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Siting
from pipeline.superres.gpu import kernels
from pipeline.superres.tiling import Tiling
from tests.superres.shims import spec

ARCHITECTURES = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]
HD = FrameFormat(1920, 1080, PIXEL_FORMATS["yuv420p"], Colour(1, False))
DEEP = FrameFormat(1920, 1080, PIXEL_FORMATS["yuva444p10le"], Colour(1, False))
TILING = Tiling(1920, 1080, 664, 560, margin=10, ramp=8)


@pytest.fixture
def nvrtc() -> None:
    pytest.importorskip("cuda.core", reason="cuda-core is not installed: the kernels are not compiled")


@pytest.mark.usefixtures("nvrtc")
class TestCompilation:
    @pytest.mark.parametrize("arch", ARCHITECTURES)
    def test_all_kernels_compile_for_every_architecture(self, arch: str) -> None:
        assert len(kernels.compile_kernels(kernels.COLOUR, kernels.colour_macros(HD, spec()), arch).code) > 1000
        assert len(kernels.compile_kernels(kernels.TILES, kernels.tile_macros(TILING, spec()), arch).code) > 1000
        assert (
            len(kernels.compile_kernels(kernels.ALPHA, kernels.alpha_macros(DEEP, DEEP.enlarged(2)), arch).code) > 1000
        )
        assert len(kernels.compile_kernels(kernels.LIMIT, kernels.limit_macros(DEEP, spec(scale=2)), arch).code) > 1000
        reduction = kernels.reduction_macros(3, 540, 960, Fraction(3, 4))
        assert len(kernels.compile_kernels(kernels.REDUCE, reduction, arch).code) > 1000
        luma = kernels.luma_macros(HD, spec(scale=2, order="y"))
        assert len(kernels.compile_kernels(kernels.LUMA, luma, arch).code) > 1000
        resample = kernels.resample_macros((2880, 2304), (3840, 2160), spec())
        assert len(kernels.compile_kernels(kernels.RESAMPLE, resample, arch).code) > 1000
        assert (
            len(kernels.compile_kernels(kernels.BLEND, kernels.blend_macros(HD, spec(scale=2), 0.7), arch).code) > 1000
        )
        adapt = kernels.adapt_macros(spec(), spec(), 1920, 1080) | kernels.input_macros(interleaved=True)
        assert len(kernels.compile_kernels(kernels.ADAPT, adapt, arch).code) > 1000

    @pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_colour_kernels_compile_for_every_pixel_format(self, pixel: str, dtype: type[np.floating]) -> None:
        format = replace(HD, pixel=PIXEL_FORMATS[pixel])
        assert kernels.compile_kernels(kernels.COLOUR, kernels.colour_macros(format, spec(dtype)), "sm_90").code

    @pytest.mark.parametrize("siting", list(Siting))
    def test_colour_kernels_compile_with_dither_for_every_siting(self, siting: Siting) -> None:
        format = replace(HD, colour=Colour(1, False, siting=siting))
        assert kernels.compile_kernels(kernels.COLOUR, kernels.colour_macros(format, spec(), dither=True), "sm_90").code

    @pytest.mark.parametrize("pixel", ["yuv420p", "p010le", "yuv422p10le", "gbrp16le", "gray", "yuva444p16le"])
    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_luma_kernels_compile_for_every_kind_of_format(self, pixel: str, dtype: type[np.floating]) -> None:
        macros = kernels.luma_macros(replace(HD, pixel=PIXEL_FORMATS[pixel]), spec(dtype, 3, "y"))
        assert kernels.compile_kernels(kernels.LUMA, macros, "sm_90").code

    @pytest.mark.parametrize(
        ("source", "output"), [("yuva420p", "yuva444p12le"), ("gbrap16le", "gbrap"), ("gray", "gbrap")]
    )
    def test_alpha_kernels_compile_for_any_depth(self, source: str, output: str) -> None:
        formats = (replace(HD, pixel=PIXEL_FORMATS[name]) for name in (source, output))
        assert kernels.compile_kernels(kernels.ALPHA, kernels.alpha_macros(*formats), "sm_90").code

    @pytest.mark.parametrize("size", [(3840, 2160), (64, 64), (1440, 1080), (7680, 8)], ids=str)
    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_the_resampling_kernel_compiles_for_any_factor(self, size: Size, dtype: type[np.floating]) -> None:
        macros = kernels.resample_macros((3840, 2160), size, spec(dtype))
        assert kernels.compile_kernels(kernels.RESAMPLE, macros, "sm_90").code

    @pytest.mark.parametrize("given", [np.float16, np.float32])
    @pytest.mark.parametrize("wanted", [np.float16, np.float32])
    @pytest.mark.parametrize("interleaved", [False, True])
    def test_the_kernel_between_networks_compiles_for_all_types_and_layouts(
        self, given: type[np.floating], wanted: type[np.floating], interleaved: bool
    ) -> None:
        macros = kernels.adapt_macros(spec(given), spec(wanted), 64, 32) | kernels.input_macros(interleaved)
        assert kernels.compile_kernels(kernels.ADAPT, macros, "sm_90").code

    @pytest.mark.parametrize("scale", [1, 2, 4])
    @pytest.mark.parametrize("interleaved", [False, True])
    def test_the_kernel_of_strength_compiles_for_any_factor(self, scale: int, interleaved: bool) -> None:
        macros = kernels.blend_macros(HD, spec(scale=scale), 0.5) | kernels.input_macros(interleaved)
        assert kernels.compile_kernels(kernels.BLEND, macros, "sm_90").code

    @pytest.mark.parametrize("tiling", [TILING, Tiling(33, 17, 33, 8, margin=1), Tiling(32, 16, 32, 16)], ids=str)
    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_tile_kernels_compile_for_any_tiling(self, tiling: Tiling, dtype: type[np.floating]) -> None:
        assert kernels.compile_kernels(kernels.TILES, kernels.tile_macros(tiling, spec(dtype)), "sm_90").code

    def test_the_error_contains_the_log_of_nvrtc(self) -> None:
        nonsense = kernels.colour_macros(HD, spec()) | {"WIDTH": "nonsense"}
        with pytest.raises(
            BackendError,
            match=r"NVRTC could not compile kernels\.cu for sm_90: [\s\S]*kernels\.cu\(\d+\)[\s\S]*nonsense",
        ):
            kernels.compile_kernels(kernels.COLOUR, nonsense, "sm_90")


@pytest.mark.usefixtures("nvrtc")
class TestCache:
    MACROS = kernels.tile_macros(TILING, spec())

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("UPREZ_CACHE", str(tmp_path))
        return tmp_path / "kernels"

    def test_kernels_are_compiled_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        compiled = kernels.compile_kernels(kernels.TILES, self.MACROS, "sm_90")
        monkeypatch.setattr("cuda.core.Program", None)
        again = kernels.compile_kernels(kernels.TILES, dict(reversed(self.MACROS.items())), "sm_90")
        assert (again.code, again.code_type) == (compiled.code, "cubin")

    def test_other_macros_files_and_architectures_are_compiled_separately(self, folder: Path) -> None:
        for file, macros, arch in (
            (kernels.TILES, self.MACROS, "sm_90"),
            (kernels.TILES, self.MACROS, "sm_80"),
            (kernels.TILES, self.MACROS | {"RAMP": "4"}, "sm_90"),
            (kernels.COLOUR, kernels.colour_macros(HD, spec()), "sm_90"),
        ):
            kernels.compile_kernels(file, macros, arch)
        assert len(list(folder.glob("*.cubin"))) == 4

    def test_another_version_of_nvrtc_compiles_again(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        kernels.compile_kernels(kernels.TILES, self.MACROS, "sm_90")
        monkeypatch.setattr("cuda.bindings.nvrtc.nvrtcVersion", lambda: (0, 99, 0))
        kernels.compile_kernels(kernels.TILES, self.MACROS, "sm_90")
        assert len(list(folder.glob("*.cubin"))) == 2

    @pytest.mark.parametrize(
        "spoil", [lambda content: b"", lambda content: content[:-1], lambda content: content[:32] + b"junk"]
    )
    def test_a_damaged_file_is_compiled_again(self, folder: Path, spoil: Callable[[bytes], bytes]) -> None:
        compiled = kernels.compile_kernels(kernels.TILES, self.MACROS, "sm_90")
        (path,) = folder.glob("*.cubin")
        content = path.read_bytes()
        path.write_bytes(spoil(content))
        assert kernels.compile_kernels(kernels.TILES, self.MACROS, "sm_90").code == compiled.code
        assert path.read_bytes() == content


@pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
@pytest.mark.parametrize("size", [(40, 24), (36, 17), (34, 17), (33, 17)], ids=str)
class TestLayout:
    def test_the_layout_matches_the_planes_of_a_packed_frame(self, pixel: str, size: tuple[int, int]) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, False))
        packed = np.zeros(format.bytes, np.uint8)
        layout = kernels.plane_layout(format)
        planes = format.split(packed)
        offsets = [plane.ctypes.data - packed.ctypes.data for plane in planes]
        assert layout.luma == 0
        assert layout.luma_pitch == size[0]
        if format.pixel.alpha:
            assert layout.alpha == offsets[-1]
        if format.pixel.chroma:
            assert layout.u == offsets[1]
            assert layout.v == (offsets[1] + format.pixel.dtype.itemsize if format.pixel.interleaved else offsets[2])
            assert layout.chroma_pitch == planes[1].shape[1]

    def test_words_are_aligned_to_their_size(self, pixel: str, size: tuple[int, int]) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, False))
        layout, item = kernels.plane_layout(format), format.pixel.dtype.itemsize
        word = kernels.columns_per_thread(format) * item  # Samples in kernels.cu, written where rows are whole words
        if size[0] % kernels.columns_per_thread(format) == 0:
            assert (layout.luma_pitch * item) % word == 0
        if format.pixel.chroma and not format.pixel.interleaved:
            group = word >> format.pixel.sub_x  # Chroma in kernels.cu, always written
            assert [place % group for place in (layout.u, layout.v, layout.chroma_pitch * item)] == [0, 0, 0]


def test_luma_of_rgb_requires_a_linear_matrix() -> None:
    with pytest.raises(InputError, match="bt2020c is not supported"):
        kernels.luma_macros(replace(HD, pixel=PIXEL_FORMATS["gbrp"], colour=Colour(10, False)), spec(order="y"))
