"""Losses are those of the recipe."""

from __future__ import annotations

from typing import Any

import pytest

from tests.training.recipes import PHASE
from training.recipe import PhaseRecipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own

GREY = 0.25  # an error of this size in all channels is as large in luma


def loss(**changes: Any) -> float:
    from training.loss import Loss
    from training.patch_sampler import Patches

    phase = PhaseRecipe.model_validate(PHASE | {"rgb": 0, "luma": 0} | changes)
    large = torch.full((1, 3, 8, 8), 0.5)
    patches = Patches(large, large, large + 2 * GREY)
    return float(Loss(phase, torch.device("cpu"))(large + GREY, patches))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rgb": 1}, GREY),
        ({"luma": 2}, 2 * GREY),
        ({"rgb": 1, "luma": 1, "loss": "mse"}, 2 * GREY**2),
        ({"rgb": 1, "loss": "charbonnier"}, (GREY**2 + 1e-6) ** 0.5),
        ({"fourier": 1}, GREY * 8 / 40),  # one of 8x5 frequencies, the mean, has all of the error
        ({"rgb": 1, "teacher": 1}, GREY),
        ({"rgb": 1, "teacher": 0.3}, GREY),
    ],
)
def test_the_loss_of_a_grey_error(changes: dict[str, Any], expected: float) -> None:
    assert loss(**changes) == pytest.approx(expected)


def test_the_teachers_share_pulls_towards_its_output() -> None:
    from training.loss import Loss
    from training.patch_sampler import Patches

    phase = PhaseRecipe.model_validate(PHASE | {"teacher": 0.75})
    output = torch.full((1, 3, 8, 8), 0.5, requires_grad=True)
    Loss(phase, torch.device("cpu"))(output, Patches(output, output.detach() - 0.1, output.detach() + 0.1)).backward()
    assert output.grad is not None
    assert (output.grad < 0).all()
