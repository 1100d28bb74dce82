"""The tables of video codecs and encoders: the only place in the package that knows an encoder by name.

One row per encoder in `ENCODERS`, one per codec in `CODECS`; the columns are documented in `encoder_spec`. Encoders and
codecs without a row have the defaults of the columns, so any encoder of FFmpeg can be used. Decoders, and bitstreams
that are read, are described by the modules that read them.
"""

from __future__ import annotations

import math
from dataclasses import replace

import av

from pipeline.frame import Siting
from pipeline.media.encoding.encoder_spec import (
    CodecSpec,
    EncoderSpec,
    HdrParameters,
    ImageSpec,
    LiveSpec,
    ParallelSpec,
    Role,
    SignalledRange,
)

CODECS = {
    spec.name: spec
    for spec in (
        CodecSpec(
            "h264",
            signals_colour=True,
            signals_range=True,
            signals_chroma_location=True,
            signals_sample_aspect=True,
            captions=True,
            limited_hardware=True,
            matroska_id="V_MPEG4/ISO/AVC",
        ),
        CodecSpec(
            "hevc",
            signals_colour=True,
            signals_range=True,
            signals_chroma_location=True,
            signals_sample_aspect=True,
            captions=True,
            matroska_id="V_MPEGH/ISO/HEVC",
        ),
        CodecSpec("av1", signals_colour=True, chroma_locations=(Siting.LEFT, Siting.TOP_LEFT), matroska_id="V_AV1"),
        CodecSpec("vp9", signals_colour=True, fcc_matrix=False, matroska_id="V_VP9"),
        CodecSpec("vp8", range=SignalledRange.LIMITED, bt601_only=True),  # RFC 6386, section 9.2
        CodecSpec("ffv1", intermediate=True, matroska_id="V_FFV1"),
        CodecSpec("prores", range=SignalledRange.LIMITED, intermediate=True, matroska_id="V_PRORES"),
        CodecSpec("cfhd", range=SignalledRange.LIMITED, intermediate=True),
        CodecSpec("dnxhd", signals_range=True, intermediate=True),
        CodecSpec("mpeg2video", signals_colour=True, signals_sample_aspect=True, range=SignalledRange.LIMITED),
        CodecSpec("mpeg4", signals_sample_aspect=True),
        CodecSpec(  # JFIF, section 2
            "mjpeg",
            signals_sample_aspect=True,
            range=SignalledRange.FULL,
            bt601_only=True,
            chroma_locations=(Siting.CENTRE,),
        ),
        CodecSpec("png", signals_sample_aspect=True),
        CodecSpec("apng", signals_sample_aspect=True),
        CodecSpec("tiff", signals_sample_aspect=True),
        CodecSpec("gif", signals_sample_aspect=True),
    )
}

# Of the formats that NVENC calls 16 bit it keeps 10 bits, and RGB it may convert to YUV in its own way. Few of its
# GPUs, and no hardware players, know H.264 of 10 bit.
_NVENC_H264 = frozenset({"yuv420p", "nv12", "yuv444p"})
_NVENC_LIVE = {"delay": "0", "zerolatency": "1", "forced-idr": "1", "no-scenecut": "1"}
_NVENC = EncoderSpec(
    "nvenc",
    codec="",
    gpu=True,
    quality_option="cq",
    quality_range=(1, 51),  # 0 leaves the quality to the driver
    pix_fmts=_NVENC_H264 | {"p010le"},
    live=LiveSpec(_NVENC_LIVE),
)
_NVENC_FILES = {"preset": "p5", "rc": "vbr", "b": "0"}
_NVENC_STREAMS = {"rc": "vbr", "b": "0", "preset": "p4", "tune": "ull", "bf": "0"} | _NVENC_LIVE

