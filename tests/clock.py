"""A clock that a test sets, for code that is given a function of the time."""


class Clock:
    """Gives `now`, which only the test and `sleep` change.

    Attributes:
        now: In seconds.
        sleeps: All sleeps so far, in seconds, rounded to microseconds.
    """

    def __init__(self, now: float = 100.0) -> None:
        self.now = now
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(round(seconds, 6))
        self.now += seconds
