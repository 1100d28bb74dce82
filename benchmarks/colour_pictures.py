"""Makes the images of docs/colour.md: red letters on blue through 4:2:0, and the lights of an HDR photograph.

    python benchmarks/colour_pictures.py docs/images --photographs PHOTOGRAPHS

Both show the original beside several enlargements of the same half-size source. PHOTOGRAPHS is a folder with those of
budgie-backgrounds, as in training/; without it the HDR image is omitted.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common.script import run
from light.methods import AS_CODED, LIMITED, RESAMPLED, Enlarger, Planes, apply_network, decode, encode, upscale_frame
from light.scenes import TO_2020, WHITE, expand, luminance
from light.transfer import PQ, Light
from numpy.typing import NDArray

from pipeline import PIXEL_FORMATS, Colour, FrameFormat, ModelSpec, bicubic, find_model, psnr, side_by_side, to_8_bit

Rgb = NDArray[np.uint8]

RED, BLUE = (220, 0, 0), (0, 0, 190)
TEXT_SIZE = (128, 64)  # of the image with letters, in pixels
TEXT_ZOOM, LIGHT_ZOOM = 3, 3
PHOTOGRAPH, PEAK = "singaporean-cityscape", 4000.0
CUT = (slice(84, 184), slice(160, 280))  # of the enlarged photograph: rows, columns
WHITEST = 20.0  # luminance that is mapped to white, if diffuse white is 1
STEPS = (203, 600, 1500, 4200)  # cd/m2 at which the false colour changes
FALSE = ((40, 60, 90), (60, 140, 120), (230, 210, 80), (235, 120, 40), (255, 0, 255))


def main() -> None:
    args = arguments()
    model = find_model("clear-x2", "fp32")
    args.folder.mkdir(parents=True, exist_ok=True)
    save_image(args.folder / "red-on-blue.png", red_on_blue(model))
    if args.photographs:
        save_image(args.folder / "lights.png", lights(model, args.photographs))


def red_on_blue(model: ModelSpec) -> Rgb:
    """Letters in 8-bit 4:2:0, sited left: the source, with chroma repeated and averaged, by uprez, and the original."""
    original = draw_letters()
    height, width, _ = original.shape
    result = FrameFormat(width, height, PIXEL_FORMATS["yuv420p"], Colour(1, False, 1, 1))
    source = replace(result, width=width // 2, height=height // 2)
    small = encode(bicubic(original / 255, source.height, source.width), source)
    ours = upscale_frame(model, small, source, result)
    images = {
        "source": to_8_bit(255 * decode(small, source)).repeat(2, 0).repeat(2, 1),
        "chroma repeated": to_8_bit(255 * decode(repeat_chroma(model, small, source), result)),
        "uprez": to_8_bit(255 * decode(ours, result)),
        "original": original,
    }
    for name, image in images.items():
        print(f"{name}: {psnr(image, original):.1f} dB")
    return side_by_side([(name, zoom(image, TEXT_ZOOM)) for name, image in images.items()])


def draw_letters() -> Rgb:
    """The original: drawn eight times as large, and averaged."""
    width, height = TEXT_SIZE
    canvas = np.full((8 * height, 8 * width, 3), BLUE, np.uint8)
    cv2.putText(canvas, "uprez", (30, 330), cv2.FONT_HERSHEY_SIMPLEX, 12, RED, 90, cv2.LINE_AA)
    cv2.rectangle(canvas, (48, 456), (976, 472), RED, cv2.FILLED)
    return np.asarray(cv2.resize(canvas, TEXT_SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def repeat_chroma(model: ModelSpec, small: Planes, source: FrameFormat) -> Planes:
    """The frame enlarged with each chroma sample used for its four pixels, before the network and after it."""
    luma, *chroma = small
    full = replace(source, pixel=PIXEL_FORMATS["yuv444p"])
    rgb = decode((luma, *(plane.repeat(2, 0).repeat(2, 1) for plane in chroma)), full)
    luma, *chroma = encode(apply_network(model, rgb), full.enlarged(2))
    return luma, *(mean_of_4(plane) for plane in chroma)


def mean_of_4(plane: NDArray[Any]) -> NDArray[np.uint8]:
    height, width = plane.shape
    return np.asarray(np.rint(plane.reshape(height // 2, 2, width // 2, 2).mean((1, 3))), np.uint8)


def lights(model: ModelSpec, photographs: Path) -> Rgb:
    """A photograph with lights of up to 4,000 cd/m2, tone-mapped, and below it its luminance in false colour."""
    light = expand(photographs, PHOTOGRAPH, PEAK, wide=True)
    enlarger = Enlarger(light, PQ, in_light=True)
    enlarged = dict(enlarger.all_methods(model))
    named = {"bicubic": RESAMPLED, "without the limit": AS_CODED, "uprez": LIMITED}
    views = {name: PQ.light(decode(enlarged[way], enlarger.result).clip(0, 1)) for name, way in named.items()}
    views["original"] = light
    cuts = {name: view[CUT] for name, view in views.items()}
    above = side_by_side([(name, zoom(tone_mapped(cut), LIGHT_ZOOM)) for name, cut in cuts.items()])
    below = side_by_side(
        [(f"up to {luminance(cut).max():,.0f} cd/m2", zoom(false_colour(cut), LIGHT_ZOOM)) for cut in cuts.values()]
    )
    return np.vstack([above, below])


def tone_mapped(light: Light) -> Rgb:
    """Map to SDR, BT.709 and sRGB: L (1 + L / 20^2) / (1 + L) of the luminance L, diffuse white at 1, as Reinhard.

    E. Reinhard et al., "Photographic tone reproduction for digital images", 2002, equation 4, brighter by a half.
    """
    relative = 1.5 * luminance(light)[..., None] / WHITE
    mapped = light / WHITE * 1.5 * (1 + relative / WHITEST**2) / (1 + relative)
    linear = (mapped @ np.linalg.inv(TO_2020).T).clip(0, 1)
    return to_8_bit(255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


def false_colour(light: Light) -> Rgb:
    return np.asarray(FALSE, np.uint8)[np.searchsorted(STEPS, luminance(light))]


def zoom(image: Rgb, times: int) -> Rgb:
    return image.repeat(times, 0).repeat(times, 1)


def save_image(path: Path, image: Rgb) -> None:
    cv2.imwrite(str(path), image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{path}: {path.stat().st_size} bytes")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="for the images")
    parser.add_argument("--photographs", type=Path, metavar="DIR", help="default: no HDR image")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
