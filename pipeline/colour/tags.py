"""From the tags of a stream, or their absence, to a Colour without gaps.

Untagged video is read as players read it: BT.2020 where its primaries or its transfer are those of BT.2020 or of HDR;
else standard definition (up to 1024 x 576) as BT.601, anything larger as BT.709. Limited range unless the format says
otherwise; chroma sited left (MPEG-2 and later; JPEG, MPEG-1 and H.263 sit midway). RGB is sRGB (IEC 61966-2-1),
whatever its size.
"""

from __future__ import annotations

from pipeline.frame import UNSPECIFIED, Colour, Siting

_SD_WIDTH, _SD_HEIGHT = 1024, 576
_BT709, _BT601_625, _BT601_525, _SMPTE240M, _BT2020 = 1, 5, 6, 7, 9  # matrices and primaries alike
_SMPTE170M_TRANSFER, _SRGB, _BT2020_10_TRANSFER = 6, 13, 14
_OF_BT2020 = (_BT2020_10_TRANSFER, 15, 16, 18)  # transfers: 10 and 12 bit, PQ, HLG
RGB_MATRIX = 0
_RESERVED = 3  # H.273: by ITU-T, to mean something some day
_TRANSFERS = {  # that go with a matrix, by its standard
    _BT709: _BT709,
    _BT601_625: _SMPTE170M_TRANSFER,
    _BT601_525: _SMPTE170M_TRANSFER,
    _SMPTE240M: _SMPTE240M,
    _BT2020: _BT2020_10_TRANSFER,
}
_CENTRED_CODECS = ("mjpeg", "mpeg1video", "flv")  # by FFmpeg's names of their decoders; flv is a kind of H.263
_CENTRED_FORMAT = "yuv410p"  # of old codecs that do not say; FFmpeg's scaler takes it so, and with it players
_RGB_NAMES = ("rgb", "bgr", "gbr", "pal8")  # one of which is in each name of FFmpeg's for RGB
FULL_RANGE_TAG, LIMITED_RANGE_TAG = 2, 1  # FFmpeg's AVCOL_RANGE_JPEG and AVCOL_RANGE_MPEG


def resolved(
    matrix: int,
    range_tag: int,
    primaries: int,
    transfer: int,
    width: int,
    height: int,
    format: str,
    codec: str,
    siting: Siting | None = None,
) -> Colour:
    """The colour of a stream of FFmpeg pixel format `format`, from its tags (H.273 codes; 2, or None: not tagged)."""
    primaries, transfer = (UNSPECIFIED if code in (0, _RESERVED) else code for code in (primaries, transfer))
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
        full_range=range_tag == FULL_RANGE_TAG or format.startswith("yuvj"),
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
