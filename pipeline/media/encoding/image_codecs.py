"""What codes still pictures and animations: by the suffix of the result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.frame import PIXEL_FORMATS, FrameFormat, Siting

_BT601 = 5  # the matrix that JFIF's one page names, of full range


@dataclass(frozen=True)
class PictureCodec:
    """An encoder of pictures, as FFmpeg names it, with the options that lose least.

    coded: the format it is fed, where that is not one that packs RGB samples as they are. gray, deep, alpha: whether it
    takes pictures without colour, of 16 bit, transparent ones. jfif: it takes them as JFIF has them. animated: one file
    holds many frames.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)
    coded: str | None = None
    gray: bool = True
    deep: bool = False
    alpha: bool = False
    jfif: bool = False
    animated: bool = False

    def format(self, source: FrameFormat) -> FrameFormat:
        """The format of frames that keeps most of `source`: RGB or gray, of full range; in JFIF, Y'CbCr of BT.601."""
        if self.jfif:
            colour = replace(source.colour, matrix=_BT601, full_range=True, siting=Siting.CENTRE)
            return replace(source, pixel=PIXEL_FORMATS["yuv444p"], colour=colour)
        gray, alpha = self.gray and not source.pixel.chroma, self.alpha and source.pixel.alpha
        # FFmpeg codes frames of 16 bit that are transparent as what lies over the last one, and can't decode that.
        deep = self.deep and not (self.animated and alpha)
        depth = 16 if deep and source.pixel.depth > 8 else 8
        wanted = not gray, not gray, alpha, depth
        pixel = next(f for f in PIXEL_FORMATS.values() if (f.rgb, f.chroma, f.alpha, f.depth) == wanted)
        return replace(source, pixel=pixel, colour=replace(source.colour, full_range=True))


_PNG = PictureCodec("png", deep=True, alpha=True)
_TIFF = PictureCodec("tiff", {"compression_algo": "deflate"}, deep=True, alpha=True)
_JPEG = PictureCodec("mjpeg", {"qmin": "1", "qmax": "1"}, jfif=True)  # what others call quality 95
_CODECS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": PictureCodec("bmp", gray=False),
    ".webp": PictureCodec("libwebp", {"lossless": "1"}, gray=False, alpha=True),
    ".apng": PictureCodec("apng", deep=True, alpha=True, animated=True),
    ".gif": PictureCodec("gif", coded="pal8", gray=False, alpha=True, animated=True),
}


def codec_for(path: Path) -> PictureCodec | None:
    """What codes a result of that name; None if it is no picture or animation."""
    return _CODECS.get(path.suffix.lower())
