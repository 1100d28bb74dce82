"""The check of `make coverage`."""

from tests.coverage_floor import shortfall


def totals(lines: int, branches: int) -> dict[str, int]:
    return {"covered_lines": lines, "num_statements": 100, "covered_branches": branches, "num_branches": 100}


def test_enough_lines_and_branches_have_no_shortfall() -> None:
    assert shortfall(totals(93, 85)) == []


def test_each_figure_that_is_too_low_is_named() -> None:
    assert shortfall(totals(92, 84)) == [
        "only 92.0 % of lines; 93 % are required",
        "only 84.0 % of branches; 85 % are required",
    ]
