"""Shapes: sizes that codecs refuse, samples that aren't square, rotated and mirrored video."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.cases import chart, ebml, pattern, reference, samples
from tests.cases.bitstreams import clap, splice, with_box
from tests.cases.case import Case, Expected, case, evenly
from tests.cases.film import Film, film

CROP = (4, 8, 6, 10)
"""Columns and rows of black around the frames of cropped films: left, right, top, bottom."""

Rotation = tuple[int, int, int, int]  # a, b, c, d of a display matrix, each -1, 0 or 1

RIGHT, LEFT = (0, 1, -1, 0), (0, -1, 1, 0)
_TEN = Expected(tuple(range(10)), evenly(10))


@case("1x1.mkv")
def single_sample(path: Path) -> Expected:
    """One sample a frame."""
    film(path, range(10), size=(1, 1), codec="ffv1", pixel="yuv444p")
    return _TEN


@case("2x2.mp4")
def four_samples(path: Path) -> Expected:
    """Four samples a frame, which share their chroma."""
    film(path, range(10), size=(2, 2))
    return _TEN


@case("odd-420.webm")
def odd_420(path: Path) -> Expected:
    """Width and height are odd, though chroma is shared by two by two samples; x264 refuses such frames."""
    film(path, range(10), size=(97, 65), codec="libvpx-vp9")
    return _TEN


@case("odd-444.mp4")
def odd_444(path: Path) -> Expected:
    """Width and height are odd, with chroma for each sample."""
    film(path, range(10), size=(97, 65), pixel="yuv444p")
    return _TEN


@case("16x4096.mp4")
def tall(path: Path) -> Expected:
    """256 times as high as wide."""
    film(path, range(5), size=(16, 4096))
    return Expected(tuple(range(5)), evenly(5))


@case("4096x16.mp4")
def wide(path: Path) -> Expected:
    """256 times as wide as high."""
    film(path, range(5), size=(4096, 16))
    return Expected(tuple(range(5)), evenly(5))


@case("oblong-samples.mp4")
def oblong_samples(path: Path) -> Expected:
    """The sample aspect ratio is 64:45."""
    with Film(path) as out:
        out.video(range(10)).codec_context.sample_aspect_ratio = Fraction(64, 45)
    return _TEN


def _draw_bordered(number: int) -> av.VideoFrame:
    """A frame of the usual pattern inside black borders."""
    rgb, (left, right, top, bottom) = pattern.draw(number), CROP
    bordered = np.pad(rgb, ((top, bottom), (left, right), (0, 0)))
    layout = samples.layout("yuv420p")
    coded = reference.encode_rgb(bordered.transpose(2, 0, 1) / 255, layout, pattern.BT709)
    return samples.make_frame("yuv420p", coded)


def _write_bordered(path: Path) -> None:
    width, height = pattern.SIZE
    left, right, top, bottom = CROP
    film(path, range(10), size=(width + left + right, height + top + bottom), draw=_draw_bordered)


def _pixel_crop(path: Path, *display_size: int) -> None:
    _write_bordered(path)
    edges = dict(zip((ebml.CROP_LEFT, ebml.CROP_RIGHT, ebml.CROP_TOP, ebml.CROP_BOTTOM), CROP, strict=True))
    sizes = dict(zip((ebml.DISPLAY_WIDTH, ebml.DISPLAY_HEIGHT), display_size, strict=False))
    ebml.change_video(path, edges | sizes, removed=(ebml.DISPLAY_UNIT,))


@case("pixel-crop.mkv")
def pixel_crop(path: Path) -> Expected:
    """Matroska's PixelCrop cuts a black border off, and there is no display size."""
    _pixel_crop(path)
    return replace(_TEN, crop=CROP, aspect=Fraction(1))


@case("pixel-crop-display-size.mkv")
def pixel_crop_display_size(path: Path) -> Expected:
    """PixelCrop cuts a black border off; the display size makes what is left twice as wide."""
    _pixel_crop(path, 192, 64)
    return replace(_TEN, crop=CROP, aspect=Fraction(2))


@case("pixel-crop-uncropped-display-size.mkv")
def pixel_crop_uncropped_display_size(path: Path) -> Expected:
    """PixelCrop cuts a black border off; the display size is that of the complete frame, as mkvmerge writes it."""
    _pixel_crop(path, 108, 80)
    return replace(_TEN, crop=CROP, aspect=Fraction(1))


@case("clean-aperture.mov")
def clean_aperture(path: Path) -> Expected:
    """A clean aperture (clap) cuts a black border off, as in files of editing programs."""
    _write_bordered(path)
    left, right, top, bottom = CROP
    box = clap(*pattern.SIZE, left - right, top - bottom)
    path.write_bytes(with_box(path.read_bytes(), ("moov", "trak", "mdia", "minf", "stbl", "stsd", "avc1"), box))
    return replace(_TEN, crop=CROP, aspect=Fraction(1))


