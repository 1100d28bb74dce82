"""The description of a source: MediaInfo, its video and its other streams."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from pipeline.frame import FrameFormat
from pipeline.media.reading.crop import Crop
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.image_sequence import ImageSequence
from pipeline.media.reading.interlacing import Scan
from pipeline.media.reading.pipe import Pipe
from pipeline.media.reading.spatial import Projection


@dataclass(frozen=True)
class StreamInfo:
    """A stream other than the video that is upscaled.

    Attributes:
        index: Its index in the container.
        kind: "audio", "subtitle", "attachment", "data" or "video".
        codec: FFmpeg's name of its codec, "unknown" if FFmpeg does not know it.
        language: ISO 639-2 code, None if not tagged.
        title: Its title, None if not tagged.
        details: Sample rate and channel layout of audio, such as "48000 Hz stereo"; else "".
    """

    index: int
    kind: str
    codec: str
    language: str | None
    title: str | None
    details: str = ""


@dataclass(frozen=True)
class VideoInfo:
    """The video stream that is upscaled.

    Attributes:
        index: Its index in the container.
        codec: FFmpeg's name of its decoder.
        source_format: FFmpeg's name of the pixel format that the decoder yields.
        format: Size, pixel format and colour that its frames are processed in; the nearest supported pixel format, if
            `source_format` is none.
        rate: Frames per second, exact; the average where it varies.
        time_base: Seconds per tick of its timestamps.
        start: The pts of the first frame, in ticks of `time_base`.
        frames: How many frames to expect, None if unknown.
        sample_aspect: Width of a sample divided by its height.
        bit_rate: In bits per second, None if unknown.
        tagged: The matrix is tagged; without a tag, it is derived from the size.
        scan: Interlacing, as the stream declares it.
        display_matrix: The rotation that players apply, nine integers of FFmpeg's display matrix, None for none.
        hdr: Mastering display and light levels, None if there are none.
        dynamic_hdr: Names of metadata that changes by scene and can't be carried over, such as "HDR10+".
        alpha: It has transparency.
        crop: What players cut off each decoded frame; `format` and `sample_aspect` are those of what is left. None if
            nothing is cut off.
        stereo: Its stereoscopic layout, a name of `spatial.STEREO_MODES` or UNKNOWN_MODE; None if it has a single view.
        projection: How it is mapped to a sphere, None for a flat video.
        labels: Names of other metadata of an image that can't be carried over, such as "ICC profile".
    """

    index: int
    codec: str
    source_format: str
    format: FrameFormat
    rate: Fraction
    time_base: Fraction
    start: int
    frames: int | None
    sample_aspect: Fraction
    bit_rate: int | None
    tagged: bool
    scan: Scan
    display_matrix: tuple[int, ...] | None
    hdr: Hdr | None
    dynamic_hdr: tuple[str, ...]
    alpha: bool
    labels: tuple[str, ...] = ()
    crop: Crop | None = None
    stereo: str | None = None
    projection: Projection | None = None

    @property
    def start_time(self) -> Fraction:
        """The time of the first frame, in seconds."""
        return self.start * self.time_base

    @property
    def frame_duration(self) -> int:
        """The average duration of a frame, in ticks of `time_base`, at least 1."""
        return max(1, round(1 / (self.rate * self.time_base)))

    @property
    def first(self) -> Fraction:
        """Deprecated: renamed to `start_time`."""
        _warn("VideoInfo.first", "start_time")
        return self.start_time

    @property
    def lasting(self) -> int:
        """Deprecated: renamed to `frame_duration`."""
        _warn("VideoInfo.lasting", "frame_duration")
        return self.frame_duration


@dataclass(frozen=True)
class MediaInfo:
    """A source with one video to upscale.

    Attributes:
        path: As the user named it.
        container: FFmpeg's name of the demuxer.
        duration: Its duration in seconds, None if unknown.
        bytes: Size of its files, 0 if unknown.
        video: The video that is upscaled.
        others: All other streams.
        chapters: How many chapters it has.
        metadata: The container's tags.
        images: The image files, if it is an image or a sequence of images.
        pipe: The pipe, if it is read from one.
    """

    path: Path
    container: str
    duration: float | None
    bytes: int
    video: VideoInfo
    others: tuple[StreamInfo, ...] = ()
    chapters: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    images: ImageSequence | None = None
    pipe: Pipe | None = None

    @property
    def pictures(self) -> ImageSequence | None:
        """Deprecated: renamed to `images`."""
        _warn("MediaInfo.pictures", "images")
        return self.images

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read; none for a pipe."""
        if self.images:
            return tuple(self.images.files.values())
        return () if self.pipe else (self.path,)


def _warn(old: str, new: str) -> None:
    message = f"{old} is now {new}; the old name will be removed in the next version"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
