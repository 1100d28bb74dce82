"""The page of a comparison: one HTML file with images, style sheet and script, which loads nothing from elsewhere."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from pipeline.diagnostics.comparison.comparison import Comparison
from pipeline.diagnostics.comparison.plot import COLOURS, Line, plot
from pipeline.diagnostics.comparison.report import ComparisonReport, ComparisonRow
from pipeline.diagnostics.comparison.views import Image
from pipeline.errors import OutputError
from pipeline.system import host

MAX_BYTES = 30_000_000  # of a page: browsers open more, but mail and chat don't carry it
_IMAGE_BYTES = MAX_BYTES * 9 // 10 * 3 // 4  # base64 makes four bytes of three
_PLOTS = (("psnr", "PSNR-Y, dB"), ("ssim", "SSIM"), ("flicker", "flicker, levels of 8 bit (less is better)"))


@dataclass(frozen=True)
class ImageCoding:
    """How the images of a page are encoded.

    Attributes:
        suffix: Of OpenCV's encoder, ".png" or ".webp".
        quality: Of WebP, 1 to 100; None: lossless.
    """

    suffix: str
    quality: int | None = None

    def encode(self, image: Image) -> bytes:
        """The encoded image. Raises OutputError if that fails."""
        import cv2

        options = [] if self.quality is None else [cv2.IMWRITE_WEBP_QUALITY, self.quality]
        encoded, data = cv2.imencode(self.suffix, image[..., ::-1], options)
        if not encoded:
            raise OutputError(f"an image of the page can't be encoded as {self.suffix}")
        return data.tobytes()

    def __str__(self) -> str:
        return "images are lossless" if self.quality is None else f"images are WebP of quality {self.quality} of 100"


# The best one is used with which the page is not too large. Lossless WebP would take seconds for each image.
CODINGS = (ImageCoding(".png"), *(ImageCoding(".webp", quality) for quality in (98, 95, 90, 80, 60, 40, 20)))


def comparison_page(comparison: Comparison, max_bytes: int = _IMAGE_BYTES) -> bytes:
    """The page of a comparison, as HTML in UTF-8.

    Args:
        comparison: From `compare_models` or `compare_files`.
        max_bytes: Of all images together; they are encoded as well as that allows.
    """
    coding, images = _encode(comparison, max_bytes)
    parts = {name: _asset(f"page.{suffix}") for name, suffix in (("style", "css"), ("script", "js"))}
    data = json.dumps(_page_data(comparison, coding, images), ensure_ascii=False)
    parts["data"] = data.replace("<", "\\u003c")  # no text can end the element
    parts["plots"] = "".join(_figures(comparison.report))
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _asset("page.html")).encode()


def _asset(name: str) -> str:
    return (files("pipeline.diagnostics.comparison") / name).read_text(encoding="utf-8")


def _encode(comparison: Comparison, max_bytes: int) -> tuple[ImageCoding, list[dict[int, bytes]]]:
    """All images, encoded in the best way with which they are not larger than `max_bytes`, or the smallest."""
    firsts = [next(iter(images.values())) for images in comparison.images if images]
    counts = [len(images) for images in comparison.images if images]
    with ThreadPoolExecutor(host.cores(), thread_name_prefix="uprez-encode") as threads:
        for coding in CODINGS:
            is_last = coding is CODINGS[-1]
            sizes = [len(data) for data in threads.map(coding.encode, firsts)]
            if not is_last and np.dot(sizes, counts) > max_bytes:
                continue
            encoded = [
                dict(zip(images, threads.map(coding.encode, images.values()), strict=True))
                for images in comparison.images
            ]
            if is_last or sum(len(data) for images in encoded for data in images.values()) <= max_bytes:
                break
    return coding, encoded


def _page_data(comparison: Comparison, coding: ImageCoding, images: list[dict[int, bytes]]) -> dict[str, Any]:
    """What the script reads."""
    report = comparison.report
    height, width, _ = next(image for each in comparison.images for image in each.values()).shape
    rows = [
        _row_data(report, row, number, coding, encoded)
        for number, (row, encoded) in enumerate(zip(report.rows, images, strict=True))
    ]
    frames = f"{len(report.times)} frames from {report.times[0]:.3f} to {report.times[-1]:.3f} s"
    reference = f"against {report.reference}" if report.reference else "without a reference"
    return {
        "title": report.source,
        "facts": f"{report.source} · {frames} · at {report.size} · {reference} · {coding}",
        "width": width,
        "height": height,
        "aspect": comparison.sample_aspect,
        "times": [report.times[index] for index in report.shown],
        "notes": [*report.notes, *_missing(report)],
        "rows": rows,
    }


def _row_data(
    report: ComparisonReport, row: ComparisonRow, number: int, coding: ImageCoding, encoded: dict[int, bytes]
) -> dict[str, Any]:
    measured = {frame.index: frame for frame in row.frames}
    return row.model_dump(mode="json", exclude={"frames"}) | {
        "name": f"{row.name} (reference)" if row.kind == "reference" else row.name,
        "colour": number % COLOURS if row.frames else None,
        "images": [_data_url(coding, encoded[index]) if index in encoded else None for index in report.shown],
        "shown": [
            measured[index].model_dump(mode="json", exclude={"index", "time"}) if index in measured else None
            for index in report.shown
        ],
    }


def _data_url(coding: ImageCoding, data: bytes) -> str:
    return f"data:image/{coding.suffix[1:]};base64,{base64.b64encode(data).decode()}"


def _missing(report: ComparisonReport) -> Iterator[str]:
    for row in report.rows:
        if row.missing and not row.failure:
            where = "it or the reference has" if report.reference else "it has"
            yield f"{row.name}: {row.missing} frames were not compared, as {where} no frame at their time"


def _figures(report: ComparisonReport) -> Iterator[str]:
    """A figure with a plot for each quantity that was measured."""
    for key, title in _PLOTS:
        lines = [
            Line(row.name, number % COLOURS, [(frame.time, getattr(frame, key)) for frame in row.frames])
            for number, row in enumerate(report.rows)
            if row.frames
        ]
        if drawn := plot(title, lines):
            yield f"<figure><figcaption>{title}</figcaption>{drawn}</figure>"
