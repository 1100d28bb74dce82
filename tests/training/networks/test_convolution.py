"""Merged kernels give the output of their branches, run one by one."""

from __future__ import annotations

from typing import Any

import pytest

from training.recipe import NetworkRecipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own


def trained(branches: str, inputs: int, outputs: int, gain: int = 1) -> Any:
    from training.networks.convolution import convolution

    torch.manual_seed(0)
    recipe = NetworkRecipe.model_validate(
        {"kind": "plain", "features": 8, "layers": 1, "branches": branches, "gain": gain}
    )
    layer = convolution(recipe, inputs, outputs, strength=1.0).requires_grad_(False)
    for parameter in layer.parameters():
        parameter += 0.1 * torch.randn_like(parameter)
    return layer


@pytest.mark.parametrize("gain", [1, 2])
@pytest.mark.parametrize(("inputs", "outputs"), [(8, 8), (3, 8), (8, 12)])
def test_expanded_branches_are_merged_exactly(inputs: int, outputs: int, gain: int) -> None:
    layer, image = trained("expanded", inputs, outputs, gain), torch.randn(2, inputs, 9, 11)
    hidden = torch.nn.functional.conv2d(image, layer.first[:, :, None, None])
    hidden = torch.nn.functional.conv2d(hidden, layer.weight, padding=1)
    expected = torch.nn.functional.conv2d(hidden, layer.last[:, :, None, None], layer.bias)
    expected += torch.nn.functional.conv2d(image, layer.skip[:, :, None, None])
    if inputs == outputs:
        expected += image
    torch.testing.assert_close(layer(image), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("inputs", "outputs"), [(8, 8), (3, 8), (8, 12)])
def test_branches_of_edges_are_merged_exactly(inputs: int, outputs: int) -> None:
    layer, image = trained("edges", inputs, outputs), torch.randn(2, inputs, 9, 11)
    sobel = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    laplacian = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    expected = torch.nn.functional.conv2d(image, layer.weight, layer.bias, padding=1)
    expected += torch.nn.functional.conv2d(image, layer.skip[:, :, None, None])
    for mix, scale, edges in zip(layer.mixes, layer.scales, (sobel, sobel.T, laplacian), strict=True):
        mixed = torch.nn.functional.conv2d(image, mix[:, :, None, None])
        kernel = scale[:, None, None, None] * edges
        expected += torch.nn.functional.conv2d(mixed, kernel, padding=1, groups=outputs)
    torch.testing.assert_close(layer(image), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("branches", ["none", "expanded", "edges"])
def test_each_weight_of_the_branches_is_trained(branches: str) -> None:
    layer = trained(branches, 8, 8).requires_grad_(True)
    layer(torch.randn(1, 8, 6, 6)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())
