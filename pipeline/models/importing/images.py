"""The images on which a network is tried: flat colours, a ramp, and a synthetic photograph.

All are (C, H, W) in 0..1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

PATCH = 16  # side of a flat patch
COLOURS = ((0, 0, 0), (1, 1, 1), (0.5, 0.5, 0.5), (0.8, 0.25, 0.2), (0.2, 0.7, 0.3), (0.25, 0.35, 0.85))
_GRAYS = ((0,), (1,), (0.5,), (0.25,), (0.75,), (0.1,))
_SHAPES = 24
_TEXTURE = 0.06  # standard deviation
_LUMA = np.array([0.3, 0.6, 0.1], np.float32)


def flat_colours(channels: int) -> list[tuple[float, ...]]:
    """Six colours, each of `channels` numbers."""
    return [tuple(map(float, colour)) for colour in (COLOURS if channels == 3 else _GRAYS)]


def colour_card(channels: int) -> Image:
    """The colours of `flat_colours` in two rows of three patches."""
    patches = np.array(flat_colours(channels), np.float32).reshape(2, 3, channels).transpose(2, 0, 1)
    return patches.repeat(PATCH, 1).repeat(PATCH, 2)


def ramp(height: int, width: int, channels: int) -> Image:
    """From dark at the top left to bright at the bottom right, in all channels."""
    down, across = np.mgrid[:height, :width].astype(np.float32)
    values = 0.1 + 0.8 * (down / height + across / width) / 2
    return np.repeat(values[None], channels, 0)


def photograph(height: int, width: int, channels: int) -> Image:
    """Coloured discs and half-planes with soft edges on a background of clouds, with texture of all sizes (1/f)."""
    rng = np.random.default_rng(7)
    image = 0.45 + 0.16 * np.stack([_clouds(rng, height, width, 1.6) for _ in range(3)])
    down, across = np.mgrid[:height, :width].astype(np.float32)
    side = min(height, width)
    for number in range(_SHAPES):
        colour, (y, x), size = rng.random(3), rng.random(2) * (height, width), side * rng.uniform(0.04, 0.22)
        distance = np.hypot(down - y, across - x) - size
        if number % 3 == 0:
            angle = rng.uniform(0, np.pi)
            band = np.abs((down - y) * np.cos(angle) + (across - x) * np.sin(angle)) - size / 6
            distance = np.maximum(band, distance - 2 * size)
        cover = np.clip(0.5 - distance, 0, 1)
        image += cover * (colour[:, None, None] - image)
    image += _TEXTURE * _clouds(rng, height, width, 1.0)
    clipped = np.asarray(image.clip(0.01, 0.99), np.float32)
    return clipped if channels == 3 else np.tensordot(_LUMA, clipped, 1)[None].astype(np.float32)


def reduced(image: Image, scale: int) -> Image:
    """`image` reduced by `scale`: each pixel is the mean of scale x scale pixels."""
    channels, height, width = image.shape
    blocks = image.reshape(channels, height // scale, scale, width // scale, scale)
    return np.asarray(blocks.mean((2, 4)), np.float32)


def _clouds(rng: np.random.Generator, height: int, width: int, exponent: float) -> NDArray[np.float64]:
    """Noise whose amplitude falls with frequency as 1 / f^exponent, of mean 0 and standard deviation 1."""
    spectrum = np.fft.rfft2(rng.standard_normal((height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(spectrum / frequency**exponent, (height, width))
    return np.asarray(noise / noise.std())
