"""Encoding and decoding of short clips."""

import numpy as np
import pytest

from tests.training.pictures import scene
from training.degradation.codec import frame_of, planes_of, recode
from training.degradation.colour import Planes, to_planes
from training.degradation.recipe import Encoding

ENCODINGS = [
    Encoding("libx264", 20, "medium"),
    Encoding("libx264", 20, "ultrafast"),
    Encoding("libx265", 20, "fast"),
    Encoding("libsvtav1", 20, "8"),
    Encoding("mpeg2video", 3),
]
WORSE = [
    Encoding("libx264", 40, "medium"),
    Encoding("libx264", 40, "ultrafast"),
    Encoding("libx265", 40, "fast"),
    Encoding("libsvtav1", 60, "8"),
    Encoding("mpeg2video", 20),
]


def clip(count: int = 7) -> list[Planes]:
    """A scene that becomes lighter from frame to frame, so that each is known by its mean."""
    picture = scene(1, (96, 128)).transpose(2, 0, 1).astype(np.float32) * 0.6
    return [to_planes(picture + 12 * number, 1) for number in range(count)]


def error(a: list[Planes], b: list[Planes]) -> float:
    return float(np.mean([np.square(x[0].astype(float) - y[0]).mean() for x, y in zip(a, b, strict=True)]))


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_all_frames_are_decoded_in_order(encoding: Encoding) -> None:
    frames = clip()
    for before, after in zip(frames, recode(frames, encoding), strict=True):
        assert [plane.shape for plane in after] == [plane.shape for plane in before]
        assert abs(before[0].mean() - after[0].mean()) < 2.5


@pytest.mark.parametrize(("good", "bad"), list(zip(ENCODINGS, WORSE, strict=True)), ids=str)
def test_lower_quality_has_a_larger_error(good: Encoding, bad: Encoding) -> None:
    frames = clip()
    assert 0 < error(frames, recode(frames, good)) < error(frames, recode(frames, bad))


def test_frames_without_a_codec_stay_as_they_are() -> None:
    frames = clip()
    assert error(frames, recode(frames, Encoding())) == 0


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_equal_frames_are_encoded_equally(encoding: Encoding) -> None:
    first = recode(clip(), encoding)
    assert all(error(first, recode(clip(), encoding)) == 0 for _ in range(4))


def test_unknown_codec_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="codec vp8 is not known; choose one of libx264"):
        recode(clip(), Encoding("vp8", 20))


def test_planes_pass_through_a_frame_unchanged() -> None:
    (planes,) = clip(1)
    cropped = tuple(plane[: 90 if not index else 45] for index, plane in enumerate(planes))
    assert all(map(np.array_equal, planes_of(frame_of(cropped)), cropped))
