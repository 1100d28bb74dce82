"""HDR: PQ and HLG are kept, with the metadata of the mastering display and the light levels."""

from __future__ import annotations

from typing import Any

from tests.cases.colours import FFV1, VP9, X264, X265, coloured
from tests.cases.samples import Tags

PQ = Tags(9, 9, 16, False, "topleft")
HLG = Tags(9, 9, 18, False, "topleft")
_DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"  # P3 of D65, 0.005 to 1000 cd/m2
_MASTERED: dict[str, Any] = {
    "x265-params": f"lossless=1:log-level=error:hdr10=1:master-display={_DISPLAY}:max-cll=1000,400"
}


HDR10 = (
    coloured(
        "hdr10.mp4",
        "HDR10 with display and light levels.",
        "yuv420p10le",
        PQ,
        *X265,
        codec="libx265",
        **_MASTERED,
    ),
    coloured("hdr10-x264.mp4", "HDR10 encoded as H.264.", "yuv420p10le", PQ, *X264, codec="libx265", **_MASTERED),
    coloured(
        "hdr10-ffv1.mp4",
        "HDR10 encoded as FFV1, which has no such metadata itself; the container stores it.",
        "yuv420p10le",
        PQ,
        *FFV1,
        codec="libx265",
        **_MASTERED,
    ),
    coloured(
        "hdr10-in-mp4.mp4",
        "HDR10 written into an .mp4.",
        "yuv420p10le",
        PQ,
        *X265,
        codec="libx265",
        target="out.mp4",
        **_MASTERED,
    ),
    coloured("pq.mkv", "PQ without metadata of the display.", "yuv422p10le", PQ, *X265, codec="libx265"),
)
HLGS = (
    coloured("hlg.mp4", "HLG.", "yuv420p10le", HLG, *X265, codec="libx265"),
    coloured("hlg.mkv", "HLG, tagged only in the container.", "yuv420p10le", HLG, *FFV1),
    coloured(
        "hlg.webm",
        "HLG in VP9 of 8 bit.",
        "yuv420p",
        HLG,
        *VP9,
        codec="libvpx-vp9",
        target="out.webm",
    ),
)
