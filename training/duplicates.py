"""Finding pictures that show the same: copies of another size or compression, and crops of one scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_THUMBNAIL = 16
# Mean difference of two thumbnails in 8-bit levels, under which one is a copy of the other.
_COPY = 6.0
# Correlation from which it is, so that two dark pictures are not taken for one.
_CORRELATED = 0.9
_LONG_SIDE = 640
_FEATURES = 800
# A match is clear if the second best is this much worse (Lowe's ratio).
_RATIO = 0.75
_FEWEST_MATCHES = 25
_REPROJECTION_PIXELS = 4.0


@dataclass(frozen=True)
class Signature:
    """What of a picture is compared with others.

    Attributes:
        thumbnail: Grey thumbnail, (16, 16) float32, levels 0 to 255.
        points: Positions of corners, (N, 2) float32.
        descriptors: ORB descriptors of these, (N, 32) uint8.
    """

    thumbnail: NDArray[np.float32]
    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


def signature(image: NDArray[np.uint8]) -> Signature:
    """Signature of an image, (H, W, 3) uint8 RGB."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    thumbnail = cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
    scale = min(1.0, _LONG_SIDE / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    keypoints, descriptors = cv2.ORB.create(nfeatures=_FEATURES).detectAndCompute(small, None)
    points = np.array([point.pt for point in keypoints], np.float32).reshape(-1, 2)
    return Signature(
        thumbnail, points, np.zeros((0, 32), np.uint8) if descriptors is None else np.asarray(descriptors, np.uint8)
    )


def is_copy(a: Signature, b: Signature) -> bool:
    """True if two pictures look the same as thumbnails."""
    if np.abs(a.thumbnail - b.thumbnail).mean() >= _COPY:
        return False
    x, y = a.thumbnail - a.thumbnail.mean(), b.thumbnail - b.thumbnail.mean()
    return bool((x * y).sum() > _CORRELATED * np.sqrt(np.square(x).sum() * np.square(y).sum()))


def shares_scene(a: Signature, b: Signature) -> bool:
    """True if many corners of one picture are found in the other, moved by one similarity transform (ORB, RANSAC)."""
    if min(len(a.points), len(b.points)) < _FEWEST_MATCHES:
        return False
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(a.descriptors, b.descriptors, k=2)
    clear = [best for best, second in pairs if best.distance < _RATIO * second.distance]
    if len(clear) < _FEWEST_MATCHES:
        return False
    source = a.points[[match.queryIdx for match in clear]]
    target = b.points[[match.trainIdx for match in clear]]
    _, inliers = cv2.estimateAffinePartial2D(source, target, ransacReprojThreshold=_REPROJECTION_PIXELS)
    return inliers is not None and int(inliers.sum()) >= _FEWEST_MATCHES
