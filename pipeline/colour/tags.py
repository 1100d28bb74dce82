"""Resolution of a stream's colour tags, or their absence, to a complete Colour.

Untagged video is interpreted as players do. Matrix: BT.2020 if the primaries or the transfer are those of BT.2020 or of
HDR; otherwise BT.601 up to 1024x576 and BT.709 above. Range: limited, unless the pixel format says otherwise. Chroma
siting: left (MPEG-2 and later), midway for JPEG, MPEG-1 and H.263. RGB of any size is sRGB (IEC 61966-2-1).
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.frame import UNSPECIFIED, Colour, Siting

_SD_WIDTH, _SD_HEIGHT = 1024, 576
_BT709, _BT601_625, _BT601_525, _SMPTE240M, _BT2020 = 1, 5, 6, 7, 9  # matrices and primaries alike
_SMPTE170M_TRANSFER, _SRGB, _BT2020_10_TRANSFER = 6, 13, 14
_OF_BT2020 = (_BT2020_10_TRANSFER, 15, 16, 18)  # transfers: 10 and 12 bit, PQ, HLG
RGB_MATRIX = 0
_RESERVED = 3  # reserved by ITU-T for future use
_TRANSFERS = {  # the transfer that each matrix's standard defines
    _BT709: _BT709,
    _BT601_625: _SMPTE170M_TRANSFER,
    _BT601_525: _SMPTE170M_TRANSFER,
    _SMPTE240M: _SMPTE240M,
    _BT2020: _BT2020_10_TRANSFER,
}
_CENTRED_CODECS = ("mjpeg", "mpeg1video", "flv")  # FFmpeg's names of decoders; flv is a variant of H.263
_CENTRED_FORMAT = "yuv410p"  # used by old codecs without a siting; FFmpeg's scaler and players take it as midway
_RGB_NAMES = ("rgb", "bgr", "gbr", "pal8")  # each of FFmpeg's names of RGB formats contains one of these
FULL_RANGE_TAG, LIMITED_RANGE_TAG = 2, 1  # FFmpeg's AVCOL_RANGE_JPEG and AVCOL_RANGE_MPEG


@dataclass(frozen=True)
class ColourTags:
    """Colour tags of a stream. H.273 codes, in which 2 is "unspecified".

    Attributes:
        matrix: Matrix coefficients.
        range_tag: FULL_RANGE_TAG, LIMITED_RANGE_TAG, or 0 if untagged.
        primaries: Colour primaries.
        transfer: Transfer characteristics.
        siting: Chroma siting, None if untagged.
    """

    matrix: int = UNSPECIFIED
    range_tag: int = 0
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    siting: Siting | None = None


def resolve_colour(tags: ColourTags, width: int, height: int, format: str, codec: str) -> Colour:
    """Complete the colour tags of a stream.

    Args:
        tags: Tags of the stream.
        width: Width of its frames in pixels.
        height: Height of its frames in pixels.
        format: FFmpeg's name of its pixel format.
        codec: FFmpeg's name of its decoder.
    """
    primaries, transfer = (UNSPECIFIED if code in (0, _RESERVED) else code for code in (tags.primaries, tags.transfer))
    matrix, siting = tags.matrix, tags.siting
    if is_rgb := any(name in format for name in _RGB_NAMES):
        matrix = _BT2020 if _is_bt2020(primaries, transfer) else _BT709
    elif matrix in (UNSPECIFIED, RGB_MATRIX, _RESERVED):
        matrix = _BT2020 if _is_bt2020(primaries, transfer) else _matrix_of_size(width, height)
    if primaries == UNSPECIFIED and matrix in _TRANSFERS:
        primaries = matrix
    if transfer == UNSPECIFIED:
        transfer = _SRGB if is_rgb else _TRANSFERS.get(matrix, UNSPECIFIED)
    if siting is None:
        siting = Siting.CENTRE if codec in _CENTRED_CODECS or format == _CENTRED_FORMAT else Siting.LEFT
    return Colour(
        matrix=matrix,
        full_range=tags.range_tag == FULL_RANGE_TAG or format.startswith("yuvj"),
        primaries=primaries,
        transfer=transfer,
        siting=siting,
    )


def _is_bt2020(primaries: int, transfer: int) -> bool:
    return primaries == _BT2020 or transfer in _OF_BT2020


def _matrix_of_size(width: int, height: int) -> int:
    if width > _SD_WIDTH or height > _SD_HEIGHT:
        return _BT709
    return _BT601_625 if height == _SD_HEIGHT else _BT601_525
