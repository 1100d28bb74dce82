"""The kernels compile for every GPU there is, once, and find their planes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

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
class TestTheyCompile:
    @pytest.mark.parametrize("arch", ARCHITECTURES)
    def test_for(self, arch: str) -> None:
        assert len(kernels.compile(kernels.COLOUR, kernels.colour_macros(HD, spec()), arch).code) > 1000
        assert len(kernels.compile(kernels.TILES, kernels.tile_macros(TILING, spec()), arch).code) > 1000
        assert len(kernels.compile(kernels.ALPHA, kernels.alpha_macros(DEEP, DEEP.enlarged(2)), arch).code) > 1000
        assert len(kernels.compile(kernels.LIMIT, kernels.limit_macros(DEEP, spec(scale=2)), arch).code) > 1000
        luma = kernels.luma_macros(HD, spec(scale=2, order="y"))
        assert len(kernels.compile(kernels.LUMA, luma, arch).code) > 1000

    @pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_for_every_pixel_format(self, pixel: str, dtype: type[np.floating]) -> None:
        format = replace(HD, pixel=PIXEL_FORMATS[pixel])
        assert kernels.compile(kernels.COLOUR, kernels.colour_macros(format, spec(dtype)), "sm_90").code

    @pytest.mark.parametrize("siting", list(Siting))
    def test_for_every_siting_and_dithered(self, siting: Siting) -> None:
        format = replace(HD, colour=Colour(1, False, siting=siting))
        assert kernels.compile(kernels.COLOUR, kernels.colour_macros(format, spec(), dither=True), "sm_90").code

    @pytest.mark.parametrize("pixel", ["yuv420p", "p010le", "yuv422p10le", "gbrp16le", "gray", "yuva444p16le"])
    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_for_luma_alone_and_its_chroma(self, pixel: str, dtype: type[np.floating]) -> None:
        macros = kernels.luma_macros(replace(HD, pixel=PIXEL_FORMATS[pixel]), spec(dtype, 3, "y"))
        assert kernels.compile(kernels.LUMA, macros, "sm_90").code

    @pytest.mark.parametrize(
        ("came", "leaves"), [("yuva420p", "yuva444p12le"), ("gbrap16le", "gbrap"), ("gray", "gbrap")]
    )
    def test_for_alpha_of_any_depth(self, came: str, leaves: str) -> None:
        formats = (replace(HD, pixel=PIXEL_FORMATS[name]) for name in (came, leaves))
        assert kernels.compile(kernels.ALPHA, kernels.alpha_macros(*formats), "sm_90").code

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


@pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
@pytest.mark.parametrize("size", [(40, 24), (36, 17), (34, 17), (33, 17)], ids=str)
class TestTheLayout:
    def test_says_where_the_planes_of_a_packed_frame_are(self, pixel: str, size: tuple[int, int]) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, False))
        packed = np.zeros(format.bytes, np.uint8)
        layout = kernels.layout(format)
        planes = format.split(packed)
        begin = [plane.ctypes.data - packed.ctypes.data for plane in planes]
        assert layout.luma == 0
        assert layout.luma_pitch == size[0]
        if format.pixel.alpha:
            assert layout.alpha == begin[-1]
        if format.pixel.chroma:
            assert layout.u == begin[1]
            assert layout.v == (begin[1] + format.pixel.dtype.itemsize if format.pixel.interleaved else begin[2])
            assert layout.chroma_pitch == planes[1].shape[1]

    def test_lets_every_word_lie_at_a_multiple_of_its_size(self, pixel: str, size: tuple[int, int]) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, False))
        layout, item = kernels.layout(format), format.pixel.dtype.itemsize
        word = kernels.columns(format) * item  # Samples in kernels.cu, written where rows are whole words
        if size[0] % kernels.columns(format) == 0:
            assert (layout.luma_pitch * item) % word == 0
        if format.pixel.chroma and not format.pixel.interleaved:
            group = word >> format.pixel.sub_x  # Chroma in kernels.cu, always written
            assert [place % group for place in (layout.u, layout.v, layout.chroma_pitch * item)] == [0, 0, 0]


def test_luma_of_rgb_needs_a_linear_matrix() -> None:
    with pytest.raises(InputError, match="bt2020c is not supported"):
        kernels.luma_macros(replace(HD, pixel=PIXEL_FORMATS["gbrp"], colour=Colour(10, False)), spec(order="y"))
