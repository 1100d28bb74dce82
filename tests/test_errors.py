"""The summary of an error in one line."""

import pytest

from pipeline.errors import error_summary


@pytest.mark.parametrize(
    ("error", "summary"),
    [
        (MemoryError(), "MemoryError"),
        (RuntimeError(" \n"), "RuntimeError"),
        (RuntimeError("\n  no such operator \n at line 5"), "no such operator"),
    ],
)
def test_a_summary_is_the_first_line_with_text_or_the_type(error: Exception, summary: str) -> None:
    assert error_summary(error) == summary


def test_skipped_lines_are_used_only_where_there_are_no_others() -> None:
    assert error_summary(RuntimeError("Exception from a.cpp:\nno file"), skipped="Exception from ") == "no file"
    assert error_summary(RuntimeError("Exception from a.cpp:"), skipped="Exception from ") == "Exception from a.cpp:"
