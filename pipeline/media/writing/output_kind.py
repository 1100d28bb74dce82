"""The kind of output that a path denotes: a container of video, images, an animation or a pipe.

For a container the encoder is chosen (encoder_choice.py); the other kinds have one each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from pipeline.colour.h273 import colour_names, is_hdr
from pipeline.errors import OutputError
from pipeline.frame import Colour, FrameFormat, PixelFormat
from pipeline.media.encoding.codecs import encoder_for
from pipeline.media.encoding.encoder_spec import ImageSpec, Role
from pipeline.media.encoding.image_codecs import image_encoder_for, image_format
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.image_sequence import FilePattern, is_pattern
from pipeline.media.reading.image_source import ImageSource
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.source import Source
from pipeline.media.writing.file_sink import FileSink, Placement
from pipeline.media.writing.image_sink import ImageSink
from pipeline.media.writing.pipe_sink import PipeSink, y4m_format

_Y4M = "y4m"
_COMPRESSION = 0.5  # losslessly coded bytes for each byte of samples, measured on photographs

Sink = FileSink | ImageSink | PipeSink


@dataclass(frozen=True)
class OutputKind:
    """The encoding of outputs whose name leaves no choice: images, animations and pipes.

    Attributes:
        name: For users: "y4m", or the suffix without its dot.
        codec: FFmpeg's name of the encoder.
        pixel: Pixel format of the frames.
        colour: Their colour.
        options: Options of the encoder.
        convert_to: The format that frames are converted to for the encoder; see VideoEncoding.
        image: What the image format supports; None for a pipe.
    """

    name: str
    codec: str
    pixel: PixelFormat
    colour: Colour
    options: dict[str, str] = field(default_factory=dict)
    convert_to: str | None = None
    image: ImageSpec | None = None

    def encoding(self, video: VideoInfo, options: dict[str, str]) -> VideoEncoding:
        """Return the encoding of `video`, which has the output's size; `options` are the user's, which win."""
        return VideoEncoding(
            codec=self.codec,
            format=replace(video.format, pixel=self.pixel, colour=self.colour),
            rate=video.rate,
            time_base=video.time_base,
            sample_aspect=video.sample_aspect,
            options=self.options | options,
            convert_to=self.convert_to,
        )

    def notes(self, video: VideoInfo) -> list[str]:
        """Return a line for each property of `video` that this kind of output does not keep."""
        notes = []
        if self.pixel.depth < video.format.pixel.depth:
            notes.append(f"{self.name} stores {self.pixel.depth} of the source's {video.format.pixel.depth} bits")
        matrix, primaries, transfer = colour_names(video.format.colour)
        if is_hdr(video.format.colour) and self.image and not self.image.signals_hdr:
            notes.append(f"{self.name} has no tag for HDR ({transfer}), so players show dull colours; .png has one")
        elif video.hdr or video.dynamic_hdr:
            notes.append(f"HDR metadata dropped: {self.name} does not support mastering display and light levels")
        if self.name == _Y4M:
            notes.append(f"y4m has no colour tags: matrix {matrix}, primaries {primaries}, transfer {transfer}")
        if self.image and self.image.colours:
            opacity = ", and no partial transparency" if self.pixel.alpha else ""
            notes.append(f"GIF supports {self.image.colours} colours in a frame{opacity}; .apng is lossless")
            if self.image.smooth_rate and video.rate > self.image.smooth_rate:
                notes.append(f"browsers slow down a GIF of more than {self.image.smooth_rate} frames/s")
        return notes

    def estimated_bytes(self, encoding: VideoEncoding, frames: int | None) -> int | None:
        """Return a rough size of the output in bytes; None if `frames` is None, or it is a pipe."""
        if frames is None or self.name == _Y4M:
            return None
        return int(encoding.format.bytes * frames * _COMPRESSION)


def find_output_kind(path: Path, source: FrameFormat) -> OutputKind | None:
    """Return the kind of the output `path`; None for a container of video.

    Args:
        path: The output.
        source: The format of the frames that are upscaled.

    Raises:
        OutputError: `path` is a pattern of anything but images.
    """
    if is_pipe(path):
        y4m = y4m_format(source)
        return OutputKind(_Y4M, encoder_for(Role.RAW).name, y4m.pixel, y4m.colour)
    spec = image_encoder_for(path)
    if spec is None or spec.image is None:
        return None
    image = spec.image
    if is_pattern(path) and image.animated:
        raise OutputError(f"{path}: only still images can be numbered; .png, .jpg, .tif, .bmp and .webp are")
    format, name = image_format(image, source), path.suffix.lower()[1:]
    return OutputKind(name, spec.name, format.pixel, format.colour, dict(image.options), image.pix_fmt, image)


def is_still_image(path: Path) -> bool:
    """Return True if `path` is one still image, or a pattern of them."""
    image = _image_spec(path)
    return image is not None and not image.animated


def _image_spec(path: Path) -> ImageSpec | None:
    spec = image_encoder_for(path)
    return spec.image if spec else None


def check_output(path: Path, source: Collection[Path], frames: int | None, rate: Fraction, overwrite: bool) -> None:
    """Check that the output `path` can store the video, and does not mix with other files.

    Args:
        path: The output.
        source: The files of the source.
        frames: Number of frames, None if unknown.
        rate: Frames a second.
        overwrite: Images of the same pattern may be replaced.

    Raises:
        OutputError: It can't, or would replace files that must stay.
    """
    if is_pattern(path) and is_still_image(path):
        existing = {found.resolve() for found in FilePattern(path).find_files().values()}
        if not existing.isdisjoint(file.resolve() for file in source):
            raise OutputError(f"{path}: is the sequence that is read; give the output another name")
        if existing and not overwrite:
            raise OutputError(f"{path}: {len(existing)} images of this pattern exist; `overwrite=True` replaces them")
    elif is_still_image(path) and frames is not None and frames > 1:
        numbered = path.with_name(f"{path.stem}%05d{path.suffix}")
        raise OutputError(f"{path}: is a single image, and there are {frames} frames; {numbered} stores each as one")
    image = _image_spec(path)
    if image and frames == 1 < image.min_frames:
        raise OutputError(f"{path}: is an animation, and there is one frame; {path.with_suffix('.png')} stores it")
    if image and image.max_rate and rate > image.max_rate:
        raise OutputError(
            f"{path}: GIF supports {image.max_rate} frames/s at most, not {float(rate):g}; .apng supports more"
        )


def create_sink(
    path: Path,
    encoding: VideoEncoding,
    source: Source,
    others: frozenset[int],
    placement: Placement,
) -> Sink:
    """Create the sink that writes the output `path`; the arguments are those of FileSink."""
    if is_pipe(path):
        return PipeSink(encoding, dropped_streams=len(others))
    if is_still_image(path):
        images = source.images if isinstance(source, ImageSource) else None
        return ImageSink(path, encoding, images, dropped_streams=len(others))
    return FileSink(path, encoding, source, others, placement)
