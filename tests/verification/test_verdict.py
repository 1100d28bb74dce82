"""Verdicts, their JSON, and the names that are deprecated."""

import pytest

from pipeline.verification.verdict import Counts, Fault, Verdict, count_phrase

LOST = Fault("frame-lost", "1 frame is missing, at 0.360 s (frame 9)", 1, 0.36)
DAMAGE = Fault("damage", "in.mkv: is cut off")


@pytest.mark.parametrize(
    ("faults", "complete", "only_damage"),
    [((), True, False), ((LOST,), False, False), ((DAMAGE,), False, True), ((LOST, DAMAGE), False, False)],
)
def test_a_verdict_is_complete_without_faults(faults: tuple[Fault, ...], complete: bool, only_damage: bool) -> None:
    verdict = Verdict(faults, (), Counts())
    assert (verdict.complete, verdict.only_damage) == (complete, only_damage)


def test_json_has_faults_and_remarks_as_lists_and_the_former_key() -> None:
    data = Verdict((LOST,), ("a remark",), Counts(source=10, result=9, lost=1)).as_json()
    assert (data["schema_version"], data["complete"], data["whole"], data["quick"]) == (1, False, False, False)
    assert data["faults"] == [{"kind": "frame-lost", "message": LOST.message, "count": 1, "at": 0.36}]
    assert (data["remarks"], data["counts"]["lost"]) == (["a remark"], 1)


def test_the_former_attribute_works_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match=r"Verdict\.whole is now complete"):
        assert Verdict((), (), Counts()).whole


def test_phrases_agree_with_their_count() -> None:
    assert [count_phrase(count, "frame") for count in (1, 2)] == ["1 frame is", "2 frames are"]
