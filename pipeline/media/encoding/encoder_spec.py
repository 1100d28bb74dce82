"""The columns of the tables in `codecs`: the properties of a video codec, and of an encoder that writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from pipeline.frame import Siting


class Role(Enum):
    """A purpose for which `codec="auto"`, or advice in a message, selects an encoder; see `codecs.encoders_for`."""

    COMPATIBLE = auto()  # plays everywhere: H.264
    EFFICIENT = auto()  # what players expect of HDR, more than 8 bits, and frames beyond 4096 pixels: H.265
    WEB = auto()  # opaque video in WebM
    WEB_ALPHA = auto()  # video with alpha in WebM and Matroska
    EDITING_ALPHA = auto()  # video with alpha in QuickTime files
    LOSSLESS = auto()  # keeps every sample, alpha included
    RAW = auto()  # passes frames to a muxer unencoded


class SignalledRange(Enum):
    """The sample ranges that a codec can signal."""

    ANY = auto()
    LIMITED = auto()
    FULL = auto()


@dataclass(frozen=True)
class CodecSpec:
    """A video codec: what its bitstream signals, whichever encoder wrote it.

    Each entry was found by writing a file with FFmpeg and reading it back, unless a standard is named.

    Attributes:
        name: FFmpeg's canonical name of the codec, such as "h264".
        signals_colour: The bitstream carries matrix, primaries and transfer function.
        signals_range: The bitstream carries the sample range, so no container has to.
        signals_chroma_location: The bitstream carries every chroma sample location of H.273.
        signals_sample_aspect: The bitstream carries the sample aspect ratio.
        captions: The bitstream carries closed captions (CEA-608 and 708), in SEI messages.
        range: The sample ranges that can be signalled, by the bitstream or by a container.
        bt601_only: The matrix is always that of BT.601.
        fcc_matrix: The FCC matrix (4 in H.273) can be signalled.
        chroma_locations: Those that can be signalled without a container's help; the first is what readers assume.
        limited_hardware: The hardware of common players decodes it in 8 bits and 4:2:0 alone, up to 4096 pixels a side.
        intermediate: Its files are large, and edited rather than streamed.
        matroska_id: Its codec ID in Matroska (RFC 9559) where HDR is common in it; None if there is none.
    """

    name: str
    signals_colour: bool = False
    signals_range: bool = False
    signals_chroma_location: bool = False
    signals_sample_aspect: bool = False
    captions: bool = False
    range: SignalledRange = SignalledRange.ANY
    bt601_only: bool = False
    fcc_matrix: bool = True
    chroma_locations: tuple[Siting, ...] = (Siting.LEFT,)
    limited_hardware: bool = False
    intermediate: bool = False
    matroska_id: str | None = None


@dataclass(frozen=True)
class HdrParameters:
    """The private parameters by which an encoder writes static HDR metadata.

    Attributes:
        mastering: Name of the mastering display's parameter.
        light: Name of the parameter for MaxCLL and MaxFALL.
        counted: Values are integers in the units of H.265, D.3.28 (1/50,000 of a chromaticity, 1/10,000 cd/m2);
            otherwise decimal fractions.
    """

    mastering: str
    light: str
    counted: bool


@dataclass(frozen=True)
class ParallelSpec:
    """The settings with which several instances of an encoder share the work, each on closed GOPs of its own.

    Attributes:
        parameters: Private parameters that close GOPs or limit threads; `{threads}` stands for those of one instance.
        cores: CPU cores for each instance where the number of instances is chosen automatically.
        threads: Threads of each instance, at least.
        fills_cores: One instance keeps all cores busy, so several run only where the user requests them.
        presets_without_lookahead: Presets at which bits are spent without regard to the frames that follow; None where
            no preset regards them. With lookahead, an instance is also shown frames outside its GOP.
    """

    parameters: str
    cores: int = 2
    threads: int = 4
    fills_cores: bool = False
    presets_without_lookahead: frozenset[str] | None = None


@dataclass(frozen=True)
class LiveSpec:
    """An encoder's settings for live streams: a packet for each frame before the next frame, key frames on request.

    Attributes:
        options: No lookahead, no B-frames, key frames nowhere but where they are requested.
        presets: (preset, most pixels per second and core), best quality first; the first that is fast enough is used.
        parameters: Private parameters to the same end; `{threads}` stands for the stream's share of the cores.
        slice_threads: The option `threads` is set to that share: one slice of the frame for each thread.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    presets: tuple[tuple[str, float], ...] = ()
    parameters: str = ""
    slice_threads: bool = False


