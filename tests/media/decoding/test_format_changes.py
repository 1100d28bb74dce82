"""Changes of a source's format in mid-stream are noted once each."""

from fractions import Fraction

import av

from pipeline.media.decoding.format_changes import FormatChanges


def frame(size: tuple[int, int] = (64, 48), pixel: str = "yuv420p", matrix: int = 2) -> av.VideoFrame:
    frame = av.VideoFrame(*size, pixel)
    frame.colorspace = matrix
    return frame


def notes(*frames: av.VideoFrame) -> list[str]:
    changes = FormatChanges()
    for index, each in enumerate(frames):
        changes.check(each, index, each.format.name)
    return changes.notes


def test_constant_format_has_no_notes() -> None:
    assert notes(*[frame() for _ in range(3)]) == []


def test_size_and_pixel_format_changes_name_both_formats() -> None:
    assert notes(frame(), frame((128, 96)), frame((128, 96), "yuv444p")) == [
        "the source changes from 64x48 yuv420p to 128x96 yuv420p at frame 1",
        "the source changes from 128x96 yuv420p to 128x96 yuv444p at frame 2",
    ]


def test_sample_aspect_changes_are_noted() -> None:
    changes = FormatChanges()
    for index, aspect in enumerate((None, Fraction(1), Fraction(1), None, Fraction(4, 3))):
        changes.check(frame(), index, "yuv420p", aspect)
    assert changes.notes == [
        "the source's sample aspect ratio changes from 1 to 4/3 near frame 4; the output has that of the beginning"
    ]


def test_full_range_variant_of_a_format_is_no_change() -> None:
    assert notes(frame(), frame(pixel="yuvj420p")) == []


def test_unknown_pixel_format_is_no_change() -> None:
    changes = FormatChanges()
    changes.check(frame(), 0, None)
    changes.check(frame(), 1, "yuv420p")
    assert changes.notes == []


def test_tags_that_appear_late_are_no_change_but_different_ones_are() -> None:
    assert notes(frame(), frame(matrix=1), frame(), frame(matrix=6)) == [
        "the source's colour tags change from bt709 to smpte170m at frame 3; all frames are interpreted by the tags of "
        "the first"
    ]
