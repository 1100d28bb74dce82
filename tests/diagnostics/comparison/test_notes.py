"""Notes on what a page does not show."""

from dataclasses import replace
from pathlib import Path

from pipeline.diagnostics.comparison.clip import Clip
from pipeline.diagnostics.comparison.notes import clip_notes
from tests.diagnostics.comparison.pairs import settings


def test_an_ordinary_video_needs_no_note(small: Path) -> None:
    assert clip_notes([Clip(small, settings())], (128, 96)) == []


def test_hdr_transparency_and_another_shape_are_noted(small: Path) -> None:
    clip = Clip(small, settings())
    clip.format = replace(clip.format, colour=replace(clip.format.colour, transfer=16))
    clip.media = replace(clip.media, video=replace(clip.media.video, alpha=True))
    hdr, alpha, shape = clip_notes([clip], (128, 128))
    assert "without tone mapping" in hdr
    assert "transparency" in alpha
    assert shape.startswith("small.mkv is stretched from 64x48 to the shape of 128x128")
