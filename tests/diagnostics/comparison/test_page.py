"""The page as a file."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.diagnostics.comparison.comparison import Comparison, ComparisonOptions, compare_files
from pipeline.diagnostics.comparison.page import CODINGS, comparison_page
from pipeline.errors import OutputError
from tests.diagnostics.comparison.pairs import settings


@pytest.fixture
def comparison(small: Path, original: Path) -> Comparison:
    return compare_files([small], ComparisonOptions(settings(), original))


def data_of(page: bytes) -> Any:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.decode())
    assert match
    return json.loads(match[1])


def image_of(url: str) -> Any:
    """The image of a data URL, (H, W, 3), RGB."""
    _, _, encoded = url.partition(",")
    image = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image[..., ::-1]


def test_images_of_small_videos_are_lossless(comparison: Comparison) -> None:
    data = data_of(comparison_page(comparison))
    assert "images are lossless" in data["facts"]
    for row, images in zip(data["rows"], comparison.images, strict=True):
        assert all(np.array_equal(image_of(url), images[index]) for index, url in enumerate(row["images"]))


def test_a_page_loads_nothing_from_elsewhere(comparison: Comparison) -> None:
    page = comparison_page(comparison).decode()
    assert not re.search(r"(src|href)=|@import|https?://|url\(", re.sub(r"data:image/png;base64,[\w+/=]+", "", page))
    assert "{{" not in page


def test_images_are_encoded_as_well_as_the_limit_allows(comparison: Comparison) -> None:
    sizes, codings = [], []
    for limit in (10**9, 60_000, 30_000, 1):
        page = comparison_page(comparison, limit)
        sizes.append(len(page))
        codings.append(data_of(page)["facts"].rpartition("· ")[2])
    assert sizes == sorted(sizes, reverse=True)
    assert codings[0] == "images are lossless"
    assert codings[-1] == "images are WebP of quality 20 of 100"
    assert all(coding in map(str, CODINGS) for coding in codings)


def test_text_of_files_can_not_become_markup(comparison: Comparison) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    rows = [row.model_copy(update={"name": evil}) for row in comparison.report.rows]
    report = comparison.report.model_copy(update={"rows": rows, "source": evil, "notes": [evil]})
    page = comparison_page(Comparison(report, comparison.images, 1.0))
    assert b"<img" not in page
    assert data_of(page)["title"] == evil


def test_plots_have_a_line_for_each_video_that_was_measured(comparison: Comparison) -> None:
    page = comparison_page(comparison).decode()
    assert page.count("<figcaption>") == page.count("<polyline") == 3


def test_the_sample_aspect_ratio_is_on_the_page(comparison: Comparison) -> None:
    data = data_of(comparison_page(Comparison(comparison.report, comparison.images, 1.5)))
    assert (data["width"], data["height"], data["aspect"]) == (128, 96, 1.5)


def test_a_frame_that_is_missing_is_noted(comparison: Comparison) -> None:
    reference, row = comparison.report.rows
    report = comparison.report.model_copy(update={"rows": [reference, row.model_copy(update={"missing": 1})]})
    images = (comparison.images[0], {index: image for index, image in comparison.images[1].items() if index != 2})
    data = data_of(comparison_page(Comparison(report, images, 1.0)))
    assert data["rows"][1]["images"][2] is None
    assert data["notes"] == ["small.mkv: 1 frames were not compared, as it or the reference has no frame at their time"]


def test_an_image_that_can_not_be_encoded_is_an_output_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imencode", lambda *_: (False, None))
    with pytest.raises(OutputError, match=r"can't be encoded as .png"):
        CODINGS[0].encode(np.zeros((2, 2, 3), np.uint8))