# Presets for live streams leave as much of a core for other work as they use. Measured with 1080p on two cores: x264
# 36 and 75 million pixels per second, x265 8 and 18, SVT-AV1 18, 36 and 42. Frames at work were measured by the memory
# that an encoder took. Several instances were measured at 4K on 16 cores: eight of four threads make x264 2.5 times as
# fast (ultrafast and veryfast), x265 2.3 times (ultrafast); four SVT-AV1 of two threads gain an eighth, and take
# gigabytes each.
ENCODERS = {
    spec.name: spec
    for spec in (
        EncoderSpec(
            "libx264",
            codec="h264",
            aliases=("h264", "x264"),
            role=Role.COMPATIBLE,
            quality_range=(0, 51),  # x264 lowers a larger value to 51, and FFmpeg reports no error
            options={"crf": "17", "preset": "medium"},
            preset_pattern="[a-z]+",
            slowness=1,
            parameters_options=("x264-params", "x264opts"),
            hdr=HdrParameters("mastering-display", "cll", counted=True),
            frame_threads=True,
            frames_at_work=160,
            parallel=ParallelSpec("open-gop=0", presets_without_lookahead=frozenset({"ultrafast", "superfast"})),
            live=LiveSpec(
                {"crf": "21", "tune": "zerolatency", "forced-idr": "1", "sc_threshold": "0"},
                presets=(("veryfast", 12e6), ("ultrafast", math.inf)),
                slice_threads=True,
            ),
        ),
        EncoderSpec(
            "libx265",
            codec="hevc",
            aliases=("h265", "hevc", "x265"),
            role=Role.EFFICIENT,
            quality_range=(0, 51),
            options={"crf": "18", "preset": "medium"},
            preset_pattern="[a-z]+",
            slowness=4,
            alpha_pix_fmts=frozenset(),  # FFmpeg lists some, but x265 is built without alpha
            parameters_options=("x265-params",),
            parameters="log-level=error",  # or it writes to the terminal by itself
            hdr=HdrParameters("master-display", "max-cll", counted=True),
            unreliable_dts=True,
            frames_at_work=220,
            parallel=ParallelSpec("open-gop=0:pools={threads}"),
            live=LiveSpec(
                {"crf": "23", "tune": "zerolatency", "forced-idr": "1"},
                presets=(("veryfast", 3e6), ("ultrafast", math.inf)),
                parameters="scenecut=0:pools={threads}",
            ),
        ),
        EncoderSpec(
            "libsvtav1",
            codec="av1",
            aliases=("av1",),
            role=Role.WEB,
            quality_range=(1, 63),  # 0 is "not set" to FFmpeg
            options={"crf": "24", "preset": "6"},
            preset_pattern="[0-9]+",
            slowness=3,
            odd_sizes=True,
            parameters_options=("svtav1-params",),
            hdr=HdrParameters("mastering-display", "content-light", counted=False),
            frames_at_work=500,
            parallel=ParallelSpec("lp={threads}", threads=1, fills_cores=True),
            live=LiveSpec(
                {"crf": "30"},
                presets=(("8", 6e6), ("10", 12e6), ("12", math.inf)),
                parameters="pred-struct=1:lp={threads}",
            ),
        ),
        EncoderSpec(
            "libvpx-vp9",
            codec="vp9",
            aliases=("vp9",),
            role=Role.WEB_ALPHA,
            quality_range=(0, 63),
            options={"crf": "18", "b": "0", "cpu-used": "2", "row-mt": "1"},
            alpha_pix_fmts=frozenset({"yuva420p"}),  # the only one of those listed that players know
            alpha_in_side_data=True,
            odd_sizes=True,
            live=LiveSpec(
                {
                    "crf": "30",
                    "b": "0",
                    "deadline": "realtime",
                    "lag-in-frames": "0",
                    "cpu-used": "8",
                    "row-mt": "1",
                }
            ),
        ),
        EncoderSpec(
            "libvpx",
            codec="vp8",
            aliases=("vp8",),
            quality_range=(4, 63),  # from the least quantizer that FFmpeg sets
            odd_sizes=True,
            alpha_in_side_data=True,
            alpha_options={"auto-alt-ref": "0"},  # alternate reference frames and alpha exclude each other
        ),
        replace(
            _NVENC,
            name="h264_nvenc",
            codec="h264",
            role=Role.COMPATIBLE,
            options={"cq": "19"} | _NVENC_FILES,
            preset_pattern="p[1-7]",
            pix_fmts=_NVENC_H264,
            live=LiveSpec({"cq": "23"} | _NVENC_STREAMS),
        ),
        replace(
            _NVENC,
            name="hevc_nvenc",
            codec="hevc",
            role=Role.EFFICIENT,
            options={"cq": "20"} | _NVENC_FILES,
            preset_pattern="p[1-7]",
            live=LiveSpec({"cq": "24"} | _NVENC_STREAMS),
        ),
        replace(_NVENC, name="av1_nvenc", codec="av1", quality_range=(1, 63)),
        EncoderSpec(
            "prores_ks",
            codec="prores",
            aliases=("prores",),  # which FFmpeg has too: as another name of prores_aw
            role=Role.EDITING_ALPHA,
            odd_sizes=True,
            tags_from_frames=True,
        ),
        EncoderSpec("prores_aw", codec="prores", odd_sizes=True, tags_from_frames=True),
        EncoderSpec("ffv1", codec="ffv1", role=Role.LOSSLESS, odd_sizes=True),
        EncoderSpec("mpeg4", codec="mpeg4", odd_sizes=True),
        EncoderSpec("mpeg2video", codec="mpeg2video", odd_sizes=True),
        EncoderSpec(
            "png",
            codec="png",
            tags_from_frames=True,
            image=ImageSpec((".png",), deep=True, alpha=True, signals_hdr=True),
        ),
        EncoderSpec(
            "mjpeg",
            codec="mjpeg",
            image=ImageSpec((".jpg", ".jpeg"), {"qmin": "1", "qmax": "1"}, jfif=True),
        ),
        EncoderSpec(
            "tiff",
            codec="tiff",
            image=ImageSpec((".tif", ".tiff"), {"compression_algo": "deflate"}, deep=True, alpha=True),
        ),
        EncoderSpec("bmp", codec="bmp", image=ImageSpec((".bmp",), gray=False)),
        EncoderSpec("libwebp", codec="webp", image=ImageSpec((".webp",), {"lossless": "1"}, gray=False, alpha=True)),
        EncoderSpec(
            "apng",
            codec="apng",
            tags_from_frames=True,
            # FFmpeg writes one frame as a still PNG, which its demuxer does not accept under the suffix .apng
            image=ImageSpec((".apng",), deep=True, alpha=True, animated=True, signals_hdr=True, min_frames=2),
        ),
        EncoderSpec(
            "gif",
            codec="gif",
            # times count in hundredths of a second; browsers slow down to 10 frames per second above 50
            image=ImageSpec(
                (".gif",),
                gray=False,
                alpha=True,
                animated=True,
                pix_fmt="pal8",
                colours=256,
                max_rate=100,
                smooth_rate=50,
            ),
        ),
        EncoderSpec("wrapped_avframe", codec="wrapped_avframe", role=Role.RAW),
    )
}

