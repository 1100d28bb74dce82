"""Networks whose answer is known, and how a session around one is made: what suites of tests share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from pipeline.frame import FrameFormat
from pipeline.models import synthetic
from pipeline.models.inspection import inspect
from pipeline.models.spec import ModelSpec
from pipeline.superres.session import Session
from tests.superres.oracle import levels, oracle, saturated, worst

MakeSession = Callable[..., Session[Any]]


class Networks:
    """Children say what their tensors are of, and how a session is made."""

    dtype: type[np.floating] = np.float32

    @pytest.fixture
    def make(self) -> MakeSession:
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
        """Repeats each pixel, half as bright again."""
        model = synthetic.nearest(self.dtype)
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(1.5, self.dtype), "half_again"))
        model.graph.node[-1].output[0] = "repeated"
        model.graph.node.append(onnx.helper.make_node("Mul", ["repeated", "half_again"], ["output"]))
        return self._saved(tmp_path, model)

    @staticmethod
    def _saved(folder: Path, model: Any) -> ModelSpec:
        path = folder / f"{model.graph.name}.onnx"
        path.write_bytes(model.SerializeToString())
        return inspect(path)

    def assert_close_to_oracle(
        self, make: MakeSession, model: ModelSpec, format: FrameFormat, result: FrameFormat | None = None
    ) -> None:
        given = saturated(format)
        with make(model, format, result) as session:
            done = session.collect(session.submit(given))
            bound = levels(self.dtype, session.result)
            assert worst(done.planes, oracle(given, session.result), session.result.pixel.shift) <= bound
            done.release()
