"""Every case of the corpus through the real command line; plain FFmpeg judges the output (tests/cases)."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cases import CASES, INTO_MP4, TOPICS, cases_of, command, table, timing
from tests.cases.case import Case, evenly
from tests.cases.colour_requirements import COLOUR_REQUIREMENTS
from tests.cases.requirements import REQUIREMENTS

ROWS = [
    pytest.param(case, suffix, id=f"{case.name!r} into {suffix}")
    for topic in TOPICS
    for case in cases_of(topic)
    for suffix in ((".mkv", ".mp4") if topic in INTO_MP4 else (".mkv",))
]


@pytest.mark.parametrize(("case", "suffix"), ROWS)
def test_output_meets_every_requirement(case: Case, suffix: str, tmp_path: Path) -> None:
    run = command.run(case, tmp_path, suffix)
    faults = faults_of(run)
    assert not faults, "\n".join([*faults, run.outcome.messages])


def faults_of(run: command.CaseRun) -> list[str]:
    requirements = REQUIREMENTS + (COLOUR_REQUIREMENTS if run.output else ())
    return [f"{fault} ({requirement.__name__})" for requirement in requirements for fault in requirement(run)]


def test_all_faults_of_an_output_are_listed(tmp_path: Path) -> None:
    run = command.run(timing.b_frames, tmp_path)
    right = run.expected
    assert faults_of(run) == []
    wrong = replace(right, numbers=(3, *range(1, 30)), streams=("video",), clicks=(Fraction(1),), code=3)
    wrong = replace(wrong, times=(*evenly(29), Fraction(2)), messages=("damaged",))
    violated = [fault.rpartition(" (")[2].rstrip(")") for fault in faults_of(replace(run, expected=wrong))]
    assert violated == [
        "exit_code_is_as_expected",
        "expected_messages_are_printed",
        "every_frame_is_there_once_and_in_order",
        "every_frame_has_its_own_time",
        "all_streams_are_there",
    ]


def test_table_has_a_row_for_each_case() -> None:
    page = (Path(__file__).parent.parent / "docs" / "fidelity.md").read_text()
    rows = {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines()}
    assert not [case.name for case in CASES if f"`{table.escaped(case.name)}`" not in rows]


def test_every_case_has_its_own_name_and_a_sentence_about_it() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.about.endswith(".") for case in CASES)
