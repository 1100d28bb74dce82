"""Clips that went wrong in other programs, or in this one; they need UPREZ_TEST_MEDIA."""

from pathlib import Path

import pytest

from pipeline import upscale, verify
from pipeline.config.upscale_options import UpscaleOptions
from tests.verification import plants

FAST: UpscaleOptions = {"model": "identity", "backend": "onnx", "preset": "ultrafast"}


@pytest.mark.parametrize(
    ("name", "target", "findings"),
    [
        ("teletext.ts", "out.ts", ()),
        ("teletext.ts", "out.mkv", ("subtitle stream 2 dropped: matroska does not support dvb_teletext; .ts does",)),
        ("apac.mov", "out.mov", ("audio stream 2 dropped: mov does not support the unknown codec apac",)),
    ],
)
def test_streams_without_a_decoder_are_copied_or_named(
    media: Path, tmp_path: Path, name: str, target: str, findings: tuple[str, ...]
) -> None:
    source = media / "reports" / name
    result = upscale(source, tmp_path / target, **FAST)
    assert result.findings == findings
    assert plants.kinds(verify(source, result.path)) == ["stream-lost"] * len(findings)


def test_packets_shorter_than_a_tick_keep_their_times(media: Path, tmp_path: Path) -> None:
    source = media / "reports" / "truehd.mkv"
    result = upscale(source, tmp_path / "out.mkv", **FAST)
    assert result.findings == ()
    assert verify(source, result.path).complete
