"""Repeated frames, whose samples are bit for bit those of the frame before, and frames that have several users.

Screen recordings consist of repeated frames while nothing moves, and so do videos whose frame rate was raised without
interpolation. A session gives the same output for the same frame: nothing in it is random, and its dither pattern is
the same in every frame. So the output of a frame can be used for its repetitions.
"""

from __future__ import annotations

import threading

from pipeline.frame import Frame, Plane

_SAMPLED_ROWS = 6  # of the first plane
_BAND_BYTES = 2**17  # two bands and the outcome of their comparison fit into a core's cache
_WORDS = "u8", "u4", "u2"  # types as which rows are compared, where they fit: fewer elements take less time

Band = tuple[int, slice]


class SharedFrame:
    """A frame with several users, which is released once all of them have released it. For any thread.

    The caller of the constructor is a user too, and calls `release` once.

    Args:
        frame: The frame.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._users = 1
        self._lock = threading.RLock()  # reentrant: the garbage collector may release a frame at any moment

    def share(self, pts: int, duration: int) -> Frame:
        """The frame for one more user, who releases it. Its samples must not be written to.

        Args:
            pts: Its timestamp for this user.
            duration: Its duration for this user.
        """
        with self._lock:
            self._users += 1
        frame = self._frame
        return Frame(frame.format, frame.planes, pts, duration, self.release, interlaced=frame.interlaced)

    def release(self) -> None:
        """End the use by one user."""
        with self._lock:
            self._users -= 1
            in_use = self._users > 0
        if not in_use:
            self._frame.release()


class RepeatDetector:
    """Finds repeated frames. One thread calls its methods; any thread may read `repeated`.

    The comparison is exact. Most frames that differ are recognised by a few rows. Where these are equal, planes are
    compared in bands of rows, beginning with those that differed most recently, as a cursor and typed text stay in
    their place.

    The last frame is kept until the next one, and no longer: the decoder can use its memory again.

    Attributes:
        repeated: Number of repeated frames so far.
    """

    def __init__(self) -> None:
        self.repeated = 0
        self._last: Frame | None = None
        self._kept: SharedFrame | None = None  # the same frame, and its release
        self._bands: list[Band] = []  # plane and rows, the most recently different first
        self._shapes: list[tuple[int, ...]] = []  # of the planes that `_bands` divide

    def is_repeat(self, frame: Frame) -> bool:
        """True if `frame`, in main memory, equals that of the last call. It is neither kept nor released."""
        last = self._last
        repeats = last is not None and frame.format == last.format and self._is_equal(frame.planes, last.planes)
        self.repeated += repeats
        return repeats

    def keep(self, frame: Frame) -> Frame:
        """Keep `frame` for the next comparison, and return it for its other user. Releases the one that was kept."""
        self.forget()
        self._last, self._kept = frame, SharedFrame(frame)
        return self._kept.share(frame.pts, frame.duration)

    def forget(self) -> None:
        """Release the frame that is kept, if there is one: the next frame is not a repeated one."""
        kept, self._kept, self._last = self._kept, None, None
        if kept is not None:
            kept.release()

    def _is_equal(self, planes: tuple[Plane, ...], others: tuple[Plane, ...]) -> bool:
        shapes = [plane.shape for plane in planes]
        if shapes != [other.shape for other in others]:
            return False
        rows = slice(shapes[0][0] // (2 * _SAMPLED_ROWS), None, max(1, shapes[0][0] // _SAMPLED_ROWS))
        if planes[0][rows].tobytes() != others[0][rows].tobytes():
            return False
        if shapes != self._shapes:
            self._shapes, self._bands = shapes, _bands(planes)
        pairs = [_words(plane, other) for plane, other in zip(planes, others, strict=True)]
        for position, (index, rows) in enumerate(self._bands):
            plane, other = pairs[index]
            if (plane[rows] != other[rows]).any():
                self._bands.insert(0, self._bands.pop(position))
                return False
        return True


def _bands(planes: tuple[Plane, ...]) -> list[Band]:
    """The planes as bands of rows, each of about _BAND_BYTES bytes."""
    bands = []
    for index, plane in enumerate(planes):
        step = max(1, _BAND_BYTES // (plane.shape[1] * plane.itemsize))
        bands += [(index, slice(first, first + step)) for first in range(0, plane.shape[0], step)]
    return bands


def _words(*planes: Plane) -> list[Plane]:
    """Views of planes of one shape, of the longest words into which their rows can be divided."""
    row = planes[0].shape[1] * planes[0].itemsize
    word = next((word for word in _WORDS if row % int(word[1:]) == 0), None)
    return [plane.view(word) if word else plane for plane in planes]
