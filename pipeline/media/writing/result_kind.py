"""What a result is, by its name: a container of video; or pictures, an animation, a pipe, which leave no choice."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from pipeline.colour.h273 import colour_names, is_hdr
from pipeline.errors import OutputError
from pipeline.frame import Colour, FrameFormat, PixelFormat
from pipeline.media.encoding.codecs import encoder_for
from pipeline.media.encoding.encoder import VideoEncoding
from pipeline.media.encoding.encoder_spec import ImageSpec, Role
from pipeline.media.encoding.image_codecs import codec_for, image_format
from pipeline.media.reading.image_sequence import FilePattern, is_pattern
from pipeline.media.reading.image_source import ImageSource
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.source import Source
from pipeline.media.writing.file_sink import FileSink
from pipeline.media.writing.image_sink import PictureSink
from pipeline.media.writing.pipe_sink import PipeSink, y4m_format

_Y4M = "y4m"
_COMPRESSED = 0.5  # of their samples, that pictures without loss take, measured on photographs

Sink = FileSink | PictureSink | PipeSink


@dataclass(frozen=True)
class Form:
    """How frames are encoded where the result's name says it: see VideoEncoding. name: what people call it."""

    name: str
    codec: str
    pixel: PixelFormat
    colour: Colour
    options: dict[str, str] = field(default_factory=dict)
    coded: str | None = None
    image: ImageSpec | None = None

    def encoding(self, video: VideoInfo, scale: int, options: dict[str, str]) -> VideoEncoding:
        """How `video`, `scale` times as large, is encoded. options: of the user, for the encoder."""
        return VideoEncoding(
            codec=self.codec,
            format=replace(video.format.enlarged(scale), pixel=self.pixel, colour=self.colour),
            rate=video.rate,
            time_base=video.time_base,
            sample_aspect=video.sample_aspect,
            options=self.options | options,
            coded=self.coded,
        )

    def notes(self, video: VideoInfo) -> list[str]:
        """What a user should know, a line each."""
        notes = []
        if self.pixel.depth < video.format.pixel.depth:
            notes.append(f"{self.name} holds {self.pixel.depth} bit of the source's {video.format.pixel.depth}")
        matrix, primaries, transfer = colour_names(video.format.colour)
        if is_hdr(video.format.colour) and self.image and not self.image.signals_hdr:
            notes.append(f"{self.name} does not say that it is HDR, {transfer}: players show it gray; .png says so")
        elif video.hdr or video.dynamic_hdr:
            notes.append(f"{self.name} can't hold its HDR metadata: of mastering display and light levels")
        if self.name == _Y4M:
            notes.append(f"y4m does not say what its colours are: matrix {matrix}, primaries {primaries}, {transfer}")
        if self.image and self.image.colours:
            halves = ", and no half transparency" if self.pixel.alpha else ""
            notes.append(f"GIF has {self.image.colours} colours in a frame{halves}; .apng loses none")
            if self.image.smooth_rate and video.rate > self.image.smooth_rate:
                notes.append(f"browsers show a GIF of more than {self.image.smooth_rate} frames/s slowly")
        return notes

    def disk(self, encoding: VideoEncoding, frames: int | None) -> int | None:
        """Bytes that the result may take, roughly; None if unknown, or it is no file."""
        if frames is None or self.name == _Y4M:
            return None
        return int(encoding.format.bytes * frames * _COMPRESSED)


def form_of(path: Path, source: FrameFormat) -> Form | None:
    """The form of a result called `path`; None for a container of video. source: the format of the frames upscaled.

    Raises OutputError for a pattern that numbers anything but pictures.
    """
    if is_pipe(path):
        y4m = y4m_format(source)
        return Form(_Y4M, encoder_for(Role.RAW).name, y4m.pixel, y4m.colour)
    spec = codec_for(path)
    if spec is None or spec.image is None:
        return None
    image = spec.image
    if is_pattern(path) and image.animated:
        raise OutputError(f"{path}: only still pictures can be numbered; .png, .jpg, .tif, .bmp and .webp are")
    made = image_format(image, source)
    name = path.suffix.lower()[1:]
    return Form(name, spec.name, made.pixel, made.colour, dict(image.options), image.pix_fmt, image)


def is_stills(path: Path) -> bool:
    """Whether a result of that name is one still picture, or many."""
    image = _image(path)
    return image is not None and not image.animated


def _image(path: Path) -> ImageSpec | None:
    spec = codec_for(path)
    return spec.image if spec else None


def check_form(path: Path, source: Collection[Path], frames: int | None, rate: Fraction, overwrite: bool) -> None:
    """Raise OutputError where a result called `path` can't hold so many frames, or would lie among others.

    source: the files that are read.
    """
    if is_pattern(path) and is_stills(path):
        there = {found.resolve() for found in FilePattern(path).find_files().values()}
        if not there.isdisjoint(file.resolve() for file in source):
            raise OutputError(f"{path}: are the pictures of the input; give the results another name")
        if there and not overwrite:
            raise OutputError(f"{path}: {len(there)} such pictures exist already; --overwrite replaces them")
    elif is_stills(path) and frames is not None and frames > 1:
        numbered = path.with_name(f"{path.stem}%05d{path.suffix}")
        raise OutputError(f"{path}: is one picture, and there are {frames} frames; {numbered} makes one of each")
    image = _image(path)
    if image and frames == 1 < image.min_frames:
        raise OutputError(f"{path}: is an animation, and there is one frame; {path.with_suffix('.png')} holds it")
    if image and image.max_rate and rate > image.max_rate:
        raise OutputError(f"{path}: GIF holds {image.max_rate} frames/s at most, not {float(rate):g}; .apng holds more")


def open_sink(
    path: Path,
    encoding: VideoEncoding,
    source: Source,
    also: frozenset[int],
    shift: Fraction,
    until: Fraction | None = None,
) -> Sink:
    """What takes the result called `path`: see FileSink."""
    if is_pipe(path):
        return PipeSink(encoding, others=len(also))
    if is_stills(path):
        pictures = source.images if isinstance(source, ImageSource) else None
        return PictureSink(path, encoding, pictures, others=len(also))
    return FileSink(path, encoding, source, also, shift, until)
