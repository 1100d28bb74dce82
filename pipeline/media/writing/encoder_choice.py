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
from pipeline.media.writing.alpha import has_room
from pipeline.media.writing.candidates import candidates
from pipeline.media.writing.container_support import container_for
from pipeline.media.writing.output_kind import OutputKind, find_output_kind
from pipeline.system import cuda

_OTHER_QUALITY = ("qp", "b", "q", "lossless")  # options that say quality in another way than crf

Defaults = Callable[[str], Mapping[str, str]]


def _defaults(codec: str) -> Mapping[str, str]:
    return encoder_spec(codec).options


def choose_encoder(
    video: VideoInfo, scale: int, settings: Upscaling, target: Path, defaults: Defaults = _defaults
) -> tuple[VideoEncoding, str | None]:
    """How the result of `video`, called `target`, is encoded; and a note of what `--codec auto` took, and why.

    defaults: the options of an encoder, by its name, where the settings have none. Raises SettingsError for a
    --pix-fmt that the encoder doesn't take.
    """
    encode = partial(_encoding, video, scale, settings, target, defaults)
    if settings.codec != "auto":
        return encode(settings.codec), None
    made = video.format.enlarged(scale)
    if settings.pix_fmt and (pixel := find_format(settings.pix_fmt)):
        made = replace(made, pixel=pixel)
    *others, last = candidates(made, container_for(target), gpu=not cuda.unavailable_reason())
    refused = ""
    for candidate in others:
        encoding, reason = _tried(encode, candidate.codec)
        if encoding:
            return encoding, f"encoded by {candidate.codec}: {candidate.why}{_unused_crf(settings, candidate.codec)}"
        refused = f"; {reason}"
    note = f"encoded by {last.codec}: {last.why}{_unused_crf(settings, last.codec)}{refused}"
    return encode(last.codec), note


def _tried(encode: Callable[[str], VideoEncoding], codec: str) -> tuple[VideoEncoding | None, str]:
    """How the result is encoded by `codec`; None, and why, if it can't be."""
    try:
        encoding = encode(codec)
    except UprezError as error:
        return None, str(error)
    if encoder_spec(codec).gpu and (reason := probe_encoder(encoding)):
        return None, f"this GPU's NVENC can't ({reason})"
    return encoding, ""


def _encoding(
    video: VideoInfo, scale: int, settings: Upscaling, target: Path, defaults: Defaults, name: str
) -> VideoEncoding:
    format = video.format.enlarged(scale)
    with_alpha = has_room(name, target)
    if format.pixel.alpha and not with_alpha:
        format = replace(format, pixel=without_alpha(format.pixel))
    if settings.pix_fmt:
        allowed = [pixel for pixel in supported_formats(find_encoder(name)) if with_alpha or not pixel.alpha]
        format = replace(format, pixel=_chosen(settings.pix_fmt, name, name, allowed))
    encoding = VideoEncoding(
        codec=name,
        format=format,
        rate=video.rate,
        time_base=video.time_base,
        sample_aspect=video.sample_aspect,
        options=_encoder_options(settings, name, defaults(name)),
        display_matrix=video.display_matrix,
        hdr=video.hdr,
    )
    return negotiate_format(encoding, was_rgb=video.format.pixel.rgb, exactly=settings.pix_fmt is not None)


def _chosen(name: str, taker: str, codec: str, allowed: list[PixelFormat]) -> PixelFormat:
    """The format that the user calls `name`, one of those `allowed`, by FFmpeg's names for `codec`, to `taker`.

    Raises SettingsError.
    """
    pixel = find_format(name)
    if pixel is None or pixel not in allowed:
        takes = ", ".join(native_pix_fmt(find_encoder(codec), each) or each.name for each in allowed)
        raise SettingsError(f"--pix-fmt {name}: {taker} takes {takes}")
    return pixel


def choose_formed(
    form: OutputKind, video: VideoInfo, scale: int, settings: Settings, target: Path
) -> tuple[VideoEncoding, str | None]:
    """How `video` is encoded in a result called `target`; and a note of what is without effect there."""
    if "codec" in settings.model_fields_set:
        raise SettingsError(f"--codec {settings.codec}: {form.name} has but one codec; leave the option out")
    unused = [f"--{name}" for name in ("crf", "preset") if getattr(settings, name) is not None]
    note = f"{', '.join(unused)}: without effect on {form.name}" if unused else None
    if settings.pix_fmt:
        source = video.format
        forms = {pixel: find_output_kind(target, replace(source, pixel=pixel)) for pixel in PIXEL_FORMATS.values()}
        allowed = {pixel: form for pixel, form in forms.items() if form and form.pixel == pixel}
        form = allowed[_chosen(settings.pix_fmt, form.name, form.codec, list(allowed))]
    return form.encoding(video, scale, settings.options), note


def _encoder_options(settings: Upscaling, codec: str, defaults: Mapping[str, str]) -> dict[str, str]:
    options, spec = dict(defaults), encoder_spec(codec)
    quality = spec.quality_option
    if any(name in settings.options for name in _OTHER_QUALITY):
        options.pop(quality, None)
    if settings.crf is not None and not _unused_crf(settings, codec):
        options[quality] = f"{settings.crf:g}"
    if spec.gpu:
        options["gpu"] = str(settings.device[0])
    if settings.preset is not None and (settings.codec != "auto" or _known_preset(codec, settings.preset)):
        options["preset"] = settings.preset
    return options | settings.options


def _unused_crf(settings: Upscaling, codec: str) -> str:
    """What is said of a --crf that was given beside `--codec auto`, which took an encoder without such an option."""
    is_unused = settings.crf is not None and settings.codec == "auto" and not encoder_spec(codec).options
    return "; --crf is without effect on it" if is_unused else ""


def _known_preset(codec: str, preset: str) -> bool:
    """Whether a preset that was given beside `--codec auto` is meant for the encoder that was found."""
    pattern = encoder_spec(codec).preset_pattern
    return pattern is not None and re.fullmatch(pattern, preset) is not None
