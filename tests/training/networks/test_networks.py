"""Networks of recipes are exported exactly, and the fused kernels recognise them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.recipe import NetworkRecipe, load_recipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own

RECIPES = sorted((Path(__file__).parents[3] / "training/recipes").glob("*.toml"))
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {"kind": "plain", "features": 16, "layers": 3},
    "plain with sums": {"kind": "plain", "features": 16, "layers": 4, "skip": 2},
    "plain x3": {"kind": "plain", "features": 8, "layers": 2, "scale": 3, "branches": "edges"},
    "plain over bilinear": {"kind": "plain", "features": 16, "layers": 1, "residual": "bilinear"},
    "expanded": {"kind": "plain", "features": 16, "layers": 4, "skip": 2, "branches": "expanded", "gain": 2},
    "gated": {"kind": "gated", "features": 16, "layers": 4},
    "one gated block": {"kind": "gated", "features": 8, "layers": 1},
    "gated with edges, x4": {"kind": "gated", "features": 16, "layers": 2, "scale": 4, "branches": "edges"},
}


def trained_network(shape: dict[str, Any]) -> Any:
    """A network whose weights are no longer the first ones."""
    from training.networks.build import build_network

    network = build_network(NetworkRecipe.model_validate(shape), seed=1).requires_grad_(False)
    torch.manual_seed(0)
    for parameter in network.parameters():
        parameter += 0.05 * torch.randn_like(parameter)
    return network


def image(height: int = 21, width: int = 34) -> Any:
    return torch.from_numpy(np.random.default_rng(0).random((1, 3, height, width), np.float32))


def stack_of(shape: dict[str, Any]) -> Any:
    return trained_network(shape).stack()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_exported_file_gives_the_output_of_the_network(shape: dict[str, Any]) -> None:
    import onnxruntime

    from training.export import to_onnx

    network = trained_network(shape)
    model = to_onnx(network.stack(), np.dtype(np.float32), "test", {})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"input": image().numpy()})
    np.testing.assert_allclose(output, network(image()).numpy(), atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_fused_kernels_recognise_the_exported_file_as_the_stack_it_was_made_from(shape: dict[str, Any]) -> None:
    from pipeline.superres.gpu.fused.recognition import recognise
    from training.export import to_onnx

    stack = trained_network(shape).stack()
    recognised = recognise(to_onnx(stack, np.dtype(np.float32), "test", {}))
    assert (recognised.scale, recognised.planes, recognised.residual) == (stack.scale, 3, stack.residual)
    for found, layer in zip(recognised.layers, stack.layers, strict=True):
        assert (found.smooth, found.epilogue, found.operand) == (layer.smooth, layer.epilogue, layer.operand)
        assert found.joined == layer.joined
        for name in ("weight", "bias", "slope"):
            np.testing.assert_array_equal(getattr(found, name), getattr(layer, name))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_stack_in_torch_gives_the_output_of_the_network(shape: dict[str, Any]) -> None:
    from training.networks.stack import StackNetwork

    network = trained_network(shape)
    torch.testing.assert_close(StackNetwork(network.stack())(image()), network(image()), atol=1e-5, rtol=0)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_fused_kernels_recognise_the_network_of_each_recipe(path: Path) -> None:
    from pipeline.superres.gpu.fused.recognition import recognise
    from training.export import to_onnx
    from training.networks.build import build_network

    recipe = load_recipe(path)
    stack = build_network(recipe.network, recipe.seed).stack()
    recognised = recognise(to_onnx(stack, np.dtype(np.float16), recipe.name, {}))
    assert (recognised.scale, recognised.width) == (recipe.network.scale, recipe.network.features)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_new_network_starts_close_to_the_enlarged_image(shape: dict[str, Any]) -> None:
    from training.networks.build import build_network

    network = build_network(NetworkRecipe.model_validate(shape), seed=1).requires_grad_(False)
    enlarged = torch.nn.functional.interpolate(image(), scale_factor=network.recipe.scale, mode="bilinear")
    detail = network(image()) - enlarged
    assert 0 < detail.std() < 0.5


def test_the_first_weights_depend_on_the_seed_alone() -> None:
    from training.networks.build import build_network

    recipe = NetworkRecipe(kind="gated", features=8, layers=1)
    one, same, other = (build_network(recipe, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["head.weight"], other["head.weight"])


def test_slopes_above_one_are_limited_where_layers_are_joined() -> None:
    network = trained_network(SHAPES["plain with sums"])
    network.slopes.fill_(1.5)
    assert network.stack().layers[0].slope.max() == 1
