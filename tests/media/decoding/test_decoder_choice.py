"""NVDEC is used where it is requested and possible; otherwise a note has the reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.frame import PIXEL_FORMATS
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.decoder_choice import choose_decoder
from pipeline.media.decoding.interlace.bwdif import Deinterlacing
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.media_info import MediaInfo
from pipeline.media.reading.pipe import Pipe
from pipeline.media.reading.probe import probe
from pipeline.system import cuda, host

REQUESTED = Settings(decoder="nvdec")


@pytest.fixture
def media(clip: Path) -> MediaInfo:
    return probe(clip)


@pytest.fixture(autouse=True)
def _nvdec_decodes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "Gpu", lambda ordinal: ordinal)
    monkeypatch.setattr(nvdec, "undecodable_reason", lambda path, gpu: None)
    monkeypatch.setattr(nvdec, "engine_count", lambda gpu, codec, pixel: 1)


def reason(media: MediaInfo, settings: Settings = REQUESTED, backend: str = "tensorrt") -> str | None:
    decoder, format, note = choose_decoder(media, settings, backend)
    assert (decoder, format) == ("software", media.video.format)
    return note and note.removeprefix("decoded in software, not by NVDEC: ")


def test_nvdec_yields_nv12(media: MediaInfo) -> None:
    decoder, format, note = choose_decoder(media, REQUESTED, "tensorrt")
    assert (decoder, format.pixel.name, note) == ("nvdec", "nv12", None)


def test_software_needs_no_reason(media: MediaInfo) -> None:
    assert reason(media, Settings(decoder="software")) is None


@pytest.mark.parametrize(("cores", "decoder"), [(4, "nvdec"), (8, "software")])
def test_auto_prefers_many_cores(media: MediaInfo, monkeypatch: pytest.MonkeyPatch, cores: int, decoder: str) -> None:
    monkeypatch.setattr(host, "cores", lambda: cores)
    assert choose_decoder(media, Settings(decoder="auto"), "tensorrt")[0] == decoder


@pytest.mark.parametrize(
    ("engines", "decoders", "decoder"), [(2, "auto", "software"), (3, "auto", "nvdec"), (7, 1, "software")]
)
def test_auto_prefers_several_engines(
    media: MediaInfo, monkeypatch: pytest.MonkeyPatch, engines: int, decoders: int | str, decoder: str
) -> None:
    monkeypatch.setattr(host, "cores", lambda: 16)
    monkeypatch.setattr(nvdec, "engine_count", lambda gpu, codec, pixel: engines)
    long = replace(media, video=replace(media.video, frames=5000))
    assert choose_decoder(long, Settings(decoders=decoders), "tensorrt")[0] == decoder
    assert choose_decoder(media, Settings(decoders=decoders), "tensorrt")[0] == "software"  # its few frames: one engine


def test_reasons_against_nvdec_are_noted(media: MediaInfo) -> None:
    assert reason(media, backend="onnx") == "the upscaler does not run on a GPU"
    assert reason(replace(media, pipe=Pipe(0))) == "it reads video files only"
    several = Settings(decoder="nvdec", device=(0, 1))
    assert reason(media, several) == "its frames are in the memory of one GPU, and several are used"
    wide = replace(media.video.format, pixel=PIXEL_FORMATS["yuv444p"])
    assert reason(replace(media, video=replace(media.video, format=wide))) == "it does not decode yuv444p"


def test_steps_in_main_memory_are_named(media: MediaInfo) -> None:
    how = Deinterlacing("all", True), Orientation(transposed=True)
    note = choose_decoder(media, REQUESTED, "tensorrt", *how)[2]
    assert str(note).endswith("frames are deinterlaced and rotated in main memory")


def test_reason_of_a_failed_trial_is_noted(media: MediaInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvdec, "undecodable_reason", lambda path, gpu: "no such device")
    assert reason(media) == "no such device"
