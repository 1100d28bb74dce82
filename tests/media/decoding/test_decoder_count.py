"""The number of decoders follows from the settings, the GPU's engines and the memory."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.decoder_count import DecoderCount, count_decoders, parallel_decoding
from pipeline.media.reading.media_info import MediaInfo
from pipeline.media.reading.pipe import Pipe
from pipeline.media.reading.probe import probe
from pipeline.system import cuda, host

ONE = DecoderCount()


class Device:
    """A stand-in for a Gpu with 16 GiB of free memory."""

    free_memory = 16 * 2**30

    def __init__(self, ordinal: int) -> None:
        self.ordinal = ordinal


@pytest.fixture
def media(clip: Path) -> MediaInfo:
    return probe(clip)


@pytest.fixture(autouse=True)
def _seven_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "Gpu", Device)
    monkeypatch.setattr(nvdec, "engine_count", lambda gpu, codec, pixel: 7)
    monkeypatch.setattr(host, "available_memory", lambda: 2**30)


def count(
    media: MediaInfo, decoder: str = "nvdec", frames: int | None = 10_000, backend: str = "tensorrt", **settings: object
) -> int:
    return count_decoders(media, Settings.load(None, **settings), decoder, backend, frames)[0].count


def note(media: MediaInfo, decoders: int | str = 4) -> str | None:
    return count_decoders(media, Settings.load(None, decoders=decoders), "software", "tensorrt", 10_000)[1]


def test_auto_uses_all_engines_for_long_videos(media: MediaInfo) -> None:
    assert count(media) == count(media, frames=None) == 7
    assert count(media, frames=100) == 1


@pytest.mark.parametrize(
    ("cores", "backend", "frames", "decoders"),
    [
        (16, "tensorrt", 10_000, 4),
        (64, "tensorrt", None, 4),
        (8, "tensorrt", 10_000, 1),
        (16, "onnx", 10_000, 1),
        (16, "tensorrt", 100, 1),
    ],
)
def test_auto_uses_four_decoders_in_software_on_many_cores_beside_a_gpu(
    media: MediaInfo,
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    backend: str,
    frames: int | None,
    decoders: int,
) -> None:
    monkeypatch.setattr(host, "cores", lambda: cores)
    assert count(media, "software", frames, backend) == decoders


def test_auto_uses_one_decoder_in_software_for_streams_that_can_not_be_cut(
    media: MediaInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "cores", lambda: 16)
    assert count(replace(media, video=replace(media.video, codec="ffv1")), "software") == 1


def test_requested_number_is_used(media: MediaInfo) -> None:
    assert count(media, "software", 100, decoders=3) == 3
    assert count(media, decoders=1) == 1


def test_frames_wait_in_an_eighth_of_the_memory(media: MediaInfo) -> None:
    format = replace(media.video.format, width=1920, height=1080)
    large = replace(media, video=replace(media.video, format=format))
    software = count_decoders(large, Settings(decoders=2), "software", "tensorrt", None)[0]
    assert software.waiting == 2**30 // 8 // format.bytes
    assert count_decoders(large, Settings(), "nvdec", "tensorrt", None)[0].waiting == 2 * 2**30 // format.bytes
    limited = count_decoders(large, Settings(vram=2**29), "nvdec", "tensorrt", None)[0]
    assert limited.waiting == 2**26 // format.bytes
    assert count_decoders(media, Settings(), "nvdec", "tensorrt", None)[0].waiting == 7 * 300


def test_small_memory_reduces_the_number(media: MediaInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "available_memory", lambda: 8 * 20 * media.video.format.bytes)
    assert count(media, "software", decoders=4) == 2
    assert note(media) == "only 2 of 4 decoders are used: memory is too small for more"


def test_reasons_for_one_decoder_are_noted_if_more_are_requested(media: MediaInfo) -> None:
    other = replace(media, video=replace(media.video, codec="ffv1"))
    assert note(other) == "only one decoder is used: it is not known where decoding of ffv1 can start"
    assert note(other, "auto") is None
    assert note(media) is None
    assert note(replace(media, pipe=Pipe(0))) == "only one decoder is used: only video files are read several times"
    avi = "only one decoder is used: its container, avi, does not have the times at which frames are shown"
    assert note(replace(media, container="avi")) == avi
    assert note(replace(media, video=replace(media.video, codec="libdav1d"))) is None


def test_cores_are_shared_by_the_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "cores", lambda: 16)
    assert parallel_decoding("software", ONE, Settings()) is None
    parallel = parallel_decoding("software", DecoderCount(3, 50), Settings())
    assert parallel is not None
    assert (len(parallel.openers), parallel.capacity) == (3, 50)
    assert {opener.keywords["threads"] for opener in parallel.openers} == {6}  # type: ignore[attr-defined]


def test_decoders_of_nvdec_are_opened_on_the_gpu_of_the_settings() -> None:
    parallel = parallel_decoding("nvdec", DecoderCount(2, 50), Settings(device=(3,)))
    assert parallel is not None
    assert [opener.keywords["gpu"].ordinal for opener in parallel.openers] == [3, 3]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cores", "decoder", "threads"), [(8, "auto", 8), (64, "auto", 16), (4, "auto", None), (16, "nvdec", None)]
)
def test_software_replaces_one_engine_alone_if_it_is_faster_and_nvdec_was_not_requested(
    monkeypatch: pytest.MonkeyPatch, cores: int, decoder: str, threads: int | None
) -> None:
    monkeypatch.setattr(host, "cores", lambda: cores)
    parallel = parallel_decoding("nvdec", DecoderCount(7, 50), Settings.load(None, decoder=decoder))
    assert parallel is not None
    assert (parallel.alone.keywords["threads"] if parallel.alone else None) == threads  # type: ignore[attr-defined]
