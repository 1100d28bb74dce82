"""The decision about deinterlacing, and its note, follow from frames, marks and the request."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.media.decoding.interlace import policy
from pipeline.media.decoding.interlace.bwdif import Deinterlacing
from pipeline.media.decoding.interlace.policy import DeinterlaceMode, DeinterlacePlan, plan_deinterlacing
from pipeline.media.reading.pipe import Pipe
from pipeline.media.reading.probe import probe
from tests import clips, interlaced

TOP = "top field first"
BOTTOM = "bottom field first"
FIFTY = '`deinterlace="field"` makes one per field, 50 frames/s'


def plan_for(
    path: Path, frames: list[interlaced.Luma], mark: str | Sequence[str] = "prog", mode: DeinterlaceMode = "auto"
) -> DeinterlacePlan:
    return plan_deinterlacing(probe(interlaced.write(path / "clip.mkv", frames, mark)), mode)


@pytest.mark.parametrize("top_first", [True, False])
def test_marked_video_is_deinterlaced_in_its_order(tmp_path: Path, top_first: bool) -> None:
    found = plan_for(tmp_path, interlaced.video(40, top_first), "tff" if top_first else "bff")
    assert found.deinterlacing == Deinterlacing("marked", top_first)
    order = TOP if top_first else BOTTOM
    assert found.note == f"it is interlaced, {order}: deinterlaced, one frame per frame; {FIFTY}"


def test_unmarked_interlaced_video_is_deinterlaced(tmp_path: Path) -> None:
    found = plan_for(tmp_path, interlaced.video(40, top_first=False))
    assert found.deinterlacing == Deinterlacing("all", top_first=False)
    assert f"{BOTTOM}, though not marked as such" in str(found.note)


def test_frames_take_precedence_over_a_wrong_mark(tmp_path: Path) -> None:
    found = plan_for(tmp_path, interlaced.video(40, top_first=False), "tff")
    assert found.deinterlacing == Deinterlacing("marked", top_first=False)
    assert f"{BOTTOM}, though marked as {TOP}" in str(found.note)


def test_of_film_in_an_interlaced_stream_only_combed_frames_change(tmp_path: Path) -> None:
    found = plan_for(tmp_path, interlaced.film(40), "tff")
    assert found.deinterlacing == Deinterlacing("combed", top_first=True)
    assert "the examined frames show no combing artifacts" in str(found.note)


def test_progressive_film_is_unchanged_without_a_note(tmp_path: Path) -> None:
    assert plan_for(tmp_path, interlaced.film(40)) == DeinterlacePlan(None, None)


def test_of_a_mixed_stream_marked_frames_are_deinterlaced(tmp_path: Path) -> None:
    frames = [*interlaced.video(20), *interlaced.film(20)]
    assert plan_for(tmp_path, frames, ["tff"] * 20 + ["prog"] * 20).deinterlacing == Deinterlacing(
        "marked", top_first=True
    )


def test_marked_frames_that_were_not_examined_are_deinterlaced(tmp_path: Path) -> None:
    found = plan_for(tmp_path, [*interlaced.video(12), *interlaced.film(48)], ["tff"] * 12 + ["prog"] * 48)
    assert found.deinterlacing == Deinterlacing("marked", top_first=True)
    assert found.note == f"it is marked as interlaced in parts, {TOP}: these are deinterlaced"


def test_of_telecined_film_combed_frames_are_deinterlaced(tmp_path: Path) -> None:
    found = plan_for(tmp_path, interlaced.telecined(40), "tff")
    assert found.deinterlacing == Deinterlacing("combed", top_first=True)
    done = "combed frames are deinterlaced"
    assert found.note == f"it is film, telecined (3:2), {TOP}: {done}"


def test_of_a_video_interlaced_in_parts_combed_frames_are_deinterlaced(tmp_path: Path) -> None:
    found = plan_for(tmp_path, [*interlaced.video(20), *interlaced.film(20)], "tff")
    assert found.deinterlacing == Deinterlacing("combed", top_first=True)
    assert "interlaced in parts" in str(found.note)


def test_mark_decides_where_nothing_moves(tmp_path: Path) -> None:
    found = plan_for(tmp_path, [interlaced.luma_at(0)] * 40, "bff")
    assert found.deinterlacing == Deinterlacing("marked", top_first=False)
    assert f"marked as interlaced, {BOTTOM} (nothing moves in the examined frames)" in str(found.note)
    assert plan_for(tmp_path, [interlaced.luma_at(0)] * 40) == DeinterlacePlan(None, None)


def test_mark_decides_for_a_pipe(tmp_path: Path) -> None:
    media = probe(interlaced.write(tmp_path / "clip.mkv", interlaced.video(4), "tff"))
    found = plan_deinterlacing(replace(media, pipe=Pipe(0)), "auto")
    assert found.deinterlacing == Deinterlacing("marked", top_first=True)
    assert "frames of a pipe can't be examined" in str(found.note)


def test_off_leaves_everything_interlaced(tmp_path: Path) -> None:
    found = plan_for(tmp_path, interlaced.video(40), "tff", "off")
    assert found.deinterlacing is None
    assert found.note == 'it is marked as interlaced, and its combing artifacts are upscaled too (`deinterlace="off"`)'
    assert plan_for(tmp_path, interlaced.video(40), "prog", "off") == DeinterlacePlan(None, None)


@pytest.mark.parametrize(
    ("mode", "output"), [("frame", "one frame per frame"), ("field", "one frame per field, 50 frames/s")]
)
def test_requested_deinterlacing_applies_to_progressive_video_too(
    tmp_path: Path, mode: DeinterlaceMode, output: str
) -> None:
    found = plan_for(tmp_path, interlaced.film(40), "prog", mode)
    assert found.deinterlacing == Deinterlacing("all", top_first=True, doubled=mode == "field")
    assert str(found.note).startswith(f"it shows no combing artifacts; {TOP} is assumed: deinterlaced, ")
    assert str(found.note).endswith(output)


def test_requested_deinterlacing_skips_frames_marked_as_progressive(tmp_path: Path) -> None:
    frames = [*interlaced.video(20), *interlaced.film(20)]
    how = plan_for(tmp_path, frames, ["tff"] * 20 + ["prog"] * 20, "field").deinterlacing
    assert how == Deinterlacing("marked", top_first=True, doubled=True)


def test_doubled_video_has_twice_the_rate_and_the_same_length(tmp_path: Path) -> None:
    video = replace(probe(interlaced.write(tmp_path / "clip.mkv", interlaced.video(4))).video, start=80)
    doubled = DeinterlacePlan(Deinterlacing("all", True, doubled=True)).apply_to(video)
    assert (doubled.rate, doubled.time_base, doubled.start) == (2 * video.rate, video.time_base / 2, 160)
    assert doubled.start_time == video.start_time == Fraction(80, 1000)
    assert doubled.frames == (None if video.frames is None else 2 * video.frames)
    assert DeinterlacePlan(Deinterlacing("all", True)).apply_to(video) == DeinterlacePlan().apply_to(video) == video


def test_numbered_images_are_not_doubled(tmp_path: Path) -> None:
    for number in range(2):
        clips.make(tmp_path / f"{number}.png", 1, codec="png", pixel="rgb24", audio=False)
    media = probe(tmp_path / "%d.png")
    with pytest.raises(SettingsError, match=r'`deinterlace="field"`.*"frame" makes one frame of each'):
        plan_deinterlacing(media, "field")
    assert plan_deinterlacing(media, "frame").deinterlacing == Deinterlacing("all", top_first=True)


def test_unsupported_format_stays_interlaced_with_a_note(tmp_path: Path) -> None:
    media = probe(interlaced.write(tmp_path / "clip.mkv", interlaced.video(40), "tff", pixel="yuv440p10le"))
    assert plan_deinterlacing(media, "auto") == DeinterlacePlan(
        None, "libavfilter can't deinterlace 64x336 yuv440p10le: its combing artifacts are upscaled too"
    )


@pytest.mark.parametrize(("codec", "rows"), [("vp9", 336), ("h264", 240), ("h264", 720), ("h264", 2160)])
def test_formats_that_are_never_interlaced_are_not_examined(
    clip: Path, codec: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "detect_interlacing", None)
    media = probe(clip)
    format = replace(media.video.format, height=rows)
    assert (
        plan_deinterlacing(replace(media, video=replace(media.video, codec=codec, format=format)), "auto")
        == DeinterlacePlan()
    )
