"""A job whose frames are all in segments is finished with what an uninterrupted job reports."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import InputError, OutputError
from pipeline.files.durable import segmenting
from pipeline.files.durable.work_folder import work_path
from tests import clips
from tests.jobs import upscale


@pytest.fixture
def full_disk_at_the_end(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The output can't get its name, until the function that this returns is called."""
    monkeypatch.setattr(segmenting, "_CPU_FRAMES", 24)
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if str(source).endswith(".part.mkv"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    return lambda: monkeypatch.setattr(os, "replace", replace)


@pytest.mark.parametrize("start", [None, 0.4])
def test_damage_and_counts_are_those_of_an_uninterrupted_job(
    tmp_path: Path, full_disk_at_the_end: Callable[[], None], start: float | None
) -> None:
    source = clips.make(tmp_path / "in.mkv", frames=60)
    source.write_bytes(source.read_bytes()[:-3000])
    with pytest.raises(OutputError):
        upscale(source, tmp_path / "out.mkv", resume=True, start=start)
    assert (work_path(tmp_path / "out.mkv") / "outcome.json").exists()
    full_disk_at_the_end()
    finished = upscale(source, tmp_path / "out.mkv", resume=True, start=start)
    unbroken = upscale(source, tmp_path / "unbroken.mkv", resume=True, start=start)
    assert finished.frames_resumed == finished.frames_out
    for name in ("frames_in", "frames_out", "frames_lost", "frames_damaged", "source_intact", "findings"):
        assert getattr(finished, name) == getattr(unbroken, name), name
    assert clips.packets(finished.path, "video") == clips.packets(unbroken.path, "video")
    assert clips.packets(finished.path, "audio") == clips.packets(unbroken.path, "audio")


def test_an_interrupted_join_of_a_damaged_source_is_refused_by_strict(
    tmp_path: Path, full_disk_at_the_end: Callable[[], None]
) -> None:
    source, output = clips.make(tmp_path / "in.mkv", frames=60), tmp_path / "out.mkv"
    source.write_bytes(source.read_bytes()[:-3000])
    with pytest.raises(OutputError):
        upscale(source, output, resume=True)
    full_disk_at_the_end()
    with pytest.raises(InputError, match="is cut off"):
        upscale(source, output, resume=True, strict=True)
    assert not output.exists()
