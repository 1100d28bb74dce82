"""Networks with known outputs, and how a session is opened for one: shared by the test suites of sessions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from pipeline.frame import FrameFormat
from pipeline.models import synthetic
from pipeline.models.inspection import inspect_model
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu.network import CpuCascade, CpuNetwork
from pipeline.superres.cpu.runtimes import ONNX_RUNTIME, CpuRuntime
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.session import Session
from pipeline.superres.tiling import Tiling
from tests.superres.oracle import largest_difference, oracle, saturated, tolerance

OpenSession = Callable[..., Session[Any]]  # of a model, a source format, and optionally an output format and a strength


def open_cpu_session(
    model: ModelSpec,
    source: FrameFormat,
    output: FrameFormat | None = None,
    tiling: Tiling | None = None,
    strength: float = 1.0,
) -> OnnxSession:
    """Open a session on the CPU that shares nothing."""
    return OnnxSession(load_on_cpu(model, source.width, source.height), source, output, tiling, strength)


def load_on_cpu(
    model: ModelSpec, width: int, height: int, runtime: CpuRuntime = ONNX_RUNTIME
) -> CpuNetwork | CpuCascade:
    """Load a network or a cascade for images of `width` x `height`."""
    networks: list[CpuNetwork] = []
    for step in model.steps or (model,):
        networks.append(CpuNetwork(step, (height, width), runtime))
        width, height = width * step.scale, height * step.scale
    return CpuCascade(model, networks) if model.steps else networks[0]


def quarter_tiles(source: FrameFormat) -> Tiling:
    """Overlapping tiles of about half the width and half the height of frames of `source`."""
    columns, rows = (length // 4 * 2 for length in (source.width, source.height))
    return Tiling(source.width, source.height, columns, rows, margin=2, ramp=2)


class Networks:
    """Fixtures of networks. Subclasses set the dtype of their tensors and define how a session is opened."""

    dtype: type[np.floating] = np.float32

    @pytest.fixture
    def open_session(self) -> OpenSession:
        raise NotImplementedError

    @pytest.fixture
    def identity(self, tmp_path: Path) -> ModelSpec:
        return self._saved(tmp_path, synthetic.identity(self.dtype))

    @pytest.fixture
    def nearest(self, tmp_path: Path) -> ModelSpec:
        return self._saved(tmp_path, synthetic.nearest(self.dtype))

    @pytest.fixture
    def identity_of_luma(self, tmp_path: Path) -> ModelSpec:
        return self._saved(tmp_path, synthetic.identity(self.dtype, channels=1))

    @pytest.fixture
    def nearest_of_luma(self, tmp_path: Path) -> ModelSpec:
        return self._saved(tmp_path, synthetic.nearest(self.dtype, channels=1))

    @pytest.fixture
    def overshooting(self, tmp_path: Path) -> ModelSpec:
        """Repeats each pixel and multiplies it by 1.5."""
        model = synthetic.nearest(self.dtype)
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(1.5, self.dtype), "half_again"))
        model.graph.node[-1].output[0] = "repeated"
        model.graph.node.append(onnx.helper.make_node("Mul", ["repeated", "half_again"], ["output"]))
        return self._saved(tmp_path, model)

    @staticmethod
    def _saved(folder: Path, model: Any) -> ModelSpec:
        path = folder / f"{model.graph.name}.onnx"
        path.write_bytes(model.SerializeToString())
        return inspect_model(path)

    def assert_close_to_oracle(
        self,
        open_session: OpenSession,
        model: ModelSpec,
        format: FrameFormat,
        output: FrameFormat | None = None,
    ) -> None:
        """Assert that a session around an identity is within the tolerance of float64."""
        frame = saturated(format)
        with open_session(model, format, output) as session:
            upscaled = session.collect(session.submit(frame))
            expected = oracle(frame, session.output)
            bound = tolerance(self.dtype, session.output)
            assert largest_difference(upscaled.planes, expected, session.output.pixel.shift) <= bound
            upscaled.release()
