"""Chooses the encoder of an output and its options, from the source, the settings and the output's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.config.settings import Settings, Upscaling
from pipeline.errors import SettingsError, UprezError
from pipeline.frame import PIXEL_FORMATS, PixelFormat, without_alpha
from pipeline.media.encoding.codecs import encoder_spec
from pipeline.media.encoding.encoder_context import negotiate_format, probe_encoder
from pipeline.media.encoding.formats import find_encoder, native_pix_fmt, supported_formats
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.packed_formats import find_format
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.writing.alpha import supports_alpha
from pipeline.media.writing.candidates import encoder_candidates
from pipeline.media.writing.container_support import container_for
from pipeline.media.writing.output_kind import OutputKind, find_output_kind
from pipeline.system import cuda

_OTHER_QUALITY = ("qp", "b", "q", "lossless")  # options that set quality in another way than crf

Defaults = Callable[[str], Mapping[str, str]]


def _defaults(codec: str) -> Mapping[str, str]:
    return encoder_spec(codec).options


def choose_encoder(
    video: VideoInfo, settings: Upscaling, target: Path, defaults: Defaults = _defaults
) -> tuple[VideoEncoding, str | None]:
    """Choose the encoder of an output, and its options.

    Args:
        video: The source, with size, sample aspect ratio and display matrix of the output.
        settings: The settings of the job or stream.
        target: The output.
        defaults: Returns the default options of an encoder, by its name.

    Returns:
        The encoding, and a note of what `codec = auto` chose and why.

    Raises:
        SettingsError: The encoder does not support `pix_fmt` or `crf`.
    """
    encode = partial(_encode_with, video, settings, target, defaults)
    if settings.codec != "auto":
        return encode(encoder_spec(settings.codec).name), None
    format = video.format
    if settings.pix_fmt and (pixel := find_format(settings.pix_fmt)):
        format = replace(format, pixel=pixel)
    *others, last = encoder_candidates(format, container_for(target), gpu=not cuda.unavailable_reason())
    rejected = ""
    for candidate in others:
        encoding, reason = _try_encoder(encode, candidate.codec)
        if encoding:
            return (
                encoding,
                f"encoded by {candidate.codec}: {candidate.why}{_unused_crf_note(settings, candidate.codec)}",
            )
        rejected = f"; {reason}"
    note = f"encoded by {last.codec}: {last.why}{_unused_crf_note(settings, last.codec)}{rejected}"
    return encode(last.codec), note


def _try_encoder(encode: Callable[[str], VideoEncoding], codec: str) -> tuple[VideoEncoding | None, str]:
    """Return the encoding by `codec`; None and the reason if this machine can't."""
    try:
        encoding = encode(codec)
    except UprezError as error:
        return None, str(error)
    if encoder_spec(codec).gpu and (reason := probe_encoder(encoding)):
        return None, f"this GPU's NVENC does not support it ({reason})"
    return encoding, ""


def _encode_with(video: VideoInfo, settings: Upscaling, target: Path, defaults: Defaults, codec: str) -> VideoEncoding:
    format = video.format
    with_alpha = supports_alpha(codec, target)
    if format.pixel.alpha and not with_alpha:
        format = replace(format, pixel=without_alpha(format.pixel))
    if settings.pix_fmt:
        allowed = [pixel for pixel in supported_formats(find_encoder(codec)) if with_alpha or not pixel.alpha]
        format = replace(format, pixel=_requested_format(settings.pix_fmt, codec, codec, allowed))
    encoding = VideoEncoding(
        codec=codec,
        format=format,
        rate=video.rate,
        time_base=video.time_base,
        sample_aspect=video.sample_aspect,
        options=_encoder_options(settings, codec, defaults(codec)),
        display_matrix=video.display_matrix,
        hdr=video.hdr,
        stereo=video.stereo,
        projection=video.projection,
    )
    return negotiate_format(encoding, was_rgb=video.format.pixel.rgb, exactly=settings.pix_fmt is not None)


