"""The encoding of an output's video: codec, frame format, options and metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from pipeline.frame import FrameFormat
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.spatial import Projection


@dataclass(frozen=True)
class VideoEncoding:
    """The settings of a video encoder, and what it signals to players.

    Attributes:
        codec: FFmpeg's name of the encoder.
        format: Format of the frames that it is fed. One that takes their samples in another memory layout gets them
            packed: see `native_pix_fmt`.
        rate: Frames per second, an average where it varies.
        time_base: Seconds that one tick of a packet's pts lasts.
        sample_aspect: Width of a sample over its height.
        options: Options of the encoder, by FFmpeg's names.
        convert_to: FFmpeg's name of the pixel format that frames are converted to before encoding, where no layout of
            their samples is accepted; None for no conversion.
        display_matrix: The rotation tag, 9 integers; None for none.
        hdr: Static HDR metadata to write; None for none.
        stereo: Stereoscopic layout to write, a name of `spatial.STEREO_MODES`; None for none.
        projection: Mapping to a sphere to write, None for none.
        encoders: Number of encoders that run in parallel, each on closed GOPs of its own.
        gop: Frames of such a GOP; 0 with one encoder, which chooses key frames itself.
        threads: Threads of each of several encoders; 0 with one encoder, which chooses their number itself.
        waiting: Most frames that wait for several encoders, or are being encoded.
    """

    codec: str
    format: FrameFormat
    rate: Fraction
    time_base: Fraction
    sample_aspect: Fraction = Fraction(1)
    options: dict[str, str] = field(default_factory=dict)
    convert_to: str | None = None
    display_matrix: tuple[int, ...] | None = None
    hdr: Hdr | None = None
    stereo: str | None = None
    projection: Projection | None = None
    encoders: int = 1
    gop: int = 0
    threads: int = 0
    waiting: int = 0

    @property
    def is_zero_latency(self) -> bool:
        """True if the encoder is set to return a packet for each frame before it takes the next (x264, x265)."""
        return "zerolatency" in self.options.get("tune", "")
