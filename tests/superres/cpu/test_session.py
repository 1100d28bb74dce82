"""The session on the CPU."""

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
from tests.superres.networks import OpenSession, open_cpu_session, quarter_tiles
from tests.superres.oracle import largest_difference, saturated
from tests.superres.session_suite import SessionSuite


class TestOnnxSession(SessionSuite):
    @pytest.fixture
    def open_session(self) -> OpenSession:
        return open_cpu_session


class TestOnnxSessionInTiles(SessionSuite):
    @pytest.fixture
    def open_session(self) -> OpenSession:
        def open_tiled(
            model: ModelSpec, source: FrameFormat, output: FrameFormat | None = None, strength: float = 1.0
        ) -> OnnxSession:
            return open_cpu_session(model, source, output, quarter_tiles(source), strength)

        return open_tiled


def upscale(model: ModelSpec, frame: Frame, tiling: Tiling | None = None) -> tuple[NDArray[Any], ...]:
    with open_cpu_session(model, frame.format, tiling=tiling) as session:
        return session.collect(session.submit(frame)).planes


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_tiles_give_the_same_frame_if_the_margin_is_the_receptive_field(
    small_format: FrameFormat, dtype: type[np.floating]
) -> None:
    frame = saturated(replace(small_format, width=120, height=98))
    model = catalogue.find("clear-x2", dtype)
    complete = upscale(model, frame)
    assert model.receptive_field_radius is not None
    tiled = upscale(model, frame, Tiling(120, 98, 64, 48, margin=model.receptive_field_radius, ramp=8))
    assert largest_difference(complete, tiled, 0) <= 1
    assert all(psnr(a, b) > 60 for a, b in zip(complete, tiled, strict=True))


def test_a_tiling_for_another_size_is_refused_and_both_sizes_are_named(small_format: FrameFormat) -> None:
    with pytest.raises(MismatchError, match=r"frames are 32x16, the tiling is for 64x64 in tiles of 32x32"):
        open_cpu_session(catalogue.find("identity", np.float32), small_format, tiling=Tiling(64, 64, 32, 32))
