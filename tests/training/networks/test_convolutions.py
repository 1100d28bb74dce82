"""Merged kernels give the output of their branches, run one by one."""

from __future__ import annotations

from typing import Any

import pytest

from training.recipe import NetworkRecipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own


COUNT = 2


def trained(branches: str, inputs: int, outputs: int, gain: int = 1) -> Any:
    from training.networks.convolutions import make_convolutions

    torch.manual_seed(0)
    recipe = NetworkRecipe.model_validate(
        {"kind": "plain", "features": 8, "layers": 1, "branches": branches, "gain": gain}
    )
    stack = make_convolutions(recipe, inputs, outputs, [1.0] * COUNT).requires_grad_(False)
    for parameter in stack.parameters():
        parameter += 0.1 * torch.randn_like(parameter)
    return stack


def merged(stack: Any, image: Any) -> list[Any]:
    """The outputs of all convolutions for one image."""
    from training.networks.convolutions import convolve

    return [convolve(image, layer) for layer in stack.layers(image.device)]


def kernel_3x3(weight: Any) -> Any:
    return weight.permute(0, 3, 1, 2)


@pytest.mark.parametrize("gain", [1, 2])
@pytest.mark.parametrize(("inputs", "outputs"), [(8, 8), (3, 8), (8, 12)])
def test_expanded_branches_are_merged_exactly(inputs: int, outputs: int, gain: int) -> None:
    stack, image = trained("expanded", inputs, outputs, gain), torch.randn(2, inputs, 9, 11)
    for index, output in enumerate(merged(stack, image)):
        hidden = torch.nn.functional.conv2d(image, stack.first[index][:, :, None, None])
        hidden = torch.nn.functional.conv2d(hidden, kernel_3x3(stack.weight[index]), padding=1)
        expected = torch.nn.functional.conv2d(hidden, stack.last[index][:, :, None, None], stack.bias[index])
        expected += torch.nn.functional.conv2d(image, stack.skip[index][:, :, None, None])
        if inputs == outputs:
            expected += image
        torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("inputs", "outputs"), [(8, 8), (3, 8), (8, 12)])
def test_branches_of_edges_are_merged_exactly(inputs: int, outputs: int) -> None:
    stack, image = trained("edges", inputs, outputs), torch.randn(2, inputs, 9, 11)
    sobel = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    filters = sobel, sobel.T, torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    for index, output in enumerate(merged(stack, image)):
        kernel = kernel_3x3(stack.weight[index])
        expected = torch.nn.functional.conv2d(image, kernel, stack.bias[index], padding=1)
        expected += torch.nn.functional.conv2d(image, stack.skip[index][:, :, None, None])
        for number, edges in enumerate(filters):
            mixed = torch.nn.functional.conv2d(image, stack.mixes[index, :, number, :, None, None])
            scaled = stack.scales[index, :, number, None, None, None] * edges
            expected += torch.nn.functional.conv2d(mixed, scaled, padding=1, groups=outputs)
        torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("branches", ["none", "expanded", "edges"])
def test_each_weight_of_the_branches_is_trained(branches: str) -> None:
    stack = trained(branches, 8, 8).requires_grad_(True)
    torch.stack(merged(stack, torch.randn(1, 8, 6, 6))).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in stack.parameters())


@pytest.mark.parametrize("branches", ["none", "expanded", "edges"])
def test_kernels_are_merged_in_fp32_under_autocast(branches: str) -> None:
    stack, device = trained(branches, 8, 8), torch.device("cpu")
    with torch.autocast("cpu", torch.bfloat16):
        layers = stack.layers(device)
    for (kernel, bias), exact, exact_bias in zip(layers, stack.kernels(), stack.bias, strict=True):
        assert torch.equal(kernel, exact.bfloat16())
        assert torch.equal(bias, exact_bias.bfloat16())
