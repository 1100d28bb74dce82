from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.colour.psnr import psnr
from pipeline.errors import MismatchError
from pipeline.frame import Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.tiling import Tiling
from tests.superres.networks import MakeSession
from tests.superres.oracle import saturated, worst
from tests.superres.session_suite import SessionSuite


class TestOnnxCpuSession(SessionSuite):
    @pytest.fixture
    def make(self) -> MakeSession:
        return OnnxSession


class TestOnnxCpuSessionInTiles(SessionSuite):
    @pytest.fixture
    def make(self) -> MakeSession:
        def tiled(model: ModelSpec, source: FrameFormat, *others: Any) -> OnnxSession:
            columns, rows = (length // 4 * 2 for length in (source.width, source.height))
            tiling = Tiling(source.width, source.height, columns, rows, margin=2, ramp=2)
            return OnnxSession(model, source, *others, tiling=tiling)

        return tiled


def collected(model: ModelSpec, given: Frame, tiling: Tiling | None = None) -> tuple[NDArray[Any], ...]:
    with OnnxSession(model, given.format, tiling=tiling) as session:
        return session.collect(session.submit(given)).planes


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_frame_in_tiles_is_the_whole_one_where_the_margin_is_the_reach(
    small_format: FrameFormat, dtype: type[np.floating]
) -> None:
    given = saturated(replace(small_format, width=120, height=98))
    model = catalogue.find("clear-x2", dtype)
    whole = collected(model, given)
    tiled = collected(model, given, Tiling(120, 98, 64, 48, margin=model.receptive_field_radius, ramp=8))
    assert worst(whole, tiled, 0) <= 1
    assert all(psnr(a, b) > 60 for a, b in zip(whole, tiled, strict=True))


def test_a_tiling_of_another_size_is_refused_with_both_sides_named(small_format: FrameFormat) -> None:
    with pytest.raises(MismatchError, match=r"frames are 32x16, the tiling is for 64x64 in tiles of 32x32"):
        OnnxSession(catalogue.find("identity", np.float32), small_format, tiling=Tiling(64, 64, 32, 32))
