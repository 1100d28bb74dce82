"""Transparency: alpha is upscaled too, and kept where the codec supports it, otherwise dropped with a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.cases.case import Expected, case
from tests.cases.chart import draw, opacity
from tests.cases.colours import BT709, FFV1, VP9, X264, coloured
from tests.cases.samples import Tags

_RGB = Tags(0, 1, 13, True)
_PNG = ("--codec", "png")
_VP9: dict[str, Any] = {"codec": "libvpx-vp9", "labels": {"alpha_mode": "1"}, "auto-alt-ref": "0"}
_PRORES = ("--codec", "prores_ks")

KEPT = (
    coloured("alpha-444.mkv", "4:4:4 of 10 bit with alpha.", "yuva444p10le", BT709),
    coloured("alpha-420.mkv", "4:2:0 with alpha.", "yuva420p", BT709),
    coloured("alpha-rgb.mkv", "RGB of 16 bit with alpha.", "gbrap16le", _RGB),
    coloured("alpha-twice.mkv", "Upscaled by 2, alpha by the resampler.", "yuva422p10le", BT709, network="nearest"),
    coloured("alpha-in-qtrle.mov", "QuickTime's animation codec.", "argb", _RGB, codec="qtrle"),
    coloured(
        "alpha-to-qtrle.mov",
        "The same, encoded with that codec.",
        "argb",
        _RGB,
        "--codec",
        "qtrle",
        codec="qtrle",
        target="out.mov",
    ),
    coloured("alpha-in-png.mov", "PNG frames in a video.", "rgba", _RGB, *_PNG, codec="png", target="out.mov"),
    coloured("alpha-in-prores.mov", "ProRes 4444.", "yuva444p10le", BT709, codec="prores_ks"),
    coloured(
        "alpha-to-prores.mov",
        "ProRes 4444, encoded with it again.",
        "yuva444p10le",
        BT709,
        *_PRORES,
        codec="prores_ks",
        target="out.mov",
    ),
    coloured("alpha-in-vp9.webm", "VP9, which codes alpha as a second video.", "yuva420p", BT709, *FFV1, **_VP9),
    coloured("alpha-to-vp9.webm", "VP9, encoded with it again.", "yuva420p", BT709, *VP9, target="out.webm", **_VP9),
)


@case("alpha.png", target="out.png")
def png(path: Path) -> Expected:
    """An image of 16 bit, upscaled into one."""
    drawn = np.concatenate([draw(7)[::-1], opacity()[None]])
    assert cv2.imwrite(str(path), np.rint(drawn.transpose(1, 2, 0) * 65535).astype(np.uint16))
    return Expected((7,), (None,))


LOST = (
    coloured(
        "alpha-to-x264.mkv",
        "Alpha, which the encoder doesn't support.",
        "yuva444p10le",
        BT709,
        *X264,
        becomes="yuv444p10le",
        messages=("transparen",),
    ),
)
