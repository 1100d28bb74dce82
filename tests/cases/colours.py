"""Colours: every matrix, range, depth, siting and layout, tagged or not, is kept to the level."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.cases import chart, pattern
from tests.cases.case import Case, Expected, case, evenly
from tests.cases.film import Film
from tests.cases.samples import Tags

NUMBERS = (3, 200, 511)
BT709 = Tags(1, 1, 1, False, "left")
SD525, SD625 = Tags(6, 6, 6, False, "left"), Tags(5, 5, 6, False, "left")
BT2020 = Tags(9, 9, 14, False, "topleft")
UNSPECIFIED = Tags()
FFV1 = ("--codec", "ffv1")
X265 = ("--codec", "libx265", "--preset", "ultrafast", "-x", "x265-params=lossless=1")
VP9 = ("--codec", "libvpx-vp9", "-x", "lossless=1", "-x", "deadline=realtime", "-x", "cpu-used=8")
X264 = ("--codec", "libx264", "--preset", "ultrafast", "-x", "qp=0")
AS_IT_IS = ("--deinterlace", "off")
_LOSSLESS = {  # options for lossless encoding
    "libx264": {"crf": "-1", "qp": "0"},
    "libx265": {"preset": "ultrafast", "x265-params": "lossless=1:log-level=error"},
    "libvpx-vp9": {"crf": "-1", "lossless": "1"},
}
_HD = (1056, 64)
_WIDE = (512, 64)  # with bars of 64 samples, for the means of a dither's 8x8


def coloured(
    name: str,
    about: str,
    pixel: str,
    actual: Tags = BT709,
    *options: str,
    tagged: Tags | None = None,
    size: tuple[int, int] = pattern.SIZE,
    codec: str = "ffv1",
    becomes: str | None = None,
    messages: tuple[str, ...] = (),
    target: str | None = None,
    network: str = "identity",
    labels: dict[str, str] | None = None,
    **encoder: str,
) -> Case:
    """A film of three colour charts.

    Args:
        name: of the file.
        about: what is awkward.
        pixel: FFmpeg's pixel format.
        actual: how the samples are converted.
        options: of uprez.
        tagged: the tags that the file stores, default `actual`.
        size: width and height.
        codec: FFmpeg's encoder.
        becomes: the pixel format of the output; None: the source's.
        messages: see Expected.
        target: see Case.
        network: see Case.
        labels: the stream's metadata.
        encoder: options of the encoder.
    """
    draw: Any = partial(chart.frame, size=size, pixel=pixel, tags=actual)
    encoder_options: dict[str, Any] = _LOSSLESS.get(codec, {}) | encoder

    def write(path: Path) -> Expected:
        with Film(path) as out:
            tags = actual if tagged is None else tagged
            stream = out.video(NUMBERS, size, codec=codec, pixel=pixel, draw=draw, tags=tags, **encoder_options)
            stream.metadata.update(labels or {})
        return Expected(NUMBERS, evenly(3), pixel=becomes, messages=messages)

    write.__doc__ = about
    return case(name, *(options or FFV1), target=target, network=network)(write)


def _deep(pixel: str, about: str, tags: Tags) -> Case:
    return coloured(f"{pixel}.mkv", about, pixel, tags)


MATRICES = (
    coloured("601-525.mkv", "BT.601 as of 525 lines.", "yuv420p", SD525),
    coloured("601-625.mkv", "BT.601 as of 625 lines.", "yuv420p", SD625),
    coloured("709.mkv", "BT.709.", "yuv420p"),
    coloured("709-full.mkv", "BT.709 in full range.", "yuv420p", replace(BT709, full=True)),
    coloured("2020.mkv", "BT.2020.", "yuv420p", BT2020),
    coloured("240m.mkv", "SMPTE 240M, of early high definition.", "yuv420p", Tags(7, 7, 7, False, "left")),
    coloured("fcc.mkv", "FCC, of 1953.", "yuv420p", Tags(4, 4, 4, False, "left")),
)
UNTAGGED = (
    coloured("untagged-525.mkv", "Untagged; by its size, BT.601 of 525 lines.", "yuv420p", SD525, tagged=UNSPECIFIED),
    coloured(
        "untagged-625.mkv",
        "Untagged; by its 576 lines, BT.601 of 625.",
        "yuv420p",
        SD625,
        tagged=UNSPECIFIED,
        size=(96, 576),
    ),
    coloured("untagged-hd.mkv", "Untagged; by its width, BT.709.", "yuv420p", tagged=UNSPECIFIED, size=_HD),
    coloured(
        "untagged-matrix.mkv",
        "Primaries and transfer are tagged, the matrix isn't: BT.2020 goes with them.",
        "yuv420p10le",
        replace(BT2020, siting="left"),
        tagged=Tags(2, 9, 14, False),
    ),
)
SITINGS = (
    coloured("centre.mkv", "Chroma is sited between four luma samples.", "yuv420p", replace(BT709, siting="center")),
    coloured("top-left.mkv", "Chroma is sited on a luma sample.", "yuv420p", replace(BT709, siting="topleft")),
    coloured("top.mkv", "Chroma is sited midway in the upper of two rows.", "yuv420p", replace(BT709, siting="top")),
    coloured(
        "centre-422.mkv",
        "Chroma of 4:2:2 is sited midway.",
        "yuv422p",
        replace(BT709, siting="center"),
    ),
    coloured("odd.mkv", "Odd sides: the last chroma samples belong to one luma sample.", "yuv420p", size=(97, 65)),
)
LAYOUTS = (
    _deep("yuv420p10le", "10 bit.", BT709),
    _deep("yuv420p12le", "12 bit, BT.2020.", BT2020),
    _deep("yuv420p16le", "16 bit.", BT709),
    _deep("yuv422p", "4:2:2, BT.601.", SD525),
    _deep("yuv422p10le", "10 bit, 4:2:2, BT.2020.", replace(BT2020, siting="left")),
    _deep("yuv422p12le", "12 bit, 4:2:2, full range.", replace(SD625, full=True)),
    _deep("yuv422p16le", "16 bit, 4:2:2.", BT709),
    _deep("yuv440p", "4:4:0.", BT709),
    _deep("yuv440p10le", "10 bit, 4:4:0.", replace(BT709, full=True)),
    _deep("yuv444p", "4:4:4, full range.", replace(BT709, full=True)),
    _deep("yuv444p10le", "10 bit, 4:4:4, BT.2020.", BT2020),
    _deep("yuv444p12le", "12 bit, 4:4:4, BT.2020 in full range.", replace(BT2020, full=True)),
    _deep("yuv444p16le", "16 bit, 4:4:4.", BT709),
    _deep("gray", "Gray, limited range.", BT709),
    _deep("gray10le", "10 bit, gray, full range.", replace(BT709, full=True)),
    _deep("gray12le", "12 bit, gray, full range.", replace(BT709, full=True)),
    _deep("gray16le", "16 bit, gray, full range.", replace(BT709, full=True)),
    _deep("bgr0", "RGB.", Tags(0, 1, 13, True)),
    _deep("gbrp10le", "10 bit, RGB.", Tags(0, 1, 13, True)),
    _deep("gbrp12le", "12 bit, RGB of BT.2020.", Tags(0, 9, 14, True)),
    _deep("gbrp16le", "16 bit, RGB.", Tags(0, 1, 13, True)),
)
CODECS = (
    coloured(
        "x264.mp4",
        "H.264, chroma sited midway.",
        "yuv420p",
        replace(BT709, siting="center"),
        *X264,
        codec="libx264",
    ),
    coloured("x264-10.mp4", "H.264 of 10 bit and 4:2:2.", "yuv422p10le", BT709, *X264, codec="libx264"),
    coloured("x265.mp4", "H.265 of 10 bit, BT.2020.", "yuv420p10le", BT2020, *X265, codec="libx265"),
    coloured("x265-12.mp4", "H.265 of 12 bit and 4:4:4.", "yuv444p12le", BT2020, *X265, codec="libx265"),
    coloured("vp9.webm", "VP9.", "yuv420p", BT709, *VP9, codec="libvpx-vp9", target="out.webm"),
    coloured("mpeg2.mpg", "MPEG-2 without tags.", "yuv420p", SD525, codec="mpeg2video", tagged=UNSPECIFIED),
    coloured(
        "mpeg1.mpg",
        "MPEG-1 without tags, whose chroma is sited midway.",
        "yuv420p",
        replace(SD525, siting="center"),
        codec="mpeg1video",
        tagged=UNSPECIFIED,
    ),
    coloured(
        "mjpeg.avi",
        "Motion JPEG: BT.601 in full range, chroma sited midway.",
        "yuvj422p",
        replace(SD625, full=True, siting="center"),
        codec="mjpeg",
        tagged=Tags(5, full=True),
    ),
    coloured("prores.mov", "ProRes 4:2:2.", "yuv422p10le", BT709, codec="prores_ks"),
    coloured(
        "dv-pal.avi",
        "DV of 625 lines without tags, whose chroma is sited on luma samples.",
        "yuv420p",
        replace(SD625, siting="topleft"),
        *FFV1,
        *AS_IT_IS,
        codec="dvvideo",
        tagged=UNSPECIFIED,
        size=(720, 576),
    ),
    coloured(
        "dv-ntsc.avi",
        "DV of 525 lines, 4:1:1.",
        "yuv411p",
        SD525,
        *FFV1,
        *AS_IT_IS,
        codec="dvvideo",
        tagged=UNSPECIFIED,
        size=(720, 480),
        becomes="yuv422p",
    ),
)
CHANGES = (
    coloured(
        "10-to-8.mkv",
        "8 bit requested of 10: dithered, so that means are kept.",
        "yuv420p10le",
        BT709,
        "--pix-fmt",
        "yuv420p",
        *FFV1,
        becomes="yuv420p",
        size=_WIDE,
    ),
    coloured(
        "12-to-10.mkv",
        "10 bit requested of 12, and 4:2:0 of 4:4:4.",
        "yuv444p12le",
        BT2020,
        "--pix-fmt",
        "yuv420p10le",
        *FFV1,
        becomes="yuv420p10le",
        size=_WIDE,
    ),
    coloured(
        "8-to-10.mkv",
        "10 bit and 4:4:4 requested of 8 and 4:2:0.",
        "yuv420p",
        BT709,
        "--pix-fmt",
        "yuv444p10le",
        *FFV1,
        becomes="yuv444p10le",
    ),
    coloured("yuv-to-rgb.mkv", "RGB requested.", "yuv420p", SD525, "--pix-fmt", "gbrp10le", *FFV1, becomes="gbrp10le"),
    coloured(
        "rgb-to-yuv.mkv",
        "RGB, which the encoder doesn't accept.",
        "gbrp10le",
        Tags(0, 1, 13, True),
        *X264,
        becomes="yuv444p10le",
        messages=("gbrp10le",),
    ),
    coloured(
        "gray-12.mkv",
        "12 bit gray, of which the encoder keeps 10 bits.",
        "gray12le",
        BT709,
        *X264,
        becomes="yuv420p10le",
        size=_WIDE,
        messages=("gray12le",),
    ),
    coloured("twice.mkv", "Upscaled by 2.", "yuv420p10le", BT2020, *FFV1, network="nearest"),
    coloured("twice-422.mkv", "Upscaled by 2.", "yuv422p", SD625, *FFV1, network="nearest"),
)
