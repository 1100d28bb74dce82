"""The collector of a plan's notes. What they say is tested with plans in test_plan.py."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.files.notes import PlanNotes
from pipeline.media.encoding.video_encoding import VideoEncoding
from tests.frames import format_of


def test_notes_are_kept_in_order_and_empty_ones_are_none() -> None:
    notes = PlanNotes()
    notes.add("one", None, "", "two")
    assert notes.lines == ["one", "two"]


def test_the_choice_of_a_pair_is_returned_and_its_note_added() -> None:
    notes = PlanNotes()
    assert notes.keep((3, "three")) == 3
    assert notes.keep(("four", None)) == "four"
    assert notes.lines == ["three"]


def test_settings_without_effect_are_noted_on_the_cpu_only() -> None:
    notes = PlanNotes()
    settings = Settings.load(None, device=1, vram="1GiB")
    notes.add_unused_settings(settings, "tensorrt")
    assert not notes.lines
    notes.add_unused_settings(settings, "onnx")
    assert notes.lines == ["`device`, `vram`: no effect on the CPU"]


def test_an_engine_of_the_cpu_has_an_effect_there() -> None:
    notes = PlanNotes()
    notes.add_unused_settings(Settings.load(None, engine="openvino"), "onnx")
    assert not notes.lines
    notes.add_unused_settings(Settings.load(None, engine="rtx"), "onnx")
    assert notes.lines == ["`engine`: no effect on the CPU"]


def test_the_rewriting_of_a_large_output_is_noted() -> None:
    encoding = VideoEncoding("libx264", format_of("yuv420p"), Fraction(25), Fraction(1, 25))
    notes = PlanNotes()
    notes.add_index_move(Path("a.mp4"), encoding, 10**9)
    notes.add_index_move(Path("a.mp4"), encoding, None)
    notes.add_index_move(Path("a.mkv"), encoding, 10**12)
    notes.add_index_move(Path("a.mov"), replace(encoding, codec="prores_ks"), 10**12)
    assert not notes.lines
    notes.add_index_move(Path("a.mp4"), encoding, 40 * 10**9)
    assert notes.lines == [
        "at the end, its 40 GB or so are rewritten in place, so that players find the index in front; .mkv needs no "
        "such step"
    ]
