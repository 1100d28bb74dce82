"""`codec = auto` loses nothing that can be kept, and otherwise prefers what most players play."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, FrameFormat
from pipeline.media.encoding.formats import find_encoder
from pipeline.media.writing.candidates import encoder_candidates
from pipeline.media.writing.container_support import container_for
from tests.frames import format_of

HD = (1920, 1080)
MKV = container_for(Path("film.mkv"))


def codecs(format: FrameFormat, name: str = "film.mkv", gpu: bool = False) -> list[str]:
    return [candidate.codec for candidate in encoder_candidates(format, container_for(Path(name)), gpu)]


@pytest.mark.parametrize(
    ("pixel", "name", "codec"),
    [
        ("yuv420p", "film.mkv", "libx264"),
        ("yuv420p", "film.mp4", "libx264"),
        ("nv12", "film.mp4", "libx264"),
        ("yuv420p", "film.webm", "libsvtav1"),
        ("yuv420p10le", "film.mkv", "libx265"),
        ("p010le", "film.mp4", "libx265"),
        ("yuv420p10le", "film.flv", "libx264"),
        ("yuv422p", "film.mov", "libx265"),
        ("yuv444p", "film.mkv", "libx265"),
        ("gbrp", "film.mp4", "libx265"),
        ("yuv420p12le", "film.mkv", "libx265"),
        ("yuv422p16le", "film.mkv", "ffv1"),
        ("yuv422p16le", "film.mp4", "libx265"),
        ("yuva420p", "film.mkv", "libvpx-vp9"),
        ("yuva420p", "film.webm", "libvpx-vp9"),
        ("gbrap16le", "film.webm", "libvpx-vp9"),
        ("yuva444p10le", "film.mov", "prores_ks"),
        ("gbrap", "film.mkv", "ffv1"),
        ("yuva420p", "film.mp4", "libx264"),
        ("yuva420p10le", "film.mp4", "libx265"),
    ],
)
def test_the_first_candidate_without_a_gpu_keeps_depth_chroma_and_alpha(pixel: str, name: str, codec: str) -> None:
    assert codecs(format_of(pixel, HD), name)[0] == codec


@pytest.mark.parametrize(
    ("pixel", "codec"),
    [
        ("yuv420p", "h264_nvenc"),
        ("yuv420p10le", "hevc_nvenc"),
        ("yuv422p", "hevc_nvenc"),
        ("yuv444p", "hevc_nvenc"),
        ("yuv422p10le", "libx265"),
        ("yuv420p12le", "libx265"),
        ("gbrap", "ffv1"),
    ],
)
def test_a_gpu_encoder_comes_first_where_it_loses_neither_depth_nor_chroma(pixel: str, codec: str) -> None:
    assert codecs(format_of(pixel, HD), gpu=True)[0] == codec


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_hdr_is_encoded_as_h265_at_any_depth(transfer: int) -> None:
    hdr = format_of("yuv420p", HD)
    hdr = replace(hdr, colour=replace(hdr.colour, transfer=transfer))
    assert list(encoder_candidates(hdr, MKV, gpu=False)) == [("libx265", "few players show HDR in H.264")]


@pytest.mark.parametrize(("size", "codec"), [((4096, 2160), "h264_nvenc"), ((4098, 2160), "hevc_nvenc")])
def test_frames_too_large_for_h264_hardware_are_encoded_as_h265(size: tuple[int, int], codec: str) -> None:
    assert codecs(format_of("yuv420p", size), gpu=True)[0] == codec


@pytest.mark.parametrize(
    ("pixel", "why"),
    [
        ("yuv420p", "H.264 plays everywhere"),
        ("yuv420p10le", "few players show 10 bit in H.264"),
        ("yuv422p", "few players show 4:2:2 in H.264"),
        ("gbrp", "few players show RGB in H.264"),
        ("yuv420p16le", "lossless for 16 bit"),
        ("gbrap", "it keeps transparency, and is lossless"),
    ],
)
def test_each_candidate_has_a_reason(pixel: str, why: str) -> None:
    assert next(iter(encoder_candidates(format_of(pixel, HD), MKV, gpu=False))).why == why


@given(
    pixel=st.sampled_from(sorted(PIXEL_FORMATS)),
    suffix=st.sampled_from([".mkv", ".mp4", ".mov", ".webm", ".ts", ".flv", ".nut"]),
    gpu=st.booleans(),
)
def test_the_last_candidate_needs_no_gpu(pixel: str, suffix: str, gpu: bool) -> None:
    found = codecs(format_of(pixel), f"a{suffix}", gpu)
    assert not found[-1].endswith("_nvenc")
    assert all(find_encoder(codec) for codec in found)