@dataclass(frozen=True)
class ImageSpec:
    """The still images or animations that an encoder writes: RGB or gray of full range, unless `jfif`.

    Attributes:
        suffixes: File suffixes of the format, in lower case.
        options: The encoder's options that lose least.
        gray: Frames without chroma stay gray; otherwise they become RGB.
        deep: Frames of more than 8 bits are written in 16 bits; otherwise in 8.
        alpha: Alpha is kept.
        jfif: Samples are Y'CbCr of BT.601 in full range with centred chroma, as JFIF defines them.
        animated: One file holds many frames.
        signals_hdr: The file can signal that its samples are HDR (chunk cICP of PNG).
        pix_fmt: FFmpeg's pixel format that frames are converted to before encoding; None if the encoder takes RGB.
        colours: The size of the palette of each frame; None without a palette.
        max_rate: Most frames per second that the format can express; None without a limit.
        smooth_rate: Most frames per second that browsers play at full speed; None without a limit.
        min_frames: Fewest frames that make up a file of this format.
    """

    suffixes: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    gray: bool = True
    deep: bool = False
    alpha: bool = False
    jfif: bool = False
    animated: bool = False
    signals_hdr: bool = False
    pix_fmt: str | None = None
    colours: int | None = None
    max_rate: int | None = None
    smooth_rate: int | None = None
    min_frames: int = 1


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder of FFmpeg's: everything that the package knows about it.

    Attributes:
        name: FFmpeg's name of the encoder.
        codec: FFmpeg's canonical name of the codec that it writes.
        aliases: Further names by which users choose it, in lower case.
        role: What it is selected for automatically; None if it is used only on request.
        gpu: It runs on an NVIDIA GPU (NVENC): it takes the option `gpu` and must be probed before use.
        quality_option: The option for constant quality, which the setting `crf` is written to.
        quality_range: The least and the greatest value of that option that sets a quality; None if unknown.
        options: Options for files, near visually lossless, at the speed that its users call medium.
        preset_pattern: Regular expression of its presets' names; None if it has no presets.
        slowness: How many times as long as x264 it takes for a frame at the same preset, roughly.
        pix_fmts: The pixel formats, of those that FFmpeg lists, whose samples it encodes unchanged; None for all.
        alpha_pix_fmts: As `pix_fmts`, for pixel formats with alpha.
        odd_sizes: It takes frames whose last pair of samples, which share their chroma, is cut off.
        alpha_in_side_data: Alpha is carried beside the packets, which needs a container with room for it.
        alpha_options: Options that it needs in order to accept alpha.
        parameters_options: Options that carry its private parameters; the first is used by this package.
        parameters: Private parameters that are always added.
        hdr: How it writes static HDR metadata; None if it can't, or PyAV can't make it.
        tags_from_frames: It writes the colour tags of frames rather than those of its context.
        frame_threads: It is faster, and loses no bits, with frame threads; PyAV's default are slice threads.
        unreliable_dts: Decoding times of clips shorter than its reordering depth are wrong and must be replaced.
        frames_at_work: Frames that one instance keeps in memory, measured at 720p with its default preset.
        parallel: How several instances share the work; None if their closed GOPs are not known to fit together.
        live: How it is set for live streams.
        image: How it writes still images or animations; None if it writes video only.
    """

    name: str
    codec: str
    aliases: tuple[str, ...] = ()
    role: Role | None = None
    gpu: bool = False
    quality_option: str = "crf"
    quality_range: tuple[int, int] | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    preset_pattern: str | None = None
    slowness: float = 2
    pix_fmts: frozenset[str] | None = None
    alpha_pix_fmts: frozenset[str] | None = None
    odd_sizes: bool = False
    alpha_in_side_data: bool = False
    alpha_options: Mapping[str, str] = field(default_factory=dict)
    parameters_options: tuple[str, ...] = ()
    parameters: str = ""
    hdr: HdrParameters | None = None
    tags_from_frames: bool = False
    frame_threads: bool = False
    unreliable_dts: bool = False
    frames_at_work: int = 60
    parallel: ParallelSpec | None = None
    live: LiveSpec = field(default_factory=LiveSpec)
    image: ImageSpec | None = None
