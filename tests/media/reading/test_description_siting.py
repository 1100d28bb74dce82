"""The chroma location is read from the tags of each codec and container that has it."""

from pathlib import Path

import av
import pytest

from pipeline.frame import Siting
from pipeline.media.reading.description import read_siting_tag
from tests import clips

CODED = [siting for siting in Siting if siting.coded is siting]


def read_back(path: Path, codec: str, siting: Siting | None = None, pixel: str = "yuv420p") -> Siting | None:
    options = {"chroma_sample_location": siting.value} if siting else {"g": "1"}
    clips.make(path, frames=2, codec=codec, pixel=pixel, audio=False, time_base=1 / clips.RATE, options=options)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        next(container.decode(stream))
        return read_siting_tag(stream)


@pytest.mark.parametrize("siting", CODED)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_h264_keeps_every_siting(tmp_path: Path, name: str, siting: Siting) -> None:
    assert read_back(tmp_path / name, "libx264", siting) is siting


@pytest.mark.parametrize("siting", [Siting.LEFT, Siting.CENTRE, Siting.TOP_LEFT, Siting.TOP])
def test_matroska_has_the_siting_of_codecs_that_can_not_store_it(tmp_path: Path, siting: Siting) -> None:
    assert read_back(tmp_path / "a.mkv", "ffv1", siting) is siting


def test_untagged_stream_has_no_siting(tmp_path: Path) -> None:
    assert read_back(tmp_path / "a.nut", "ffv1", Siting.TOP_LEFT) is None


@pytest.mark.parametrize(
    ("codec", "pixel", "siting"),
    [
        ("mpeg2video", "yuv420p", Siting.LEFT),
        ("mpeg2video", "yuv422p", Siting.TOP_LEFT),
        ("mpeg1video", "yuv420p", Siting.CENTRE),
        ("mpeg4", "yuv420p", Siting.LEFT),
        ("mjpeg", "yuvj422p", Siting.CENTRE),
    ],
)
def test_older_codecs_have_one_fixed_siting(tmp_path: Path, codec: str, pixel: str, siting: Siting) -> None:
    assert read_back(tmp_path / "a.mkv", codec, pixel=pixel) is siting
