"""VideoEncoding reports settings that follow from its options."""

from fractions import Fraction

import pytest

from pipeline.media.encoding.video_encoding import VideoEncoding
from tests.frames import format_of


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, False), ({"tune": "film"}, False), ({"tune": "zerolatency"}, True), ({"tune": "film,zerolatency"}, True)],
    ids=str,
)
def test_zero_latency_follows_from_the_tune(options: dict[str, str], expected: bool) -> None:
    encoding = VideoEncoding("libx264", format_of("yuv420p"), Fraction(25), Fraction(1, 25), options=options)
    assert encoding.is_zero_latency == expected
