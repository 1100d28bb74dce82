"""Transparency: alpha is made larger with the rest, and kept where the codec can; else that is said."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.cases.case import Expected, case
from tests.cases.chart import chart, opacity
from tests.cases.colours import BT709, FFV1, VP9, X264, coloured
from tests.cases.samples import Tags

_RGB = Tags(0, 1, 13, True)
_PNG = ("--codec", "png")
_VP9 = {"codec": "libvpx-vp9", "labels": {"alpha_mode": "1"}, "auto-alt-ref": "0"}
_PRORES = ("--codec", "prores_ks")

KEPT = (
    coloured("alpha-444.mkv", "4:4:4 of 10 bit and alpha.", "yuva444p10le", BT709),
    coloured("alpha-420.mkv", "4:2:0 and alpha.", "yuva420p", BT709),
    coloured("alpha-rgb.mkv", "RGB of 16 bit and alpha.", "gbrap16le", _RGB),
    coloured(
        "alpha-twice.mkv", "Made twice as large, alpha by the resampler.", "yuva422p10le", BT709, network="nearest"
    ),
    coloured("alpha-in-qtrle.mov", "QuickTime's animation codec.", "argb", _RGB, codec="qtrle"),
    coloured(
        "alpha-to-qtrle.mov", "Stays in that codec.", "argb", _RGB, "--codec", "qtrle", codec="qtrle", target="out.mov"
    ),
    coloured("alpha-in-png.mov", "PNG frames in a film.", "rgba", _RGB, *_PNG, codec="png", target="out.mov"),
    coloured("alpha-in-prores.mov", "ProRes 4444.", "yuva444p10le", BT709, codec="prores_ks"),
    coloured(
        "alpha-to-prores.mov",
        "ProRes 4444 that stays in it.",
        "yuva444p10le",
        BT709,
        *_PRORES,
        codec="prores_ks",
        target="out.mov",
    ),
    coloured("alpha-in-vp9.webm", "VP9, which keeps alpha in a stream of its own.", "yuva420p", BT709, *FFV1, **_VP9),
    coloured("alpha-to-vp9.webm", "VP9 that stays in it.", "yuva420p", BT709, *VP9, target="out.webm", **_VP9),
)


@case("alpha.png", target="out.png")
def png(path: Path) -> Expected:
    """A picture of 16 bit, which becomes one."""
    drawn = np.concatenate([chart(7)[::-1], opacity()[None]])
    assert cv2.imwrite(str(path), np.rint(drawn.transpose(1, 2, 0) * 65535).astype(np.uint16))
    return Expected((7,), (None,))


LOST = (
    coloured(
        "alpha-to-x264.mkv",
        "Alpha, which the encoder can't keep.",
        "yuva444p10le",
        BT709,
        *X264,
        becomes="yuv444p10le",
        says=("transparen",),
    ),
)
