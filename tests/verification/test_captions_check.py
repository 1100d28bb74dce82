"""Captions that are lost, changed, moved or added in an output are found."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import upscale, verify
from pipeline.verification.captions_check import CaptionDigests, compare_captions
from pipeline.verification.verdict import Fault
from tests.cases import streams
from tests.verification import plants

TICK = 0.001


def digests(*found: tuple[float, bytes]) -> CaptionDigests:
    captions = CaptionDigests()
    for time, content in found:
        captions.add(time, content)
    return captions


SOURCE = digests((0.0, b"a"), (0.04, b""), (0.08, b"b"), (0.12, b"c"))


def messages(output: CaptionDigests, shift: float = 0.0, is_carried: bool = True) -> list[str]:
    found = compare_captions(SOURCE, output, shift, TICK, is_carried)
    return [f"{item.kind}: {item.message}" if isinstance(item, Fault) else item for item in found]


def test_equal_captions_are_no_fault() -> None:
    assert messages(SOURCE) == []
    assert messages(digests((1.0, b"a"), (1.0805, b"b"), (1.12, b"c")), shift=1.0) == []


def test_lost_and_changed_captions_are_counted() -> None:
    assert messages(digests((0.0, b"a"))) == ["captions: closed captions of 2 frames are missing or changed"]
    assert messages(digests((0.0, b"a"), (0.08, b"x"), (0.12, b"c"))) == [
        "captions: closed captions of 1 frame is missing or changed"
    ]


def test_added_moved_and_late_captions_are_faults() -> None:
    assert messages(digests((0.0, b"a"), (0.08, b"b"), (0.12, b"c"), (0.16, b"d"))) == [
        "captions: closed captions of 1 frame is not from the source"
    ]
    assert messages(digests((0.0, b"b"), (0.08, b"a"), (0.12, b"c"))) == [
        "captions: its closed captions are in another order than the source's"
    ]
    assert messages(digests((0.0, b"a"), (0.12, b"b"), (0.16, b"c"))) == [
        "captions: closed captions of 2 frames are at another time"
    ]


def test_codec_without_captions_is_a_remark() -> None:
    assert messages(digests(), is_carried=False) == [
        "its codec carries no closed captions; 3 frames of the source have them"
    ]
    assert list(compare_captions(digests(), digests(), 0.0, TICK, False)) == []


@pytest.mark.parametrize("network", ["identity"])
def test_verify_finds_captions_that_were_removed_from_the_file(tmp_path: Path, network: str) -> None:
    streams.captions.make(tmp_path)
    source = tmp_path / streams.captions.name
    output = upscale(source, tmp_path / "out.mkv", model=network).path
    assert plants.kinds(verify(source, output)) == []
    plain = tmp_path / "plain.mkv"
    plants.copy(output, plain, {0: without_captions})
    assert plants.kinds(verify(source, plain)) == ["captions"]


def without_captions(packet: Any, number: int) -> Any:
    """Hide the captions by another provider's code."""
    return plants.with_content(packet, bytes(packet).replace(b"\x00\x31GA94", b"\x00\x31GA00"))
