"""Checks of a job's output before the start."""

from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.errors import OutputError, SettingsError
from pipeline.files.destination import check_target, free_disk
from pipeline.files.plan import Plan, make_plan
from pipeline.media.reading.probe import probe
from tests import clips


def plan(clip: Path, target: Path, **options: object) -> Plan:
    return make_plan(probe(clip), target, Settings.load(None, **({"backend": "onnx", "model": "identity"} | options)))


def test_a_new_file_in_a_folder_that_exists_is_accepted(clip: Path, tmp_path: Path) -> None:
    made = plan(clip, tmp_path / "out.mkv")
    check_target(made)
    assert free_disk(made) > 0


def test_an_existing_output_is_replaced_on_request_only(clip: Path, tmp_path: Path) -> None:
    target = clips.make(tmp_path / "out.mkv")
    with pytest.raises(OutputError, match="exists already; `overwrite=True` replaces it"):
        check_target(plan(clip, target))
    check_target(plan(clip, target, overwrite=True))


def test_another_video_is_not_replaced_even_on_request(clip: Path, tmp_path: Path) -> None:
    larger = clips.make(tmp_path / "larger.mkv", size=(80, 64))
    for overwrite in (False, True):
        with pytest.raises(
            OutputError, match=r"is a video of 80x64, not an earlier output \(64x48\); give another name"
        ):
            check_target(plan(clip, larger, overwrite=overwrite))
    for frames in (9, 15, 60):
        other = clips.make(tmp_path / f"{frames}.mkv", frames=frames)
        with pytest.raises(OutputError, match=rf"is a video of {frames} frames, not an earlier output \(12\)"):
            check_target(plan(clip, other, overwrite=True))


def test_a_missing_folder_and_an_address_are_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"the folder .*nowhere does not exist: create it first"):
        check_target(plan(clip, tmp_path / "nowhere" / "out.mkv"))
    with pytest.raises(SettingsError, match="is an address, not a file"):
        check_target(plan(clip, Path("rtsp://server/path.mkv")))
