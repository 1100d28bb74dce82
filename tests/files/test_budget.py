"""How cores and memory are shared out among encoders."""

from dataclasses import replace
from fractions import Fraction

import pytest

from pipeline.config.settings import Settings
from pipeline.files import budget
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.system import host

GIB = 2**30
UHD = FrameFormat(3840, 2160, PIXEL_FORMATS["yuv420p"], Colour(1, False))
ENCODING = VideoEncoding("libx264", UHD, Fraction(24), Fraction(1, 24))


def shared(
    monkeypatch: pytest.MonkeyPatch,
    cores: int = 16,
    free: int = 128 * GIB,
    encoding: VideoEncoding = ENCODING,
    encoders: int | str = "auto",
    frames: int | None = None,
    busy: bool = True,
) -> tuple[VideoEncoding, str]:
    monkeypatch.setattr(host, "cores", lambda: cores)
    monkeypatch.setattr(host, "available_memory", lambda: free)
    return budget.allocate_encoders(encoding, Settings(encoders=encoders), frames, busy)


@pytest.mark.parametrize(("cores", "encoders"), [(64, 32), (16, 8), (8, 4), (4, 2), (3, 1), (1, 1)])
def test_automatic_encoders_are_one_per_two_cores(monkeypatch: pytest.MonkeyPatch, cores: int, encoders: int) -> None:
    made, note = shared(monkeypatch, cores, free=1000 * GIB)
    assert made.encoders == encoders
    assert not note


def test_little_memory_shortens_gops_first_and_then_reduces_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for gibibytes in (64, 40, 30, 16, 8, 1):
        made, _ = shared(monkeypatch, free=gibibytes * GIB)
        seen.append((made.encoders, made.gop))
        assert made.encoders == 1 or budget.memory(made, made.encoders, made.gop) <= gibibytes * GIB / 2
    assert seen[0] == (8, 48)
    assert seen[-1] == (1, 0)
    assert seen == sorted(seen, reverse=True)


def test_waiting_frames_are_one_gop_per_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = shared(monkeypatch)
    assert made.waiting == made.encoders * made.gop
    assert 24 <= made.gop <= 48


def test_automatic_is_one_encoder_if_the_network_is_the_bottleneck(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shared(monkeypatch, busy=False)[0] == ENCODING
    assert shared(monkeypatch, busy=False, encoders=3)[0].encoders == 3


def test_a_short_clip_has_no_more_encoders_than_gops(monkeypatch: pytest.MonkeyPatch) -> None:
    for frames in (1, 24, 49, 100, 500):
        made, note = shared(monkeypatch, frames=frames)
        assert made.encoders == 1 or made.encoders <= -(-frames // made.gop)
        assert not note


def test_fewer_encoders_than_requested_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    made, note = shared(monkeypatch, free=16 * GIB, encoders=8)
    assert 1 < made.encoders < 8
    assert note == f"only {made.encoders} of 8 encoders are used: memory is too small for more"


def test_svt_av1_keeps_all_cores_busy_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    encoding = replace(ENCODING, codec="libsvtav1")
    assert shared(monkeypatch, encoding=encoding)[0].encoders == 1
    assert shared(monkeypatch, encoding=encoding, encoders=4)[0].encoders == 4


@pytest.mark.parametrize(
    ("codec", "options"), [("libx264", {"b": "8M"}), ("libx264", {"maxrate": "8M"}), ("ffv1", {}), ("h264_nvenc", {})]
)
def test_an_encoding_that_can_not_be_parallel_gets_one_encoder_and_a_note_if_more_were_requested(
    monkeypatch: pytest.MonkeyPatch, codec: str, options: dict[str, str]
) -> None:
    encoding = replace(ENCODING, codec=codec, options=options)
    assert shared(monkeypatch, encoding=encoding) == (encoding, "")
    made, note = shared(monkeypatch, encoding=encoding, encoders=4)
    assert made == encoding
    assert note.startswith("only one encoder is used: ")


@pytest.mark.parametrize(("length", "frames"), [(30, 30), (1, 24), (10, 30), (250, 250)])
def test_encoders_take_multiples_of_the_requested_gop_length(
    monkeypatch: pytest.MonkeyPatch, length: int, frames: int
) -> None:
    encoding = replace(ENCODING, options={"g": str(length)})
    assert shared(monkeypatch, free=1000 * GIB, encoding=encoding)[0].gop == frames


def test_encoders_that_hold_more_frames_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {
        codec: shared(monkeypatch, free=32 * GIB, encoding=replace(ENCODING, codec=codec), encoders=8)[0].encoders
        for codec in ("libx264", "libx265", "libsvtav1")
    }
    assert made["libx264"] > made["libx265"] > made["libsvtav1"]