@case("changing-aspect.ts")
def changing_aspect(path: Path) -> Expected:
    """A broadcast that changes from 4:3 to 16:9 at the same size, which one file can't signal."""
    parts = []
    narrow, wide = Fraction(8, 9), Fraction(32, 27)  # of 96x64 samples
    for numbers, aspect in ((range(10), narrow), (range(10, 20), wide)):
        with Film(path, "mpegts") as out:
            pts = [number + 1 for number in numbers]  # so that no decoding time is negative
            out.video(numbers, pts=pts, codec="mpeg2video", bf="0").codec_context.sample_aspect_ratio = aspect
        parts.append(path.read_bytes())
    path.write_bytes(splice(*parts))
    return Expected(tuple(range(20)), evenly(20), aspect=narrow, messages=("sample aspect ratio changes",))


def _with_layout(path: Path, elements: dict[int, ebml.Content]) -> None:
    film(path, range(10))
    ebml.change_video(path, elements, removed=(ebml.DISPLAY_UNIT,))


@case("side-by-side.mkv")
def side_by_side(path: Path) -> Expected:
    """A view for each eye, side by side, each as wide as the display; a .mp4 signals it too."""
    _with_layout(path, {ebml.STEREO_MODE: 1})
    return replace(_TEN, spatial="Stereo 3D: side by side")


@case("right-eye-first.mkv", network="nearest")
def right_eye_first(path: Path) -> Expected:
    """The right eye's view is on the left, which a .mp4 can't signal."""
    _with_layout(path, {ebml.STEREO_MODE: 11})
    about = replace(_TEN, spatial="Stereo 3D: side by side, view: packed, primary eye: none (inverted)")
    return replace(about, messages_in_mp4=("layout right_left dropped",), spatial_in_mp4="")


@case("interleaved-rows.mkv", network="nearest")
def interleaved_rows(path: Path) -> Expected:
    """Rows are for the left and the right eye in turn, which upscaling can't keep apart."""
    _with_layout(path, {ebml.STEREO_MODE: 7})
    return replace(_TEN, messages=("layout row_interleaved_lr dropped: upscaling mixes",))


@case("equirectangular.mkv")
def equirectangular(path: Path) -> Expected:
    """A sphere in equirectangular projection, its centre turned by 90 degrees."""
    sphere: ebml.Content = [(ebml.PROJECTION_TYPE, 1), (ebml.YAW, struct.pack(">d", 90))]
    _with_layout(path, {ebml.PROJECTION: sphere})
    return replace(_TEN, spatial="Spherical Mapping: equirectangular (90.000000/0.000000/0.000000)")


@case("cubemap.mkv", network="nearest")
def cubemap(path: Path) -> Expected:
    """A sphere on the faces of a cube, padded by 3 samples; by 6 once it is upscaled."""
    sphere: ebml.Content = [(ebml.PROJECTION_TYPE, 2), (ebml.PROJECTION_PRIVATE, struct.pack(">3I", 0, 0, 3))]
    _with_layout(path, {ebml.PROJECTION: sphere})
    return replace(_TEN, spatial="Spherical Mapping: cubemap [pad 6]")


def _rotated(
    name: str,
    about: str,
    rotation: Rotation,
    pixel: str = "yuv420p",
    siting: str = "left",
    aspect: Fraction = Fraction(1),
) -> Case:
    """A film of charts that are upright only after rotation by the display matrix."""
    a, b, c, d = rotation
    tags, layout = replace(pattern.BT709, siting=siting), samples.layout(pixel)

    def draw(number: int) -> av.VideoFrame:
        coded = samples.rotate(chart.draw(number), _matrix((a, c, b, d)))  # transposed, it is the inverse
        return samples.make_frame(pixel, reference.encode_rgb(coded, layout, tags))

    def write(path: Path) -> Expected:
        size = pattern.SIZE if a else pattern.SIZE[::-1]
        with Film(path) as out:
            stream = out.video(range(10), size, pixel=pixel, draw=draw, tags=tags)
            stream.codec_context.sample_aspect_ratio = aspect
            stream.set_display_matrix(_matrix(rotation))
        return _TEN

    write.__doc__ = about
    return case(name)(write)


def _matrix(rotation: Rotation) -> tuple[int, ...]:
    """The display matrix (ISO/IEC 14496-12, 6.2.2): 16.16 numbers, the last of 2.30."""
    a, b, c, d = (number << 16 for number in rotation)
    return a, b, 0, c, d, 0, 0, 0, 1 << 30


ROTATED = (
    _rotated("rotated-right.mp4", "Rotated to the right, as phones write.", RIGHT),
    _rotated("rotated-half.mp4", "Rotated by 180 degrees.", (-1, 0, 0, -1)),
    _rotated("rotated-left.mp4", "Rotated to the left.", LEFT),
    _rotated("mirrored.mp4", "Mirrored, which is no rotation.", (-1, 0, 0, 1)),
    _rotated("flipped.mp4", "Flipped vertically.", (1, 0, 0, -1)),
    _rotated("transposed.mp4", "Transposed: columns are shown as rows.", (0, 1, 1, 0)),
    _rotated("transversed.mp4", "Transposed along the other diagonal.", (0, -1, -1, 0)),
    _rotated("rotated-422.mp4", "Rotated to the right, 4:2:2.", RIGHT, "yuv422p"),
    _rotated("rotated-top-left.mp4", "Rotated to the left, chroma on luma samples.", LEFT, "yuv420p10le", "topleft"),
    _rotated(
        "rotated-oblong.mp4",
        "Rotated to the right, aspect ratio 64:45 before.",
        RIGHT,
        aspect=Fraction(64, 45),
    ),
)
