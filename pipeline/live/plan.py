"""The plan of a scene of a live stream, made from its first frame: later frames are unknown."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.frame import PIXEL_FORMATS, FrameFormat
from pipeline.media.decoding.interlace.bwdif import Deinterlacing, FineClockDeinterlacing, find_bwdif_format
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.encoding.codecs import encoder_spec
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.formats import find_encoder
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.writing.encoder_choice import check_quality, choose_encoder
from pipeline.media.writing.playback import playback_note
from pipeline.media.writing.rotation import plan_rotation, resized
from pipeline.models.spec import ModelSpec
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.target import Shape, plan_passes, plan_target
from pipeline.system import host

_CONTAINER = Path("stream.ts")  # RTSP, RTMP and HLS describe a video no better than a transport stream
_COMPATIBLE_PIX_FMT = "yuv420p"  # the one format of H.264 that all browsers and players support


@dataclass(frozen=True)
class LivePlan:
    """All decisions for the frames of a scene.

    Attributes:
        video: The decoded frames.
        backend: The backend that runs the model.
        model: The model.
        deinterlacing: How frames are deinterlaced; None if they are not.
        rotation: How frames are rotated before the model; None if they are not.
        input_format: The format of the model's input.
        output_format: The format of the model's output.
        encoding: Of the output. Its timestamps are those of `video`; its size may be larger than that of
            `output_format`, for encoders that do not accept every size.
        notes: Remarks for the user, a line each.
    """

    video: VideoInfo
    backend: str
    model: ModelSpec
    deinterlacing: Deinterlacing | None
    rotation: Orientation | None
    input_format: FrameFormat
    output_format: FrameFormat
    encoding: VideoEncoding
    notes: tuple[str, ...]

    @property
    def source_summary(self) -> str:
        """Format, codec and frame rate of the source."""
        return f"{self.video.format}, {self.video.codec}, {float(self.video.rate):g} fps"

    @property
    def output_summary(self) -> str:
        """Format and codec of the output."""
        return f"{self.encoding.format}, {self.encoding.codec}"


def check_live(settings: StreamSettings) -> None:
    """Raise the errors that any frame would lead to: a backend, model, encoder or quality that does not exist."""
    backend, _ = choose_backend(settings)
    choose_model(settings, backend)
    if settings.codec != "auto":
        check_quality(settings, find_encoder(settings.codec).name)


def plan_live(video: VideoInfo, settings: StreamSettings, share: float = 1.0) -> LivePlan:
    """Plan a scene. Raises the errors that the stream would otherwise meet later.

    Args:
        video: The decoded frames; their time base can be halved.
        settings: The settings of the stream.
        share: The part of the machine's cores that the stream may use, 0 to 1.
    """
    backend, backend_note = choose_backend(settings)
    model = choose_model(settings, backend)
    deinterlacing, field_note = _plan_deinterlacing(video, settings)
    rotation = plan_rotation(deinterlacing.apply_to(video) if deinterlacing else video, _CONTAINER)
    input_format = rotation.video.format
    target = plan_target(settings, Shape.of(input_format, rotation.video.sample_aspect), model.scale)
    model = plan_passes(model, input_format, target)
    enlarged = resized(rotation.video, target.width, target.height, target.sample_aspect)
    pixels = target.width * target.height * enlarged.rate
    options = partial(_encoder_options, pixels_per_second=float(pixels), cores=host.cores() * share)
    settings_with_format = _with_compatible_format(settings)
    encoding, encoder_note = choose_encoder(enlarged, settings_with_format, _CONTAINER, options)
    encoding = _merge_parameters(encoding, options(encoding.codec))
    output_format = encoding.format.resized(target.width, target.height)
    notes = (backend_note, field_note, rotation.note, encoder_note)
    return LivePlan(
        video=video,
        backend=backend,
        model=model,
        deinterlacing=deinterlacing,
        rotation=rotation.rotation,
        input_format=input_format,
        output_format=output_format,
        encoding=encoding,
        notes=(*(note for note in notes if note), *_notes(video, encoding, output_format, settings)),
    )


def _plan_deinterlacing(video: VideoInfo, settings: StreamSettings) -> tuple[Deinterlacing | None, str | None]:
    """Plan the deinterlacing by the flags of the stream alone; None if frames stay as they are. With a note."""
    requested, flagged = settings.deinterlace, video.scan.interlaced
    if requested == "off" or (requested == "auto" and not flagged):
        note = "it is flagged as interlaced: combing artifacts are upscaled too (`deinterlace` is off)"
        return None, note if flagged else None
    if find_bwdif_format(video.format) is None:
        unsupported = f"libavfilter can't deinterlace {video.format}"
        if requested != "auto":
            raise SettingsError(
                f"`deinterlace` {requested}: {unsupported}; auto and off upscale it with its combing artifacts"
            )
        return None, f"{unsupported}: combing artifacts are upscaled too"
    top_first, doubled = video.scan.top_first is not False, requested == "field"
    deinterlacing = FineClockDeinterlacing("marked" if flagged else "all", top_first, doubled)
    order = f"{'top' if top_first else 'bottom'} field first"
    kind = f"it is interlaced, {order}" if flagged else f"it is not flagged as interlaced; {order} is assumed"
    return deinterlacing, f"{kind}: deinterlaced, one frame per {'field' if doubled else 'frame'}, one frame later"


def _with_compatible_format(settings: StreamSettings) -> StreamSettings:
    """`settings` with a pixel format that all players support, for compatible encoders, unless one is set."""
    if settings.pix_fmt is None and encoder_spec(settings.codec).role is Role.COMPATIBLE:
        return settings.model_copy(update={"pix_fmt": _COMPATIBLE_PIX_FMT})
    return settings


def _encoder_options(codec: str, pixels_per_second: float, cores: float) -> dict[str, str]:
    """The options of `codec` for low delay, with the best preset that `cores` can encode in time."""
    spec = encoder_spec(codec)
    options = dict(spec.live.options)
    for preset, pixels_per_core in spec.live.presets:
        if pixels_per_second < pixels_per_core * cores:
            options["preset"] = preset
            break
    threads = max(1, math.ceil(cores))
    if spec.live.slice_threads:
        options["threads"] = str(threads)
    if spec.live.parameters:
        options[spec.parameters_options[0]] = spec.live.parameters.format(threads=threads)
    return options


def _merge_parameters(encoding: VideoEncoding, defaults: dict[str, str]) -> VideoEncoding:
    """Put the default parameters of the encoder (x265-params and the like) before the user's, which override them."""
    options = dict(encoding.options)
    for name in encoder_spec(encoding.codec).parameters_options:
        if name in options and name in defaults and options[name] != defaults[name]:
            options[name] = f"{defaults[name]}:{options[name]}"
    return replace(encoding, options=options)


def _notes(video: VideoInfo, encoding: VideoEncoding, size: FrameFormat, settings: StreamSettings) -> Iterator[str]:
    source, output = video.format.pixel, encoding.format.pixel
    if settings.decoder == "nvdec":
        yield "decoded in software: NVDEC is not supported for live streams"
    if source.alpha and not output.alpha:
        yield "transparency (alpha) dropped"
    if settings.pix_fmt is None and output.depth < source.depth:
        keeps = f"; `pix_fmt` {source.name} keeps {source.depth} bit" if source in PIXEL_FORMATS.values() else ""
        yield f"the output is {output.name}, as players expect of H.264{keeps}"
    if note := playback_note(encoding, _CONTAINER):
        yield note
    if (size.width, size.height) != (encoding.format.width, encoding.format.height):
        padded = f"{encoding.format.width}x{encoding.format.height}, with the last column and row repeated"
        yield f"{encoding.codec} does not accept {size.width}x{size.height}: the output is {padded}"
