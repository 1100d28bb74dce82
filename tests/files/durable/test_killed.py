"""Jobs that are killed at any moment continue, and give the output that an uninterrupted job gives, bit for bit."""

import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.files.durable.unfinished import remove_unfinished
from pipeline.verification.compare import verify
from tests import clips, interlaced

_FAST = ("--model", "identity", "--backend", "onnx", "--resume")
_FRAMES = 30  # of a segment


@dataclass(frozen=True)
class Scenario:
    """A job that is killed: what makes its source, the output's suffix, and further options."""

    make: Callable[[Path], Path]
    suffix: str = ".mkv"
    options: tuple[str, ...] = ("--preset", "veryfast")


def film(folder: Path) -> Path:
    return clips.make(folder / "in.mp4", frames=100)


def uneven(folder: Path) -> Path:
    steps = random.Random(7)
    times = [sum(steps.choice((200, 512, 513, 3000)) for _ in range(1))]
    for _ in range(99):
        times.append(times[-1] + steps.choice((200, 512, 513, 3000)))
    return clips.make(folder / "in.mp4", pts=times, time_base=Fraction(1, 12800))


def fields(folder: Path) -> Path:
    return interlaced.write(folder / "in.mkv", interlaced.video(100))


def damaged(folder: Path) -> Path:
    """A film with two damaged places."""
    path = clips.make(folder / "in.ts", frames=100, options={"crf": "10", "g": "12", "bf": "2"})
    content = bytearray(path.read_bytes())
    for share in (3, 6):
        at = len(content) * share // 10
        content[at : at + 600] = bytes(600)
    path.write_bytes(content)
    return path


# The macroblock tree of x264 in PyAV 18.1 encodes equal textured frames in different ways from run to run on processors
# with AVX-512, also in one process with one thread: textured scenarios do without it.
SCENARIOS = {
    "mp4": Scenario(film, ".mp4"),
    "mkv": Scenario(film),
    "several encoders, mp4": Scenario(film, ".mp4", ("--preset", "veryfast", "--encoders", "3")),
    "several encoders, mkv": Scenario(film, ".mkv", ("--preset", "veryfast", "--encoders", "3")),
    "B-frames": Scenario(film, ".mp4", ("--preset", "veryfast", "-x", "bf=5", "-x", "b_strategy=0")),
    "x265": Scenario(film, ".mkv", ("--codec", "x265", "--preset", "ultrafast")),
    "uneven times, mp4": Scenario(uneven, ".mp4"),
    "uneven times, mkv": Scenario(uneven),
    "excerpt": Scenario(film, ".mp4", ("--preset", "veryfast", "--start", "0.5", "--end", "3.2")),
    "deinterlacing": Scenario(fields, ".mkv", ("--preset", "veryfast", "-x", "mbtree=0", "--deinterlace", "field")),
    "damaged source": Scenario(damaged, ".mkv"),
}


class KilledJob:
    """A job in a folder, run in child processes."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self.source = scenario.make(folder)
        self._folder, self._scenario = folder, scenario

    def run(self, name: str, last: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the job into the output `name`; it dies at its write number `last`."""
        program = (sys.executable, "-m", "tests.files.durable.mortal_upscale", str(last), str(_FRAMES))
        arguments = (*_FAST, *self._scenario.options, str(self.source), str(self.output(name)))
        return subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)

    def output(self, name: str) -> Path:
        return self._folder / (name + self._scenario.suffix)

    def unbroken(self) -> int:
        """Run the job without interruption; return the number of its writes."""
        done = self.run("unbroken")
        assert done.returncode in (0, 3), done.stderr
        return int(re.findall(r"writes: (\d+)", done.stdout)[-1])

    def kill_until_done(self, moments: list[int]) -> int:
        """Kill the job at each of `moments`, counted from each start, then let it end; return the number of kills."""
        for kills, moment in enumerate([*moments, 0]):
            done = self.run("killed", moment)
            if done.returncode != -signal.SIGKILL:
                assert done.returncode in (0, 3), done.stderr
                return kills
            if self.output("killed").exists():  # it died after the rename: `check` shows that the output is complete
                remove_unfinished(self.output("killed"))
                return kills + 1
        raise AssertionError

    def check(self) -> None:
        """Check that the output equals that of the uninterrupted job, and that nothing is left over."""
        killed, unbroken = self.output("killed"), self.output("unbroken")
        for kind in ("video", *(["audio"] if "audio" in kinds(unbroken) else [])):
            assert clips.packets(killed, kind) == clips.packets(unbroken, kind)
        assert clips.video_times(killed) == clips.video_times(unbroken)
        if self._scenario.suffix == ".mp4":  # FFmpeg writes random numbers into Matroska files
            assert killed.read_bytes() == unbroken.read_bytes()
        names = {path.name for path in self._folder.iterdir()}
        assert names == {self.source.name, killed.name, unbroken.name}


def kinds(path: Path) -> set[str]:
    with av.open(str(path)) as container:
        return {stream.type for stream in container.streams}


@pytest.mark.parametrize("name", ["mp4", "several encoders, mkv"])
def test_a_job_that_was_killed_twice_gives_the_output_of_one_that_was_not(name: str, tmp_path: Path) -> None:
    job = KilledJob(tmp_path, SCENARIOS[name])
    writes = job.unbroken()
    assert job.kill_until_done([writes // 3, writes // 2]) == 2
    job.check()
    assert not verify(job.source, job.output("killed")).faults


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", ["first", "second", "third"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_job_that_is_killed_at_10_random_moments_gives_the_output_of_one_that_was_not(
    name: str, part: str, tmp_path: Path
) -> None:
    job = KilledJob(tmp_path, SCENARIOS[name])
    writes, moments = job.unbroken(), random.Random(name + part)
    kills = 0
    while kills < 10:
        kills += job.kill_until_done([moments.randint(1, writes) for _ in range(10 - kills)])
        job.check()
        job.output("killed").unlink()
