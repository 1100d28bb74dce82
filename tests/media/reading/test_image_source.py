"""ImageSource yields one packet per image, timed by its number."""

from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.media.reading.image_sequence import ImageSequence
from pipeline.media.reading.image_source import ImageSource
from tests import images


def test_time_of_an_image_is_its_number(tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path, [10, 12, 14, 18])
    with ImageSource(ImageSequence.find(pattern), Fraction(24000, 1001)) as source:
        packets = list(source)
    assert [packet.pts for packet in packets] == [0, 1, 2, 4]
    assert {packet.time_base for packet in packets} == {source.video.time_base} == {Fraction(1001, 24000)}


def test_stopped_source_yields_no_more_packets(tmp_path: Path) -> None:
    with ImageSource(ImageSequence.find(images.sequence(tmp_path, [1, 2, 3]))) as source:
        packets = iter(source)
        next(packets)
        source.stop()
        assert list(packets) == []


def test_rewound_source_has_a_new_decoder(tmp_path: Path) -> None:
    with ImageSource(ImageSequence.find(images.sequence(tmp_path, [1, 2]))) as source:
        assert source.rewind().codec_context is not source.video.codec_context
        assert source.missing_frames(1, 1) == 0


def test_truncated_jpeg_is_counted_as_damaged(tmp_path: Path) -> None:
    path = images.write(tmp_path / "a.jpg", images.samples(1))
    path.write_bytes(path.read_bytes()[:-40])
    with ImageSource(ImageSequence.find(path)) as source:
        assert len(list(source)) == 1
        assert source.damage.damaged_frames == 1
    with ImageSource(ImageSequence.find(path), strict=True) as source, pytest.raises(InputError, match="is damaged"):
        list(source)
