"""Encoders get the format nearest to the source's that they accept: alpha and depth count more than chroma."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, PixelFormat
from pipeline.media.encoding.formats import encodable_format, find_encoder, native_pix_fmt, supported_formats


@given(
    name=st.sampled_from(["libx264", "libx265", "libsvtav1", "ffv1", "libx264rgb", "libvpx-vp9", "png", "h264_nvenc"]),
    pixel=st.sampled_from(list(PIXEL_FORMATS.values())),
    width=st.integers(16, 400),
    height=st.integers(16, 400),
)
def test_the_nearest_format_is_accepted(name: str, pixel: PixelFormat, width: int, height: int) -> None:
    codec = find_encoder(name)
    found = encodable_format(codec, pixel, width, height)
    assert native_pix_fmt(codec, found) in {f.name for f in codec.video_formats or ()}
    if name not in ("ffv1", "libvpx-vp9", "libsvtav1"):
        assert width % (1 << found.sub_x) == 0
        assert height % (1 << found.sub_y) == 0


@pytest.mark.parametrize("name", ["ffv1", "libvpx-vp9", "libsvtav1", "mpeg4", "prores_ks"])
def test_subsampling_is_kept_at_odd_sizes_where_the_encoder_accepts_them(name: str) -> None:
    wanted = PIXEL_FORMATS["yuv422p10le" if name == "prores_ks" else "yuv420p"]
    assert encodable_format(find_encoder(name), wanted, 97, 65) == wanted


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p", "gray", "nv12"])
def test_a_format_that_the_encoder_accepts_is_kept(name: str) -> None:
    assert encodable_format(find_encoder("libx264"), PIXEL_FORMATS[name], 64, 48).name == name


@pytest.mark.parametrize(
    ("codec", "given_format", "found"),
    [
        ("libx264", "yuv420p12le", "yuv420p10le"),
        ("libx264", "p010le", "yuv420p10le"),
        ("libsvtav1", "yuv444p", "yuv420p"),
        ("libsvtav1", "yuv422p10le", "yuv420p10le"),
        ("libsvtav1", "gray", "yuv420p"),
        ("libvpx-vp9", "gray", "yuv420p"),
        ("prores_ks", "gray10le", "yuv422p10le"),
        ("libx264", "yuv440p", "yuv444p"),
        ("libx264", "yuv444p16le", "yuv444p10le"),
        ("libx265", "yuv420p16le", "yuv420p12le"),
        ("libx265", "gray16le", "gray12le"),
        ("prores_ks", "yuv420p16le", "yuv422p10le"),
        ("hevc_nvenc", "yuv444p16le", "p010le"),
        ("h264_nvenc", "yuv420p10le", "yuv420p"),
    ],
)
def test_depth_is_kept_before_chroma(codec: str, given_format: str, found: str) -> None:
    assert encodable_format(find_encoder(codec), PIXEL_FORMATS[given_format], 64, 48).name == found


RGB_IN_ENCODERS = {
    "libx264": ("yuv444p", "yuv444p10le", "yuv444p10le", "yuv444p10le"),
    "libx264rgb": ("gbrp", "gbrp", "gbrp", "gbrp"),
    "libx265": ("gbrp", "gbrp10le", "gbrp12le", "gbrp12le"),
    "libsvtav1": ("yuv420p", "yuv420p10le", "yuv420p10le", "yuv420p10le"),
    "libvpx-vp9": ("gbrp", "gbrp", "gbrp", "gbrp"),
    "prores_ks": ("yuv444p10le", "yuv444p10le", "yuv444p10le", "yuv444p10le"),
    "ffv1": ("gbrp", "gbrp10le", "gbrp12le", "gbrp16le"),
    "png": ("gbrp", "gbrp16le", "gbrp16le", "gbrp16le"),
    "mjpeg": ("yuv444p", "yuv444p", "yuv444p", "yuv444p"),
    "hevc_nvenc": ("yuv444p", "p010le", "p010le", "p010le"),
}


@pytest.mark.parametrize("codec", RGB_IN_ENCODERS)
def test_rgb_stays_rgb_where_possible_and_otherwise_becomes_the_nearest_yuv(codec: str) -> None:
    for name, found in zip(("gbrp", "gbrp10le", "gbrp12le", "gbrp16le"), RGB_IN_ENCODERS[codec], strict=True):
        assert encodable_format(find_encoder(codec), PIXEL_FORMATS[name], 64, 48).name == found


@pytest.mark.parametrize(
    ("codec", "given_format", "found"),
    [
        ("png", "yuv420p", "gbrp"),
        ("png", "p010le", "gbrp16le"),
        ("png", "gray10le", "gray16le"),
        ("jpegls", "yuv420p10le", "gbrp"),
        ("tiff", "yuv420p10le", "yuv420p"),
        ("libx264rgb", "yuv420p", "gbrp"),
    ],
)
def test_yuv_becomes_rgb_only_where_chroma_would_be_lost(codec: str, given_format: str, found: str) -> None:
    assert encodable_format(find_encoder(codec), PIXEL_FORMATS[given_format], 64, 48).name == found


@pytest.mark.parametrize(
    ("codec", "pixel", "name"),
    [
        ("png", "gbrp", "rgb24"),
        ("png", "gbrp16le", "rgb48be"),
        ("png", "gray16le", "gray16be"),
        ("png", "yuv420p", None),
        ("ffv1", "gbrp", "bgr0"),
        ("ffv1", "gbrp16le", "gbrp16le"),
        ("libx264rgb", "gbrp", "rgb24"),
        ("libx264", "yuv420p", "yuv420p"),
        ("h264_nvenc", "gbrp", None),
    ],
)
def test_an_encoder_may_accept_the_same_samples_packed(codec: str, pixel: str, name: str | None) -> None:
    assert native_pix_fmt(find_encoder(codec), PIXEL_FORMATS[pixel]) == name


def test_an_odd_size_gets_full_chroma_resolution() -> None:
    assert encodable_format(find_encoder("libx264"), PIXEL_FORMATS["yuv420p"], 63, 48).name == "yuv444p"


@pytest.mark.parametrize(("name", "message"), [("libfoo", "no encoder called 'libfoo'"), ("aac", "aac encodes audio")])
def test_a_name_of_no_video_encoder_is_refused(name: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        find_encoder(name)


WITH_ALPHA = {
    "ffv1": ("yuva420p", "yuva444p10le", "gbrap", "gbrap16le", "ya8", "yuva420p16le"),
    "prores_ks": ("yuva444p10le", "yuva444p10le", "yuva444p10le", "yuva444p10le", "yuva444p10le", "yuva444p10le"),
    "libvpx-vp9": ("yuva420p", "yuva420p", "yuva420p", "yuva420p", "yuva420p", "yuva420p"),
    "libvpx": ("yuva420p", "yuva420p", "yuva420p", "yuva420p", "yuva420p", "yuva420p"),
    "qtrle": ("gbrap", "gbrap", "gbrap", "gbrap", "gbrap", "gbrap"),
    "png": ("gbrap", "gbrap16le", "gbrap", "gbrap16le", "ya8", "ya16le"),
    "libwebp": ("yuva420p", "yuva420p", "gbrap", "gbrap", "yuva420p", "yuva420p"),
    "utvideo": ("gbrap", "gbrap", "gbrap", "gbrap", "gbrap", "gbrap"),
    "libx264": ("yuv420p", "yuv444p10le", "yuv444p", "yuv444p10le", "gray", "gray10le"),
    "libx265": ("yuv420p", "yuv444p10le", "gbrp", "gbrp12le", "gray", "gray12le"),
    "mjpeg": ("yuv420p", "yuv444p", "yuv444p", "yuv444p", "yuv420p", "yuv420p"),
}


@pytest.mark.parametrize("codec", WITH_ALPHA)
def test_alpha_is_kept_before_everything_but_chroma(codec: str) -> None:
    given = ("yuva420p", "yuva444p10le", "gbrap", "gbrap16le", "ya8", "ya16le")
    for name, found in zip(given, WITH_ALPHA[codec], strict=True):
        assert encodable_format(find_encoder(codec), PIXEL_FORMATS[name], 64, 48).name == found


@pytest.mark.parametrize("codec", ["ffv1", "libvpx-vp9", "prores_ks", "png", "qtrle"])
@pytest.mark.parametrize("name", ["yuv420p", "gbrp", "gray", "yuv444p10le"])
def test_formats_without_alpha_get_none(codec: str, name: str) -> None:
    assert not encodable_format(find_encoder(codec), PIXEL_FORMATS[name], 64, 48).alpha


@pytest.mark.parametrize(
    ("codec", "pixel", "name"),
    [
        ("ffv1", "gbrap", "bgra"),
        ("qtrle", "gbrap", "argb"),
        ("png", "gbrap16le", "rgba64be"),
        ("png", "ya16le", "ya16be"),
        ("libwebp", "gbrp", "bgra"),
        ("libwebp", "gbrap", "bgra"),
        ("libx265", "yuva420p", None),
        ("libvpx-vp9", "gbrap", None),
    ],
)
def test_alpha_may_be_packed_and_is_refused_where_ffmpeg_lists_it_in_vain(
    codec: str, pixel: str, name: str | None
) -> None:
    assert native_pix_fmt(find_encoder(codec), PIXEL_FORMATS[pixel]) == name


def test_supported_formats_are_listed() -> None:
    assert [pixel.name for pixel in supported_formats(find_encoder("libsvtav1"))] == ["yuv420p", "yuv420p10le"]
