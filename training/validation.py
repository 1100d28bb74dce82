"""PSNR on the held-out pictures of a pack."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.colour.psnr import LUMA_601, psnr_of_error
from training.pack import PackedPicture
from training.resizing import crop_to_multiple, shrink


class Validation:
    """Held-out pictures at their own size, on the device that trains."""

    def __init__(self, pictures: Iterable[PackedPicture], scale: int, device: torch.device) -> None:
        """Copy and reduce them. Raises ValueError if there are none."""
        self._scale = scale
        self._pairs: list[tuple[str, Tensor, Tensor]] = []
        for picture in pictures:
            large = crop_to_multiple(torch.from_numpy(picture.pixels).to(device).permute(2, 0, 1), scale)
            self._pairs.append((picture.kind, shrink(large, scale), large))
        if not self._pairs:
            raise ValueError("the pack has no held-out pictures; pack some whose split is held")

    def bicubic(self) -> dict[str, float]:
        """The scores of bicubic enlargement."""
        return self.scores(
            lambda image: functional.interpolate(image, scale_factor=self._scale, mode="bicubic", antialias=True)
        )

    @torch.no_grad()
    def scores(self, upscale: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """Mean PSNR-Y in dB for each kind of picture, in fp32 without TF32, of outputs rounded to 8 bit.

        Args:
            upscale: Enlarges (1, 3, H, W) in 0..1 to (1, 3, scale * H, scale * W).
        """
        scores: dict[str, list[float]] = {}
        cudnn = torch.backends.cudnn
        # Each picture has its own size: benchmarking every algorithm for each would take the time of many steps.
        before = cudnn.benchmark, cudnn.allow_tf32
        cudnn.benchmark = cudnn.allow_tf32 = False
        for kind, small, large in self._pairs:
            output = upscale(small[None].float() / 255)[0].clamp(0, 1).mul(255).round()
            error = (output - large.float())[:, self._scale : -self._scale, self._scale : -self._scale] / 255
            luma = (error * error.new_tensor(LUMA_601).view(3, 1, 1)).sum(dim=0)
            scores.setdefault(kind, []).append(psnr_of_error(luma.double().square().mean().item()))
        cudnn.benchmark, cudnn.allow_tf32 = before
        return {kind: round(sum(values) / len(values), 4) for kind, values in sorted(scores.items())}

    def small_images(self) -> list[Tensor]:
        """The small images, (3, H, W) uint8 on the CPU."""
        return [small.cpu() for _, small, _ in self._pairs]
