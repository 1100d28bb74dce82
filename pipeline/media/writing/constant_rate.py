"""Whether frames follow each other evenly: what pipes and numbered pictures take for granted."""

from __future__ import annotations

from fractions import Fraction


class Evenness:
    """Compares the times of frames with an even `rate`. off: the most that they were apart, in seconds."""

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._first: Fraction | None = None
        self._count = 0
        self.off = Fraction(0)

    def add(self, time: Fraction) -> None:
        """The next frame is shown at `time`, in seconds."""
        if self._first is None:
            self._first = time
        self.off = max(self.off, abs(time - self._first - self._count / self._rate))
        self._count += 1

    def lines(self, kind: str) -> list[str]:
        """What to tell people of a result of that `kind`, which knows no times; nothing within a frame."""
        if self.off < 1 / self._rate:
            return []
        rate = f"{float(self._rate):g} frames/s"
        return [f"the frames were not even in time (by up to {float(self.off):.2f} s); {kind} has but one rate, {rate}"]
