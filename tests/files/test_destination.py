"""Checks of a job's output before the start."""

from pathlib import Path

import av
import pytest

from pipeline.config.settings import Settings
from pipeline.errors import OutputError, SettingsError
from pipeline.files.destination import check_earlier_output, check_target, free_disk
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
            OutputError, match=r"is a video of 80x64, and this job writes 64x48: .*; it is never replaced: remove it"
        ):
            check_target(plan(clip, larger, overwrite=overwrite))
    for frames in (9, 15, 60):
        other = clips.make(tmp_path / f"{frames}.mkv", frames=frames)
        with pytest.raises(OutputError, match=rf"is a video of about {frames} frames, and this job writes 12"):
            check_target(plan(clip, other, overwrite=True))


def test_a_missing_folder_and_an_address_are_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"the folder .*nowhere does not exist: create it first"):
        check_target(plan(clip, tmp_path / "nowhere" / "out.mkv"))
    with pytest.raises(SettingsError, match="is an address, not a file"):
        check_target(plan(clip, Path("rtsp://server/path.mkv")))


def test_a_complete_earlier_output_passes(clip: Path, tmp_path: Path) -> None:
    check_earlier_output(plan(clip, clips.make(tmp_path / "out.mkv")))
    check_earlier_output(plan(clip, clips.make(tmp_path / "out.mp4")))


@pytest.mark.parametrize("content", [b"", b"no video"])
def test_an_earlier_output_that_is_no_video_is_refused(clip: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "out.mkv").write_bytes(content)
    with pytest.raises(OutputError, match=r"exists and is not a complete video .*`overwrite=True` replaces it"):
        check_earlier_output(plan(clip, tmp_path / "out.mkv"))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_an_earlier_output_that_is_cut_off_is_refused(clip: Path, tmp_path: Path, suffix: str) -> None:
    target = clips.make(tmp_path / f"out{suffix}", index_in_front=True)
    target.write_bytes(target.read_bytes()[:-200])
    with pytest.raises(OutputError, match="exists and is cut off: at least 200 bytes are missing"):
        check_earlier_output(plan(clip, target))


def test_an_earlier_output_of_a_killed_process_is_refused(clip: Path, tmp_path: Path) -> None:
    complete = clips.make(tmp_path / "complete.mkv")
    output = av.open(str(tmp_path / "out.mkv"), "w", container_options={"live": "1"})  # which writes no length
    with av.open(str(complete)) as original, output as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        for packet in (packet for packet in original.demux(video=0) if packet.size):
            packet.stream = stream
            container.mux(packet)
    with pytest.raises(OutputError, match="exists and was never finished"):
        check_earlier_output(plan(clip, tmp_path / "out.mkv"))


def test_an_earlier_output_of_another_length_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists and is a video of about 6 frames"):
        check_earlier_output(plan(clip, clips.make(tmp_path / "out.mkv", frames=6)))
