"""Values as text, and progress where there is no terminal."""

import pytest

from pipeline import Progress
from pipeline.cli.console import Status, facts, hours, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown"), (59.4, "59 s"), (91, "2 min"), (720, "12 min"), (7500, "2 h 05 min")],
)
def test_duration_is_written_in_the_unit_that_suits_it(seconds: float | None, text: str) -> None:
    assert hours(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 B"), (1234, "1.23 kB"), (4_560_000_000, "4.56 GB"), (2e15, "2e+03 TB")]
)
def test_size_is_written_in_the_unit_that_suits_it(count: float, text: str) -> None:
    assert size(count) == text


def test_values_of_facts_are_aligned_and_their_brackets_kept() -> None:
    assert facts([("a", "x [b]"), ("abc", "y")]) == "[bold]a    [/]x \\[b]\n[bold]abc  [/]y"


def test_progress_is_a_line_every_ten_seconds_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: times[-1])
    with Status(total=100, quiet=False) as status:
        status.begin("a.mp4")
        for seconds in (1.0, 11.0, 12.0):
            times.append(seconds)
            status.update(Progress(20, 0, 8.0, "encode"))
        status.end(50)
        status.begin("b.mp4")
        times.append(25.0)
        status.update(Progress(0, 0, 8.0, "encode"))
    assert capsys.readouterr().err.splitlines() == [
        "a.mp4: 20/100, 2.5 fps, 44 s left, bottleneck: encode",
        "b.mp4: 50/100, 0.0 fps, 25 s left, bottleneck: encode",
    ]


def test_frames_of_earlier_runs_do_not_count_for_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: times[-1])
    with Status(total=100, quiet=False) as status:
        status.begin("a.mp4")
        times.append(20.0)
        status.update(Progress(60, 100, 20.0, "encode", resumed=50))
    assert capsys.readouterr().err == "a.mp4: 60/100, 0.5 fps, 80 s left, bottleneck: encode\n"


def test_quiet_status_prints_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    times = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: times[-1])
    with Status(total=0, quiet=True) as status:
        status.begin("a.mp4")
        times.append(60.0)
        status.update(Progress(20, 0, 8.0, "encode"))
    assert capsys.readouterr() == ("", "")
