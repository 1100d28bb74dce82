"""What will be done with a file, decided before the first frame: MediaInfo + Settings + ModelSpec → Plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from pipeline.colour.h273 import is_hdr
from pipeline.config.settings import Settings
from pipeline.files import budget
from pipeline.files.result_name import target_for
from pipeline.frame import FrameFormat, plain_name
from pipeline.media.decoding.decoder_choice import choose_decoder
from pipeline.media.decoding.interlace.bwdif import Deinterlacing
from pipeline.media.decoding.interlace.policy import plan_deinterlacing
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.decoding.trim import Excerpt
from pipeline.media.encoding.codecs import codec_of
from pipeline.media.encoding.encoder import VideoEncoding
from pipeline.media.encoding.format_loss import losses
from pipeline.media.packed_formats import packings
from pipeline.media.reading.media_info import MediaInfo, VideoInfo
from pipeline.media.writing.colour_tags import representable_colour
from pipeline.media.writing.encoder_choice import choose_encoder, choose_formed
from pipeline.media.writing.result_kind import Form, form_of
from pipeline.media.writing.rotation import upright
from pipeline.media.writing.sample_aspect import untold_aspect
from pipeline.models.spec import ModelSpec
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.session import check_size

# A rule of thumb for the disk estimate: x264 at crf 17 spends about this much on film; each 6 steps of crf halve it.
_BITS_PER_PIXEL, _CRF_HALVING, _USUAL_CRF = 0.12, 6, 17
_DECODER_FRAMES = 20  # that FFmpeg's decoders keep at work, roughly
_PROCESS_BYTES = 200_000_000  # Python, FFmpeg and ONNX Runtime before the first frame
_CUDA_BYTES = 700_000_000  # the CUDA libraries and TensorRT in main memory
_PLAIN_HDR = {16: "plain HDR10", 18: "plain HLG"}  # by transfer, in the codes of H.273
_FOR_GPUS = ("engine", "precision", "device", "vram")  # settings


@dataclass(frozen=True)
class Plan:
    """A job, ready to run.

    backend: "tensorrt" or "onnx". decoder: "software" or "nvdec". decoded: what frames are as they leave it.
    deinterlacing, turn: what is done to their fields then, and how they are laid, None if nothing. given: what they are
    as they reach the upscaler. also: indices of the streams that are copied. excerpt: what part of it, None for the
    whole. frames: how many to expect, None if unknown. shift: seconds added to all times. until: where an excerpt ends,
    on the source's clock. notes: what a user should know, a line each. memory, video_memory (of each GPU), disk:
    estimates in bytes.
    """

    media: MediaInfo
    target: Path
    settings: Settings
    model: ModelSpec
    backend: str
    decoder: str
    decoded: FrameFormat
    deinterlacing: Deinterlacing | None
    turn: Orientation | None
    given: FrameFormat
    encoding: VideoEncoding
    also: frozenset[int]
    excerpt: Excerpt | None
    frames: int | None
    shift: Fraction
    until: Fraction | None
    notes: tuple[str, ...]
    memory: int
    video_memory: int
    disk: int | None

    @property
    def times(self) -> int:
        """How many frames the deinterlacer makes of each."""
        return self.deinterlacing.multiplier if self.deinterlacing else 1

    @property
    def time_base(self) -> Fraction:
        """What the times of frames count in from there on."""
        return self.media.video.time_base / self.times

    @property
    def made(self) -> FrameFormat:
        """What frames are as they leave the upscaler; some encoders need them padded."""
        size = self.given.enlarged(self.model.scale)
        return replace(self.encoding.format, width=size.width, height=size.height)


def make_plan(media: MediaInfo, to: Path | None, settings: Settings) -> Plan:
    """Decide everything; `to`: a file, a folder, or None for a name beside the source.

    Raises the error that the job would otherwise meet later.
    """
    backend, note = choose_backend(settings)
    model = choose_model(settings, backend)
    video = media.video
    target = target_for(media.path, to, model.scale)
    fields = plan_deinterlacing(media, settings.deinterlace, settings.start, settings.end)
    laid = upright(fields.apply_to(video), target, model.scale)
    turn, shown = laid.turn, replace(media, video=laid.video)
    check_size(model, shown.video.format)
    form = form_of(target, video.format)
    choose = partial(choose_formed, form) if form else choose_encoder
    encoding, unencoded = choose(shown.video, model.scale, settings, target)
    encoding, untold = (encoding, None) if form else representable_colour(encoding, target)
    excerpt = Excerpt.from_times(video.start_time, video.rate, settings.start, settings.end, settings.frames)
    came = excerpt.expected_frames(video.frames, video.start_time, video.rate) if excerpt else video.frames
    frames = None if came is None else came * fields.multiplier
    encoding, alone = budget.allocate_encoders(encoding, settings, frames, busy=backend == "tensorrt")
    decoder, decoded, undecoded = choose_decoder(media, settings, backend, fields.deinterlacing, turn)
    also = frozenset(s.index for s in media.others if settings.streams == "all")
    unsized = _padding(encoding, shown.video.format, model.scale)
    oblong = untold_aspect(encoding, target)
    chosen = note, undecoded, fields.note, laid.note, unencoded, untold, oblong, unsized, alone
    notes = *chosen, *_notes(media, encoding, settings, backend, form)
    return Plan(
        media=media,
        target=target,
        settings=settings,
        model=model,
        backend=backend,
        decoder=decoder,
        decoded=decoded,
        deinterlacing=fields.deinterlacing,
        turn=turn,
        given=turn.rotated_format(decoded) if turn else decoded,
        encoding=encoding,
        also=also,
        excerpt=excerpt,
        frames=frames,
        shift=_shift(media, excerpt),
        until=excerpt.end_time(video.start_time, video.rate) if excerpt else None,
        notes=tuple(n for n in notes if n),
        memory=_memory(settings, model, media, encoding, backend),
        video_memory=_video_memory(settings, model, media, encoding) if backend == "tensorrt" else 0,
        disk=form.disk(encoding, frames) if form else _disk(media, encoding, frames),
    )


def _notes(media: MediaInfo, encoding: VideoEncoding, settings: Settings, backend: str, form: Form | None) -> list[str]:
    video, pixel_in = media.video, media.video.format.pixel
    notes = []
    unused = [f"--{name}" for name in _FOR_GPUS if getattr(settings, name) != Settings.model_fields[name].default]
    if backend == "onnx" and unused:
        notes.append(f"{', '.join(unused)}: without effect on the CPU")
    if plain_name(video.source_format) not in (pixel_in.name, *(packing.name for packing in packings(pixel_in))):
        notes.append(f"{video.source_format} frames are worked on as {video.format.pixel.name}")
    notes += media.images.notes(video.rate) if media.images else []
    notes += form.notes(replace(video, rate=encoding.rate)) if form else []
    if is_hdr(video.format.colour) and not codec_of(encoding.codec).players_show_hdr:
        notes.append("few players show HDR in H.264; --codec auto takes H.265")
    notes += losses(pixel_in, encoding, form.name if form else None, is_chosen=settings.pix_fmt is not None)
    if video.labels:
        look = "; colours may look duller: convert them to sRGB first" if "ICC profile" in video.labels else ""
        notes.append(f"its {' and '.join(video.labels)} can't be carried over{look}")
    if video.dynamic_hdr and not form:
        notes.append(_left_behind(video))
    return notes


def _left_behind(video: VideoInfo) -> str:
    *others, last = video.dynamic_hdr
    names = f"{', '.join(others)} and {last}" if others else last
    plain = _PLAIN_HDR.get(video.format.colour.transfer, "what players show that don't know it")
    return f"its {names} metadata can't be carried over: the result is {plain}"


def _padding(encoding: VideoEncoding, source: FrameFormat, scale: int) -> str | None:
    """A note where the encoder needs a larger frame."""
    large, made = (source.width * scale, source.height * scale), encoding.format
    if (made.width, made.height) == large:
        return None
    size = f"{encoding.codec} does not take {large[0]}x{large[1]}"
    return f"{size}: the result is {made.width}x{made.height}, its last column and row repeated"


def _shift(media: MediaInfo, excerpt: Excerpt | None) -> Fraction:
    """Seconds by which everything is moved: excerpts begin at zero, and readers lose what lies before it."""
    if excerpt and excerpt.start is not None:
        return -excerpt.start
    return max(Fraction(0), -media.video.start_time)


def _memory(settings: Settings, model: ModelSpec, media: MediaInfo, encoding: VideoEncoding, backend: str) -> int:
    small, large = media.video.format.bytes, encoding.format.bytes
    waiting = settings.queue + settings.slots * len(settings.device)
    network = _working(model, media) if backend == "onnx" else _CUDA_BYTES
    encoders = budget.memory(encoding, encoding.encoders, encoding.gop)
    return _PROCESS_BYTES + (waiting + _DECODER_FRAMES) * small + waiting * large + encoders + network


def _video_memory(settings: Settings, model: ModelSpec, media: MediaInfo, encoding: VideoEncoding) -> int:
    frames = settings.slots * (media.video.format.bytes + encoding.format.bytes)
    whole = frames + settings.contexts * _working(model, media)
    return whole if settings.vram is None else min(whole, settings.vram)


def _working(model: ModelSpec, media: MediaInfo) -> int:
    return model.working_bytes(media.video.format.width, media.video.format.height)


def _disk(media: MediaInfo, encoding: VideoEncoding, frames: int | None) -> int | None:
    if frames is None:
        return None
    try:
        crf = float(encoding.options.get("crf", _USUAL_CRF))
    except ValueError:  # the encoder will refuse it, in its own words
        crf = _USUAL_CRF
    bits = _BITS_PER_PIXEL * 2 ** ((_USUAL_CRF - crf) / _CRF_HALVING)
    pixels = encoding.format.width * encoding.format.height * frames
    passed_along = media.bytes - (media.video.bit_rate or 0) / 8 * (media.duration or 0)
    return int(pixels * bits / 8 + max(0, passed_along if media.video.bit_rate else 0))
