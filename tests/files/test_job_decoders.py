"""A job with several decoders writes the file that it writes with one."""

import threading
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import Cancelled
from pipeline.files.job import Job
from pipeline.flow.telemetry import Progress
from tests import clips
from tests.jobs import upscale
from tests.media.decoding.parallel_clips import make


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of open GOPs of one second, with audio."""
    options = {"x264-params": "keyint=25:open-gop=1:bframes=3:b-adapt=0:scenecut=0"}
    return clips.make(tmp_path_factory.mktemp("film") / "film.mkv", 300, options=options)


def written(source: Path, to: Path, **options: Any) -> list[Any]:
    """Everything that a job writes."""
    result = upscale(source, to, **options)
    assert result.notes == ()
    return [clips.packets(to, "video"), clips.packets(to, "audio"), result.frames_out, result.findings]


@pytest.mark.parametrize("part", [{}, {"start": 2.6, "end": 9.3}, {"start": 4, "frames": 130}], ids=str)
def test_output_is_that_of_one_decoder(film: Path, tmp_path: Path, part: dict[str, Any]) -> None:
    several = written(film, tmp_path / "several.mkv", decoders=3, **part)
    assert several == written(film, tmp_path / "one.mkv", decoders=1, **part)
    assert several[2] == (part.get("frames") or (168 if part else 300))


def test_damaged_source_is_reported_as_by_one_decoder(tmp_path: Path) -> None:
    source = make(tmp_path, "open GOPs of H.265 in a transport stream", frames=200)
    content = source.read_bytes()
    at = len(content) * 2 // 3 // 188 * 188
    source.write_bytes(content[:at] + content[at + 188 * 40 :])
    results = [upscale(source, tmp_path / f"{count}.mkv", decoders=count) for count in (1, 3)]
    assert not results[0].source_intact
    assert len({(r.frames_out, r.frames_lost, r.frames_damaged, r.findings) for r in results}) == 1


@pytest.mark.parametrize("method", ["stop", "abort"])
def test_job_with_several_decoders_can_be_ended(film: Path, tmp_path: Path, method: str) -> None:
    job = Job()

    def progress(at: Progress) -> None:
        if at.done >= 5:
            getattr(job, method)()

    if method == "abort":
        with pytest.raises(Cancelled):
            upscale(film, tmp_path / "out.mkv", decoders=3, queue=1, job=job, progress=progress, preset="veryslow")
    else:
        result = upscale(film, tmp_path / "out.mkv", decoders=3, queue=1, job=job, progress=progress)
        assert len(clips.shades(result.path)) == result.frames_out
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("uprez-")]
