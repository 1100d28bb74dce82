"""Chooses and encodes the pictures of a pack."""

from __future__ import annotations

import hashlib
import itertools
import logging
import multiprocessing
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.drawings.catalogue import draw, plan
from training.duplicates import Signature, is_copy, shares_scene, signature
from training.images import halve, read_rgb
from training.pack import Kind, PackEntry, Split
from training.picture_sets import SourcePicture, source_pictures
from training.split import is_held_out, title
from training.texture import texture

SMALLEST_SIDE = 320
"""Pixels of the shorter side, after shrinking, from which a picture is used."""

LEAST_TEXTURE = 3.0
"""`texture` of the halved picture, in 8-bit levels, from which it is used: less is flat or out of focus."""

# 4:4:4 at quality 95 has 2.0 bits a pixel at 47.8 dB on photographs halved (AVIF 4:4:4 at quality 95: 1.8 at 45.4,
# quality 90: 1.4 at 44.9; lossless WebP: 4.8), so three hundred photographs fit into two or three parts.
_JPEG = [
    *(cv2.IMWRITE_JPEG_QUALITY, 95),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    *(cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    *(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
]

# OpenCV's WebP is lossless from quality 101 on: 3.6 bits a pixel of drawings, whose ink lines JPEG would smear.
_LOSSLESS = 101

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Candidate:
    name: str
    picture: SourcePicture
    content: bytes
    signature: Signature


def photographs(folders: Iterable[Path]) -> Iterator[tuple[PackEntry, bytes]]:
    """The photographs of folders that `pictures.toml` describes, encoded, without flat, small and duplicate ones.

    What is left out is logged. Of pictures that show the same, the first is used.
    """
    folders = [folder.resolve() for folder in folders]
    pictures = [(folder.name, picture) for folder in folders for picture in source_pictures(folder)]
    first = {title(picture.path.name): picture for _, picture in reversed(pictures)}
    pictures = [(folder, picture) for folder, picture in pictures if first[title(picture.path.name)] is picture]
    with ThreadPoolExecutor() as pool:
        found = [candidate for candidate in pool.map(lambda item: _candidate(*item), pictures) if candidate]
        kept: list[_Candidate] = []
        for candidate in found:
            same = pool.map(_same, kept, itertools.repeat(candidate))
            twin = next((other.name for other, is_same in zip(kept, same, strict=True) if is_same), None)
            if twin:
                _log.info("%s left out: shows the same as %s", candidate.name, twin)
            else:
                kept.append(candidate)
    for candidate in kept:
        source = candidate.picture
        yield entry(candidate.name, candidate.content, "photo", source.licence, source.source), candidate.content


def drawings(count: int, fonts: list[Path]) -> Iterator[tuple[PackEntry, bytes]]:
    """Pictures drawn by program, encoded without loss."""
    planned = plan(count)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        images = pool.map(_drawing, planned, itertools.repeat(fonts))
        for (kind, seed), content in zip(planned, images, strict=True):
            source = f"training/drawings, {kind} {seed}"
            yield entry(f"drawn-{kind}-{seed:04}.webp", content, "drawn", "CC0-1.0", source), content


def _drawing(planned: tuple[str, int], fonts: list[Path]) -> bytes:
    kind, seed = planned
    done, content = cv2.imencode(
        ".webp", draw(kind, seed, fonts=fonts)[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS]
    )
    if not done:
        raise ValueError(f"OpenCV can't encode the drawing {kind} {seed} as WebP; install one with WebP")
    return content.tobytes()


def entry(name: str, content: bytes, kind: Kind, licence: str, source: str) -> PackEntry:
    """The manifest's line of a picture; its title alone decides on the split."""
    # The folder's name is in front, and is no part of the title.
    split: Split = "held" if is_held_out(name.partition("-")[2]) else "train"
    return PackEntry(name, hashlib.sha256(content).hexdigest(), kind, split, licence, source)


def encode(image: NDArray[np.uint8]) -> bytes:
    """Encode an image, (H, W, 3) uint8 RGB, as JPEG without chroma subsampling."""
    done, content = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), _JPEG)
    if not done:
        raise ValueError(f"OpenCV can't encode an image of shape {image.shape} as JPEG")
    return content.tobytes()


def shrink(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Shrink an image, (H, W, 3) uint8, by the mean over the area of each pixel; exact boxes for a factor of 2."""
    if factor == 1:
        return image
    if factor == 2:
        return halve(image)
    size = (round(image.shape[1] / factor), round(image.shape[0] / factor))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _candidate(folder: str, picture: SourcePicture) -> _Candidate | None:
    """A picture as it is packed; None if it is too small or too flat."""
    image = shrink(read_rgb(picture.path), picture.shrink)
    name = f"{folder}-{re.sub(r'[^A-Za-z0-9_-]+', '_', title(picture.path.name))}.jpg"
    if min(image.shape[:2]) < SMALLEST_SIDE:
        _log.info("%s left out: %d x %d pixels", name, image.shape[1], image.shape[0])
        return None
    if (found := texture(halve(image))) < LEAST_TEXTURE:
        _log.info("%s left out: texture %.1f", name, found)
        return None
    is_jpeg = picture.path.suffix.lower() in {".jpg", ".jpeg"}
    content = picture.path.read_bytes() if picture.shrink == 1 and is_jpeg else encode(image)
    return _Candidate(name, picture, content, signature(image))


def _same(a: _Candidate, b: _Candidate) -> bool:
    return is_copy(a.signature, b.signature) or shares_scene(a.signature, b.signature)
