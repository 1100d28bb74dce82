"""What will be done with the frames of a live stream, decided when the first is there: nothing may look ahead."""

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
from pipeline.media.encoding.encoder import VideoEncoding
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.formats import find_encoder
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.writing.encoder_choice import choose_encoder
from pipeline.media.writing.rotation import plan_rotation
from pipeline.models.spec import ModelSpec
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.session import check_size
from pipeline.system import host

_CARRIER = Path("stream.ts")  # what RTSP, RTMP and HLS can say of a picture is no more than a transport stream can
_SHOWN_EVERYWHERE = "yuv420p"  # the one format of H.264 that all browsers and players know


@dataclass(frozen=True)
class LivePlan:
    """video: frames as they are decoded. deinterlacing, turn: what is done to them then, None if nothing. given, made:
    what they are as they reach the upscaler, and leave it. encoding: of the result; its times are those of `video`, and
    its size may be larger than `made`, for encoders that don't take every size. notes: a line each, for people.
    """

    video: VideoInfo
    backend: str
    model: ModelSpec
    deinterlacing: Deinterlacing | None
    turn: Orientation | None
    given: FrameFormat
    made: FrameFormat
    encoding: VideoEncoding
    notes: tuple[str, ...]

    @property
    def source(self) -> str:
        """What comes, in a few words."""
        return f"{self.video.format}, {self.video.codec}, {float(self.video.rate):g} fps"

    @property
    def result(self) -> str:
        """What leaves."""
        return f"{self.encoding.format}, {self.encoding.codec}"


def check_live(settings: StreamSettings) -> None:
    """Raise what would fail with any frames: a backend, a model or an encoder that isn't there."""
    backend, _ = choose_backend(settings)
    choose_model(settings, backend)
    if settings.codec != "auto":
        find_encoder(settings.codec)


def plan_live(video: VideoInfo, settings: StreamSettings, share: float = 1.0) -> LivePlan:
    """Decide everything for frames like `video`, whose times are ticks that can be halved.

    share: what part of the machine's cores this stream may count on, 0 to 1. Raises the error that the stream would
    otherwise meet later.
    """
    backend, missing = choose_backend(settings)
    model = choose_model(settings, backend)
    fields, field_note = _fields(video, settings)
    laid = plan_rotation(fields.apply_to(video) if fields else video, _CARRIER, model.scale)
    given = laid.video.format
    check_size(model, given)
    chosen = _shown_everywhere(settings)
    pixels = given.width * given.height * model.scale**2 * laid.video.rate
    cores = host.cores() * share
    options = partial(_options, pixels=float(pixels), cores=cores)
    encoding, found = choose_encoder(laid.video, model.scale, chosen, _CARRIER, options)
    encoding = _together(encoding, options(encoding.codec))
    size = given.enlarged(model.scale)
    made = replace(encoding.format, width=size.width, height=size.height)
    notes = (missing, field_note, laid.note, found, *_notes(video, encoding, made, settings))
    return LivePlan(
        video=video,
        backend=backend,
        model=model,
        deinterlacing=fields,
        turn=laid.rotation,
        given=given,
        made=made,
        encoding=encoding,
        notes=tuple(note for note in notes if note),
    )


def _fields(video: VideoInfo, settings: StreamSettings) -> tuple[Deinterlacing | None, str | None]:
    """What is done about fields, by the marks of the stream alone, and a note on that."""
    wish, marked = settings.deinterlace, video.scan.interlaced
    if wish == "off" or (wish == "auto" and not marked):
        return None, "it is marked as interlaced: its combs are upscaled too (--deinterlace off)" if marked else None
    if find_bwdif_format(video.format) is None:
        cant = f"libavfilter can't deinterlace {video.format}"
        if wish != "auto":
            raise SettingsError(f"--deinterlace {wish}: {cant}; auto and off leave its combs as they are")
        return None, f"{cant}: its combs are upscaled too"
    first, doubled = video.scan.top_first is not False, wish == "field"
    how = FineClockDeinterlacing("marked" if marked else "all", first, doubled)
    said = f"{'top' if first else 'bottom'} field first"
    kind = f"it is interlaced, {said}" if marked else f"it is not marked as interlaced, and is taken for {said}"
    return how, f"{kind}: deinterlaced, a picture of each {'field' if doubled else 'frame'}, a frame later"


def _shown_everywhere(settings: StreamSettings) -> StreamSettings:
    """`settings` with a pixel format for H.264, where none is wished for."""
    if settings.pix_fmt is None and encoder_spec(settings.codec).role is Role.COMPATIBLE:
        return settings.model_copy(update={"pix_fmt": _SHOWN_EVERYWHERE})
    return settings


def _options(codec: str, pixels: float, cores: float) -> dict[str, str]:
    """How `codec` encodes so many `pixels` a second at once, on so many `cores`."""
    spec = encoder_spec(codec)
    options = dict(spec.live.options)
    for preset, most in spec.live.presets:
        if pixels < most * cores:
            options["preset"] = preset
            break
    threads = max(1, math.ceil(cores))
    if spec.live.slice_threads:
        options["threads"] = str(threads)
    if spec.live.parameters:
        options[spec.parameters_options[0]] = spec.live.parameters.format(threads=threads)
    return options


def _together(encoding: VideoEncoding, ours: dict[str, str]) -> VideoEncoding:
    """`encoding`, whose encoder's own parameters are ours where the user's say nothing else: the last word counts."""
    options = dict(encoding.options)
    for name in encoder_spec(encoding.codec).parameters_options:
        if name in options and name in ours and options[name] != ours[name]:
            options[name] = f"{ours[name]}:{options[name]}"
    return replace(encoding, options=options)


def _notes(video: VideoInfo, encoding: VideoEncoding, made: FrameFormat, settings: StreamSettings) -> Iterator[str]:
    source, result = video.format.pixel, encoding.format.pixel
    if settings.decoder == "nvdec":
        yield "decoded in software: live streams are not decoded by NVDEC"
    if source.alpha and not result.alpha:
        yield "its transparency (alpha) is lost"
    if settings.pix_fmt is None and result.depth < source.depth:
        kept = f"; --pix-fmt {source.name} keeps {source.depth} bit" if source in PIXEL_FORMATS.values() else ""
        yield f"the result is {result.name}, as players expect of H.264{kept}"
    if (made.width, made.height) != (encoding.format.width, encoding.format.height):
        large = f"{encoding.format.width}x{encoding.format.height}, its last column and row repeated"
        yield f"{encoding.codec} does not take {made.width}x{made.height}: the result is {large}"
