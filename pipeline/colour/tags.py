"""From the tags of a stream, or their absence, to a Colour without gaps.

Untagged video is read as players read it: standard definition (up to 1024 x 576) as BT.601, anything larger as
BT.709, limited range unless the format says otherwise, 4:2:0 and 4:2:2 chroma sited left (MPEG-2 and later; JPEG and
MPEG-1 sit midway).
"""

from __future__ import annotations

from pipeline.frame import UNSPECIFIED, Colour, Siting

_SD_WIDTH, _SD_HEIGHT = 1024, 576
_BT709, _BT601_625, _BT601_525, _SMPTE170M_TRANSFER = 1, 5, 6, 6
RGB_MATRIX = 0
_CENTRED_CODECS = ("mjpeg", "mpeg1video")
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
    if matrix in (UNSPECIFIED, RGB_MATRIX):
        matrix = _matrix_of_size(width, height)
    if primaries == UNSPECIFIED and matrix in (_BT709, _BT601_625, _BT601_525):
        primaries = matrix
    if transfer == UNSPECIFIED and matrix in (_BT709, _BT601_625, _BT601_525):
        transfer = _BT709 if matrix == _BT709 else _SMPTE170M_TRANSFER
    if siting is None:
        siting = Siting.CENTRE if codec in _CENTRED_CODECS else Siting.LEFT
    return Colour(
        matrix=matrix,
        full_range=range_tag == FULL_RANGE_TAG or format.startswith("yuvj"),
        primaries=primaries,
        transfer=transfer,
        siting=siting,
    )


def _matrix_of_size(width: int, height: int) -> int:
    if width > _SD_WIDTH or height > _SD_HEIGHT:
        return _BT709
    return _BT601_625 if height == _SD_HEIGHT else _BT601_525
