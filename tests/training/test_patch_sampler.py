"""Patches are drawn where the recipe wants them, and are the same parts of all images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.pictures import scene
from training.recipe import PatchRecipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own

SIDE = 16
CPU = torch.device("cpu")
SMOOTH = np.full((200, 200, 3), (200, 30, 90), np.uint8)


def sampler(pictures: list[tuple[str, NDArray[np.uint8]]], **changes: Any) -> Any:
    """A sampler of pictures, given as pairs of kind and pixels; the teacher repeats each pixel."""
    from training.pack import PackedPicture
    from training.patch_sampler import PatchSampler
    from training.picture_store import store_pictures

    packed = [PackedPicture(str(i), kind, "train", "", pixels) for i, (kind, pixels) in enumerate(pictures)]  # type: ignore[arg-type]
    recipe = PatchRecipe.model_validate({"sizes": [1.0]} | changes)
    store = store_pictures(packed, recipe, 2, CPU, teach=repeated)
    return PatchSampler(store, SIDE, recipe)


def repeated(small: Any) -> Any:
    return small.repeat_interleave(2, 1).repeat_interleave(2, 2)


def drawn(sampler: Any, count: int = 64, step: int = 0) -> Any:
    from training.patch_sampler import draw

    return sampler.gather(draw(1, step, 1, count, CPU)[0])


def is_smooth(patches: Any) -> NDArray[np.bool_]:
    smooth: NDArray[np.bool_] = np.ptp(patches.large.numpy(), axis=(2, 3)).max(axis=1) == 0
    return smooth


def halved(image: Any) -> Any:
    return torch.nn.functional.interpolate(image, scale_factor=0.5, mode="bicubic", antialias=True)


def test_small_and_large_patches_are_the_same_part_in_the_same_orientation() -> None:
    patches = drawn(sampler([("photo", scene(0))]))
    assert patches.small.shape == (64, 3, SIDE, SIDE)
    inner = (..., slice(3, -3), slice(3, -3))  # the border of a patch that is reduced alone differs
    torch.testing.assert_close(patches.small[inner], halved(patches.large)[inner].clamp(0, 1), atol=0.0021, rtol=0)


def test_the_teachers_patches_are_the_same_part_too() -> None:
    patches = drawn(sampler([("photo", scene(0))]))
    assert torch.equal(patches.taught, patches.small.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_patches_have_eight_orientations() -> None:
    gradient = np.zeros((SIDE * 2 + 16, SIDE * 2 + 16, 3), np.uint8)
    gradient += (np.arange(48)[:, None, None] * 4 + np.arange(48)[None, :, None]).astype(np.uint8)
    patches = drawn(sampler([("photo", gradient)], texture=0), count=200).large[:, 0]
    slopes = torch.stack([patches[:, -1, 0] - patches[:, 0, 0], patches[:, 0, -1] - patches[:, 0, 0]], dim=1)
    assert len({tuple(pair) for pair in (slopes * 255 / (2 * SIDE - 1)).round().int().tolist()}) == 8


def test_textured_patches_are_drawn_unless_the_share_of_uniform_ones_is_larger() -> None:
    pictures = [("photo", scene(0)), ("photo", SMOOTH)]
    assert not is_smooth(drawn(sampler(pictures, texture=1.0, uniform=0))).any()
    smooth_share = [is_smooth(drawn(sampler(pictures, texture=1.0, uniform=u), 2000)).mean() for u in (0.5, 1)]
    assert 0 < smooth_share[0] < smooth_share[1] < 1


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_drawn_pictures_have_the_share_of_the_recipe(share: float) -> None:
    patches = drawn(sampler([("photo", scene(0)), ("drawn", SMOOTH)], drawn=share, texture=1.0), count=2000)
    assert is_smooth(patches).mean() == pytest.approx(share, abs=0.05)


def test_a_share_of_drawn_pictures_requires_some() -> None:
    with pytest.raises(ValueError, match=r"`drawn` is 0\.5, but there are no drawn pictures large enough"):
        sampler([("photo", scene(0))], drawn=0.5)


def test_channels_are_permuted_in_the_share_of_the_recipe() -> None:
    def permuted(share: float) -> float:
        colours = drawn(sampler([("photo", SMOOTH)], permuted=share), count=2000).large[:, :, 0, 0] * 255
        return float((colours.round() != torch.tensor([200.0, 30, 90])).any(1).float().mean())

    assert permuted(0) == 0
    assert permuted(0.6) == pytest.approx(0.5, abs=0.05), "one of six orders is the picture's own"


def test_draws_depend_on_the_seed_and_the_step_alone() -> None:
    from training.patch_sampler import draw

    first = draw(1, 10, 10, 4, CPU)
    assert torch.equal(first, draw(1, 10, 10, 4, CPU))
    assert not torch.equal(first, draw(1, 20, 10, 4, CPU))
    assert not torch.equal(first, draw(2, 10, 10, 4, CPU))
