"""What codes still pictures and animations: by the suffix of the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline.frame import PIXEL_FORMATS, FrameFormat, PixelFormat


@dataclass(frozen=True)
class PictureCodec:
    """An encoder of pictures, as FFmpeg names it, with the options that lose least.

    coded: the format it is fed, where that is not one that packs RGB samples as they are. gray, deep: whether it takes
    pictures without colour, and 16 bit. animated: one file holds many frames.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)
    coded: str | None = None
    gray: bool = True
    deep: bool = False
    animated: bool = False

    def pixel(self, source: FrameFormat) -> PixelFormat:
        """The format of frames that keeps most of `source`: pictures are RGB or gray, of full range."""
        gray = self.gray and not source.pixel.chroma and source.colour.full_range
        deep = self.deep and source.pixel.depth > 8
        return PIXEL_FORMATS[("gray" if gray else "gbrp") + ("16le" if deep else "")]


_PNG = PictureCodec("png", deep=True)
_TIFF = PictureCodec("tiff", {"compression_algo": "deflate"}, deep=True)
_JPEG = PictureCodec("mjpeg", {"qmin": "1", "qmax": "1"}, coded="yuvj444p", gray=False)  # what others call quality 95
_CODECS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": PictureCodec("bmp", gray=False),
    ".webp": PictureCodec("libwebp", {"lossless": "1"}, coded="bgra", gray=False),
    ".apng": PictureCodec("apng", deep=True, animated=True),
    ".gif": PictureCodec("gif", coded="pal8", gray=False, animated=True),
}


def codec_for(path: Path) -> PictureCodec | None:
    """What codes a result of that name; None if it is no picture or animation."""
    return _CODECS.get(path.suffix.lower())