def _requested_format(name: str, output: str, codec: str, allowed: list[PixelFormat]) -> PixelFormat:
    """Return the pixel format that `pix_fmt` names.

    Args:
        name: The value of `pix_fmt`.
        output: What stores the format, for the error message.
        codec: The encoder, whose native names the message lists.
        allowed: The formats to choose from.

    Raises:
        SettingsError: It is none of those allowed.
    """
    pixel = find_format(name)
    if pixel is None or pixel not in allowed:
        names = ", ".join(native_pix_fmt(find_encoder(codec), each) or each.name for each in allowed)
        raise SettingsError(f"`pix_fmt={name}`: {output} does not support it; it supports {names}")
    return pixel


def fixed_encoding(
    kind: OutputKind, video: VideoInfo, settings: Settings, target: Path
) -> tuple[VideoEncoding, str | None]:
    """Return the encoding of an output whose kind leaves no choice of encoder.

    Args:
        kind: The kind of the output.
        video: The source, with size and sample aspect ratio of the output.
        settings: The settings of the job.
        target: The output.

    Returns:
        The encoding, and a note of settings that have no effect.

    Raises:
        SettingsError: `codec` is set, or the kind does not support `pix_fmt`.
    """
    if "codec" in settings.model_fields_set:
        raise SettingsError(f"`codec={settings.codec}`: {kind.name} has a single codec; leave the option out")
    unused = [f"`{name}`" for name in ("crf", "preset") if getattr(settings, name) is not None]
    note = f"{', '.join(unused)}: no effect on {kind.name}" if unused else None
    if settings.pix_fmt:
        source = video.format
        kinds = {pixel: find_output_kind(target, replace(source, pixel=pixel)) for pixel in PIXEL_FORMATS.values()}
        allowed = {pixel: kind for pixel, kind in kinds.items() if kind and kind.pixel == pixel}
        kind = allowed[_requested_format(settings.pix_fmt, kind.name, kind.codec, list(allowed))]
    return kind.encoding(video, settings.options), note


def _encoder_options(settings: Upscaling, codec: str, defaults: Mapping[str, str]) -> dict[str, str]:
    options, spec = dict(defaults), encoder_spec(codec)
    quality = spec.quality_option
    if any(name in settings.options for name in _OTHER_QUALITY):
        options.pop(quality, None)
    if settings.crf is not None and not _unused_crf_note(settings, codec):
        check_quality(settings, codec)
        options[quality] = f"{settings.crf:g}"
    if spec.gpu:
        options["gpu"] = str(settings.device[0])
    if settings.preset is not None and (settings.codec != "auto" or _has_preset(codec, settings.preset)):
        options["preset"] = settings.preset
    return options | settings.options


def check_quality(settings: Upscaling, codec: str) -> None:
    """Check that the encoder `codec` has the quality `crf`.

    Raises:
        SettingsError: It has not: some encoders would use another quality without an error.
    """
    spec = encoder_spec(codec)
    if settings.crf is None or spec.quality_range is None:
        return
    least, greatest = spec.quality_range
    if not least <= settings.crf <= greatest:
        raise SettingsError(f"`crf={settings.crf:g}`: {spec.name} supports {least} to {greatest}")


def _unused_crf_note(settings: Upscaling, codec: str) -> str:
    """Return a note if `crf` is set and `codec = auto` chose an encoder without such an option, else ""."""
    is_unused = settings.crf is not None and settings.codec == "auto" and not encoder_spec(codec).options
    return "; `crf` has no effect on it" if is_unused else ""


def _has_preset(codec: str, preset: str) -> bool:
    """Return True if `preset`, which was set together with `codec = auto`, is one of the encoder that was chosen."""
    pattern = encoder_spec(codec).preset_pattern
    return pattern is not None and re.fullmatch(pattern, preset) is not None
