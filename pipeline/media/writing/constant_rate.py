"""Checks that frames are evenly spaced in time, as pipes and numbered images imply."""

from __future__ import annotations

from fractions import Fraction


class ConstantRateCheck:
    """Compares the times of frames with those of a constant rate that begins with the first frame.

    Attributes:
        deviation: The largest difference so far, in seconds.
    """

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._first: Fraction | None = None
        self._count = 0
        self.deviation = Fraction(0)

    def add(self, time: Fraction) -> None:
        """Add the next frame; `time`: in seconds."""
        if self._first is None:
            self._first = time
        self.deviation = max(self.deviation, abs(time - self._first - self._count / self._rate))
        self._count += 1

    def notes(self, kind: str) -> list[str]:
        """Return a line if frames deviate by a frame or more; `kind`: the kind of output, which stores no times."""
        if self.deviation < 1 / self._rate:
            return []
        spacing = f"the frames are not evenly spaced (they deviate by up to {float(self.deviation):.2f} s)"
        return [f"{spacing}; {kind} has a constant rate of {float(self._rate):g} frames/s"]
