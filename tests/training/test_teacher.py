"""A teacher enlarges pictures as the mean over orientations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.pictures import scene
from training.recipe import NetworkRecipe, TeacherRecipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own

CPU = torch.device("cpu")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An untrained network."""
    from training.export import write_models
    from training.networks.build import build_network

    stack = build_network(NetworkRecipe(kind="gated", features=8, layers=2), seed=1).stack()
    return write_models(stack, tmp_path, "teacher", {})["fp32"]


def picture() -> Any:
    return torch.from_numpy(scene(0, (30, 44))).permute(2, 0, 1)


def test_without_an_ensemble_the_output_is_that_of_the_model(model: Path) -> None:
    import onnxruntime

    from training.teacher import load_teacher

    output = load_teacher(model, TeacherRecipe(name="t", licence="l", ensemble=1), 2, CPU)(picture())
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"input": picture()[None].numpy().astype(np.float32) / 255})
    assert np.abs(output.numpy() - (expected[0] * 255).clip(0, 255)).max() <= 0.51


def test_an_ensemble_commutes_with_flips_and_rotations(model: Path) -> None:
    from training.teacher import load_teacher

    teach = load_teacher(model, TeacherRecipe(name="t", licence="l"), 2, CPU)
    changes: list[Callable[[Any], Any]] = [lambda t: t.flip(1), lambda t: t.flip(2), lambda t: t.transpose(1, 2)]
    for change in changes:
        difference = teach(change(picture())).int() - change(teach(picture())).int()
        assert difference.abs().max() <= 1, "but for the rounding of sums in another order"


def test_a_teacher_of_another_scale_is_refused(model: Path) -> None:
    from training.teacher import load_teacher

    with pytest.raises(ValueError, match="has scale 2 and 3 planes, not 4 and 3"):
        load_teacher(model, TeacherRecipe(name="t", licence="l"), 4, CPU)
