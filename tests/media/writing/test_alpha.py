"""Alpha beside the packets needs a container that stores it, and the source's tag is not copied."""

from pathlib import Path

import pytest

from pipeline.media.writing.alpha import remove_alpha_tag, supports_alpha


@pytest.mark.parametrize("key", ["alpha_mode", "ALPHA_MODE"])
def test_the_sources_alpha_tag_is_removed(key: str) -> None:
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
def test_alpha_beside_packets_is_supported_by_matroska_alone(codec: str, name: str, room: bool) -> None:
    assert supports_alpha(codec, Path(name)) is room
