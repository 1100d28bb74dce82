"""Names of ITU-T H.273 codes as FFmpeg spells them: matrices, primaries and transfers (tables 2, 3 and 4)."""

from __future__ import annotations

from pipeline.frame import Colour

MATRIX_NAMES = {0: "rgb", 1: "bt709", 2: "untagged", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m"}
MATRIX_NAMES |= {8: "ycgco", 9: "bt2020nc", 10: "bt2020c", 14: "ictcp"}
PRIMARIES_NAMES = {1: "bt709", 2: "untagged", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film"}
PRIMARIES_NAMES |= {9: "bt2020", 10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"}
TRANSFER_NAMES = {1: "bt709", 2: "untagged", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear"}
TRANSFER_NAMES |= {9: "log100", 10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1 (sRGB)"}
TRANSFER_NAMES |= {14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084 (PQ)", 17: "smpte428", 18: "arib-std-b67 (HLG)"}
PQ, HLG = 16, 18  # the transfers of HDR


def is_hdr(colour: Colour) -> bool:
    """Return whether video is HDR, judged by its transfer characteristics."""
    return colour.transfer in (PQ, HLG)


def colour_names(colour: Colour) -> tuple[str, str, str]:
    """Names of a colour's matrix, primaries and transfer; the number itself for a code without a name."""
    codes = (MATRIX_NAMES, colour.matrix), (PRIMARIES_NAMES, colour.primaries), (TRANSFER_NAMES, colour.transfer)
    matrix, primaries, transfer = (names.get(code, str(code)) for names, code in codes)
    return matrix, primaries, transfer
