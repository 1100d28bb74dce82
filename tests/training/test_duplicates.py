"""Pictures that show the same are found."""

import cv2
import numpy as np

from tests.training.pictures import scene
from training.duplicates import is_copy, shares_scene, signature


def test_smaller_copy_of_a_picture_is_found() -> None:
    picture = scene(1)
    small = np.asarray(cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA), np.uint8)
    assert is_copy(signature(picture), signature(small))


def test_two_dark_pictures_are_no_copies() -> None:
    first, second = signature(scene(1) // 32), signature(scene(2) // 32)
    assert np.abs(first.thumbnail - second.thumbnail).mean() < 2
    assert not is_copy(first, second)


def test_crop_of_a_scene_is_found() -> None:
    picture = scene(1)
    crop = picture[100:400, 200:600]
    assert not is_copy(signature(picture), signature(crop))
    assert shares_scene(signature(picture), signature(crop))


def test_different_scenes_are_distinguished() -> None:
    first, second = signature(scene(1)), signature(scene(2))
    assert not shares_scene(first, second)


def test_picture_without_corners_shares_no_scene() -> None:
    flat = signature(np.full((200, 200, 3), 90, np.uint8))
    assert not shares_scene(flat, signature(scene(1)))
    assert not shares_scene(flat, flat)
