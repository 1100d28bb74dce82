"""What is done about fields: found, and said in one line."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.media.decoding.interlace import policy as deciding
from pipeline.media.decoding.interlace.bwdif import Deinterlacing
from pipeline.media.decoding.interlace.policy import DeinterlaceMode, DeinterlacePlan, plan_deinterlacing
from pipeline.media.reading.pipe import Pipe
from pipeline.media.reading.probe import probe
from tests import clips, interlaced

TOP = "top field first"
BOTTOM = "bottom field first"
FIFTY = '`deinterlace="field"` makes one per field, 50 frames/s'


def decided(
    path: Path, frames: list[interlaced.Luma], mark: str | Sequence[str] = "prog", wish: DeinterlaceMode = "auto"
) -> DeinterlacePlan:
    return plan_deinterlacing(probe(interlaced.write(path / "clip.mkv", frames, mark)), wish)


@pytest.mark.parametrize("top_first", [True, False])
def test_marked_video_is_deinterlaced_in_its_order(tmp_path: Path, top_first: bool) -> None:
    found = decided(tmp_path, interlaced.video(40, top_first), "tff" if top_first else "bff")
    assert found.deinterlacing == Deinterlacing("marked", top_first)
    order = TOP if top_first else BOTTOM
    assert found.note == f"it is interlaced, {order}: deinterlaced, one frame per frame; {FIFTY}"


def test_combs_that_nothing_marks_are_found(tmp_path: Path) -> None:
    found = decided(tmp_path, interlaced.video(40, top_first=False))
    assert found.deinterlacing == Deinterlacing("all", top_first=False)
    assert f"{BOTTOM}, though not marked as such" in str(found.note)


def test_of_mark_and_pictures_the_pictures_are_believed(tmp_path: Path) -> None:
    found = decided(tmp_path, interlaced.video(40, top_first=False), "tff")
    assert found.deinterlacing == Deinterlacing("marked", top_first=False)
    assert f"{BOTTOM}, though marked as {TOP}" in str(found.note)


def test_of_film_in_an_interlaced_stream_only_what_looks_combed_is_touched(tmp_path: Path) -> None:
    found = decided(tmp_path, interlaced.film(40), "tff")
    assert found.deinterlacing == Deinterlacing("combed", top_first=True)
    assert "the examined frames show no combing artifacts" in str(found.note)


def test_film_is_left_alone_and_nothing_is_said(tmp_path: Path) -> None:
    assert decided(tmp_path, interlaced.film(40)) == DeinterlacePlan(None, None)


def test_of_a_stream_of_both_kinds_what_is_marked_is_deinterlaced(tmp_path: Path) -> None:
    frames = [*interlaced.video(20), *interlaced.film(20)]
    assert decided(tmp_path, frames, ["tff"] * 20 + ["prog"] * 20).deinterlacing == Deinterlacing(
        "marked", top_first=True
    )


def test_marked_frames_that_were_not_looked_at_are_deinterlaced(tmp_path: Path) -> None:
    found = decided(tmp_path, [*interlaced.video(12), *interlaced.film(48)], ["tff"] * 12 + ["prog"] * 48)
    assert found.deinterlacing == Deinterlacing("marked", top_first=True)
    assert found.note == f"it is marked as interlaced in parts, {TOP}: these are deinterlaced"


def test_of_telecined_film_what_looks_combed_is(tmp_path: Path) -> None:
    found = decided(tmp_path, interlaced.telecined(40), "tff")
    assert found.deinterlacing == Deinterlacing("combed", top_first=True)
    done = "combed frames are deinterlaced"
    assert found.note == f"it is film, telecined (3:2), {TOP}: {done}"


def test_where_only_parts_are_combed_and_all_is_marked_they_are_looked_for(tmp_path: Path) -> None:
    found = decided(tmp_path, [*interlaced.video(20), *interlaced.film(20)], "tff")
    assert found.deinterlacing == Deinterlacing("combed", top_first=True)
    assert "interlaced in parts" in str(found.note)


def test_where_nothing_moves_the_mark_is_believed(tmp_path: Path) -> None:
    found = decided(tmp_path, [interlaced.at(0)] * 40, "bff")
    assert found.deinterlacing == Deinterlacing("marked", top_first=False)
    assert f"marked as interlaced, {BOTTOM} (nothing moves in the examined frames)" in str(found.note)
    assert decided(tmp_path, [interlaced.at(0)] * 40) == DeinterlacePlan(None, None)


def test_in_a_pipe_the_mark_is_believed(tmp_path: Path) -> None:
    media = probe(interlaced.write(tmp_path / "clip.mkv", interlaced.video(4), "tff"))
    found = plan_deinterlacing(replace(media, pipe=Pipe(0)), "auto")
    assert found.deinterlacing == Deinterlacing("marked", top_first=True)
    assert "frames of a pipe can't be examined" in str(found.note)


def test_off_is_off(tmp_path: Path) -> None:
    found = decided(tmp_path, interlaced.video(40), "tff", "off")
    assert found.deinterlacing is None
    assert found.note == 'it is marked as interlaced, and its combing artifacts are upscaled too (`deinterlace="off"`)'
    assert decided(tmp_path, interlaced.video(40), "prog", "off") == DeinterlacePlan(None, None)


@pytest.mark.parametrize(
    ("wish", "done"), [("frame", "one frame per frame"), ("field", "one frame per field, 50 frames/s")]
)
def test_what_is_asked_for_is_done_to_film_too(tmp_path: Path, wish: DeinterlaceMode, done: str) -> None:
    found = decided(tmp_path, interlaced.film(40), "prog", wish)
    assert found.deinterlacing == Deinterlacing("all", top_first=True, doubled=wish == "field")
    assert str(found.note).startswith(f"it shows no combing artifacts; {TOP} is assumed: deinterlaced, ")
    assert str(found.note).endswith(done)


def test_what_is_asked_for_is_not_done_to_frames_that_are_marked_as_film(tmp_path: Path) -> None:
    frames = [*interlaced.video(20), *interlaced.film(20)]
    how = decided(tmp_path, frames, ["tff"] * 20 + ["prog"] * 20, "field").deinterlacing
    assert how == Deinterlacing("marked", top_first=True, doubled=True)


def test_a_doubled_video_is_twice_as_fast_and_no_longer(tmp_path: Path) -> None:
    video = replace(probe(interlaced.write(tmp_path / "clip.mkv", interlaced.video(4))).video, start=80)
    shown = DeinterlacePlan(Deinterlacing("all", True, doubled=True)).apply_to(video)
    assert (shown.rate, shown.time_base, shown.start) == (2 * video.rate, video.time_base / 2, 160)
    assert shown.start_time == video.start_time == Fraction(80, 1000)
    assert shown.frames == (None if video.frames is None else 2 * video.frames)
    assert DeinterlacePlan(Deinterlacing("all", True)).apply_to(video) == DeinterlacePlan().apply_to(video) == video


def test_numbered_pictures_are_not_doubled(tmp_path: Path) -> None:
    for number in range(2):
        clips.make(tmp_path / f"{number}.png", 1, codec="png", pixel="rgb24", sound=False)
    media = probe(tmp_path / "%d.png")
    with pytest.raises(SettingsError, match=r'`deinterlace="field"`.*"frame" makes one frame of each'):
        plan_deinterlacing(media, "field")
    assert plan_deinterlacing(media, "frame").deinterlacing == Deinterlacing("all", top_first=True)


def test_what_can_not_be_deinterlaced_is_left_and_said(tmp_path: Path) -> None:
    media = probe(interlaced.write(tmp_path / "clip.mkv", interlaced.video(40), "tff", pixel="yuv440p10le"))
    assert plan_deinterlacing(media, "auto") == DeinterlacePlan(
        None, "libavfilter can't deinterlace 64x336 yuv440p10le: its combing artifacts are upscaled too"
    )


@pytest.mark.parametrize(("codec", "rows"), [("vp9", 336), ("h264", 240), ("h264", 720), ("h264", 2160)])
def test_what_was_never_interlaced_is_not_looked_at(
    clip: Path, codec: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "detect_interlacing", None)
    media = probe(clip)
    format = replace(media.video.format, height=rows)
    assert (
        plan_deinterlacing(replace(media, video=replace(media.video, codec=codec, format=format)), "auto")
        == DeinterlacePlan()
    )
