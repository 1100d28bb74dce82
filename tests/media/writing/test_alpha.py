"""Alpha that lies beside the pictures needs room, and its mark does not go along."""

from pathlib import Path

import pytest

from pipeline.media.writing.alpha import remove_alpha_tag, supports_alpha


@pytest.mark.parametrize("key", ["alpha_mode", "ALPHA_MODE"])
def test_what_the_source_says_of_its_own_does_not_go_along(key: str) -> None:
    metadata = {key: "1", "title": "a film"}
    remove_alpha_tag(metadata)
    assert metadata == {"title": "a film"}


@pytest.mark.parametrize(
    ("codec", "name", "room"),
    [
        ("libvpx-vp9", "a.webm", True),
        ("libvpx", "a.MKV", True),
        ("libvpx-vp9", "a.mp4", False),
        ("ffv1", "a.mp4", True),
    ],
)
def test_there_is_room_in_matroska_alone(codec: str, name: str, room: bool) -> None:
    assert supports_alpha(codec, Path(name)) is room
