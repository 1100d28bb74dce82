"""The manifest says how the segments were made, so that the rest is made in the same way."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.files.durable.manifest import Manifest
from tests.files.durable.test_segmenting import plan_of


def test_a_manifest_is_read_as_it_was_written(clip: Path, tmp_path: Path) -> None:
    manifest = Manifest.of(plan_of(clip))
    manifest.write(tmp_path / "job.json")
    assert Manifest.read(tmp_path / "job.json") == manifest


def test_encoders_and_segments_are_those_of_the_beginning(clip: Path) -> None:
    begun = Manifest.of(plan_of(clip, encoders=2, frames=96))
    now = plan_of(clip, frames=96)
    again = begun.apply_to(replace(now, segment_frames=7))
    assert again.segment_frames == begun.segment_frames
    assert again.encoding == plan_of(clip, encoders=2, frames=96).encoding


@pytest.mark.parametrize("content", [b"", b"{", b'{"facts": {}, "sum": "0"}', b"[]"])
def test_a_damaged_manifest_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "job.json").write_bytes(content)
    assert Manifest.read(tmp_path / "job.json") is None


def test_an_edited_manifest_is_none(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    Manifest.of(plan_of(clip)).write(path)
    content = json.loads(path.read_bytes())
    content["facts"]["segment_frames"] = 1
    path.write_text(json.dumps(content))
    assert Manifest.read(path) is None


def test_a_manifest_of_another_format_is_refused_with_what_to_do(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    replace(Manifest.of(plan_of(clip)), format=99).write(path)
    with pytest.raises(OutputError, match=r"another version of uprez.*uprez clean"):
        Manifest.read(path)