ALIASES = {alias: spec.name for spec in ENCODERS.values() for alias in spec.aliases}
"""FFmpeg's names of encoders by the further names that users may write."""

# Million pixels per second that x264 encodes on one core of a server, by preset: ultrafast and veryfast measured on
# film at 4K, crf 20, 16 cores (115 and 42 frames/s), the rest by x264's usual ratios.
_X264_RATES: dict[str, float] = {
    "ultrafast": 60,
    "superfast": 40,
    "veryfast": 22,
    "faster": 15,
    "fast": 12,
    "medium": 9,
    "slow": 5,
    "slower": 2.5,
    "veryslow": 1.3,
    "placebo": 0.5,
}


def encoder_spec(name: str) -> EncoderSpec:
    """The row of an encoder, or the defaults if it has none.

    Args:
        name: FFmpeg's name of the encoder, an alias, or FFmpeg's name of a codec, which stands for its usual encoder.
            The row has FFmpeg's name of the encoder.
    """
    name = ALIASES.get(name.lower(), name)
    return ENCODERS.get(name) or _unlisted(name)


def codec_spec(name: str) -> CodecSpec:
    """The row of the codec with the canonical name `name`, or the defaults if it has none."""
    return CODECS.get(name) or CodecSpec(name)


def codec_of(encoder: str) -> CodecSpec:
    """The row of the codec that the encoder called `encoder` writes."""
    return codec_spec(encoder_spec(encoder).codec)


def encoders_for(role: Role, gpu: bool = False) -> list[EncoderSpec]:
    """The encoders with that role, best first; `gpu` includes those that run on a GPU, before the others."""
    found = [spec for spec in ENCODERS.values() if spec.role is role and (gpu or not spec.gpu)]
    return sorted(found, key=lambda spec: not spec.gpu)


def encoder_for(role: Role) -> EncoderSpec:
    """The encoder with that role that runs on the CPU."""
    return encoders_for(role)[0]


def usual_encoders() -> list[str]:
    """Names of the encoders to suggest in messages, the most compatible first."""
    return [encoder_for(role).name for role in (Role.COMPATIBLE, Role.EFFICIENT, Role.WEB)]


def image_encoder(suffix: str) -> EncoderSpec | None:
    """The encoder of still images or animations with the file suffix `suffix`; None for any other suffix."""
    return next((spec for spec in ENCODERS.values() if spec.image and suffix.lower() in spec.image.suffixes), None)


def pixel_rate(spec: EncoderSpec, preset: str) -> float:
    """Pixels per second and core that an encoder takes at a preset, as a rule of thumb."""
    return _X264_RATES.get(preset, _X264_RATES["medium"]) * 1e6 / spec.slowness


def _unlisted(name: str) -> EncoderSpec:
    """The row of FFmpeg's encoder for the codec `name`, or the defaults for an encoder without a row."""
    try:
        codec = av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return EncoderSpec(name, codec=name)
    return ENCODERS.get(codec.name) or EncoderSpec(codec.name, codec=codec.canonical_name)
