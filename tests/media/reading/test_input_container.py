"""Only local containers of video are opened, their video is selected, and their packet generators are closed."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import InputError
from pipeline.media.reading.input_container import (
    INPUT_DEMUXERS,
    demux,
    frame_rate,
    open_input,
    select_video,
)


def stream_with(**rates: Any) -> Any:
    return SimpleNamespace(frames=0, **{"average_rate": None, "guessed_rate": None, "base_rate": None, **rates})


def test_demuxers_that_can_name_other_files_are_not_allowed() -> None:
    assert not {"hls", "concat", "dash", "image2", "rtsp", "sdp"} & set(INPUT_DEMUXERS)


def test_packet_generator_is_closed_at_the_end_of_the_with(clip: Path) -> None:
    with open_input(clip) as container:
        with demux(container, container.streams.video[0]) as packets:
            first = next(packets)
        assert first.stream_index == 0
        assert list(packets) == []


def test_first_video_is_selected_and_an_index_that_is_none_is_refused(clip: Path) -> None:
    with open_input(clip) as container:
        assert select_video(clip, container).index == 0
        with pytest.raises(InputError, match="`video_stream` 1 is not one of its video streams: 0"):
            select_video(clip, container, 1)


def test_average_rate_takes_precedence() -> None:
    container: Any = SimpleNamespace(duration=None)
    assert frame_rate(container, stream_with(average_rate=Fraction(24), base_rate=Fraction(25))) == 24
    assert frame_rate(container, stream_with(base_rate=Fraction(25))) == 25
    assert frame_rate(container, stream_with()) == 25


def test_time_base_reported_as_a_rate_is_replaced() -> None:
    container: Any = SimpleNamespace(duration=2_000_000)
    stream = stream_with(average_rate=Fraction(90_000), guessed_rate=Fraction(30))
    assert frame_rate(container, stream) == 30
    stream.frames = 50
    assert frame_rate(container, stream) == 25
