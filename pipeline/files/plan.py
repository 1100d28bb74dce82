"""Decides, before the first frame, what will be done with a file: MediaInfo + Settings → Plan."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.config.target_fields import Size
from pipeline.files import budget, resources
from pipeline.files.durable.segmenting import choose_segments
from pipeline.files.notes import PlanNotes
from pipeline.files.result_name import target_for
from pipeline.frame import FrameFormat
from pipeline.media.decoding.decoder_choice import choose_decoder
from pipeline.media.decoding.decoder_count import DecoderCount, count_decoders
from pipeline.media.decoding.interlace.bwdif import Deinterlacing
from pipeline.media.decoding.interlace.policy import plan_deinterlacing
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.decoding.trim import Excerpt
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.media_info import MediaInfo, VideoInfo
from pipeline.media.writing.colour_tags import representable_colour
from pipeline.media.writing.encoder_choice import choose_encoder, fixed_encoding
from pipeline.media.writing.output_kind import OutputKind, find_output_kind
from pipeline.media.writing.playback import playback_note
from pipeline.media.writing.rotation import plan_rotation, resized
from pipeline.media.writing.sample_aspect import unsupported_sample_aspect
from pipeline.media.writing.spatial_support import representable_spatial
from pipeline.models.spec import ModelSpec
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.sessions import SessionRequest
from pipeline.superres.target import Shape, plan_passes, plan_target, target_label

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """A job, ready to run; made by `make_plan`.

    Attributes:
        media: The source, as `probe` describes it.
        target: The output's path.
        settings: The settings that the plan was made from.
        model: The network; where several run one after the other, or one is repeated, their cascade.
        size: Width and height of the upscaled frames; where that is not the network's output size, it is resampled.
        backend: What runs it: "tensorrt" or "onnx".
        decoder: What decodes: "software" or "nvdec".
        decoders: How many of them work in parallel.
        decoded_format: The format of frames as the decoder yields them.
        deinterlacing: How frames are deinterlaced after that; None: not at all.
        rotation: How frames are rotated after that; None: not at all.
        encoding: Encoder, options and format of the output's video.
        copied: Indices of the source's streams that are copied.
        excerpt: The part of the source to upscale; None: all of it.
        frames: Number of frames to expect in the output; None if unknown.
        time_shift: Seconds added to all times: excerpts begin at 0, and players drop what precedes it.
        segment_frames: Frames of each segment that is kept until the output is complete; 0 if none are.
        notes: What a user should know before the job starts, one line each.
    """

    media: MediaInfo
    target: Path
    settings: Settings
    model: ModelSpec
    size: Size
    backend: str
    decoder: str
    decoders: DecoderCount
    decoded_format: FrameFormat
    deinterlacing: Deinterlacing | None
    rotation: Orientation | None
    encoding: VideoEncoding
    copied: frozenset[int]
    excerpt: Excerpt | None
    frames: int | None
    time_shift: Fraction
    segment_frames: int = 0
    notes: tuple[str, ...] = ()

    @property
    def frames_per_decoded(self) -> int:
        """Frames that the deinterlacer makes of each decoded frame: 2 if every field becomes one, else 1."""
        return self.deinterlacing.multiplier if self.deinterlacing else 1

    @property
    def time_base(self) -> Fraction:
        """The time base of frames behind the deinterlacer, in seconds."""
        return self.media.video.time_base / self.frames_per_decoded

    @property
    def end_time(self) -> Fraction | None:
        """The end of the excerpt in seconds, on the source's clock; None: the end of the source."""
        video = self.media.video
        return self.excerpt.end_time(video.start_time, video.rate) if self.excerpt else None

    @property
    def input_format(self) -> FrameFormat:
        """The format of frames as the upscaler takes them."""
        return self.rotation.rotated_format(self.decoded_format) if self.rotation else self.decoded_format

    @property
    def output_format(self) -> FrameFormat:
        """The format of frames as the upscaler yields them; the encoder's may be larger by padding."""
        return self.encoding.format.resized(*self.size)

    @property
    def network_format(self) -> FrameFormat:
        """The input format, enlarged by the network."""
        return self.input_format.enlarged(self.model.scale)

    @property
    def is_resampled(self) -> bool:
        """True if the network's output is resampled to the output's size."""
        return self.size != (self.network_format.width, self.network_format.height)

    @property
    def session_request(self) -> SessionRequest:
        """What the session of the job is opened for."""
        return SessionRequest(self.backend, self.model, self.input_format, self.settings, self.output_format)

    @property
    def memory(self) -> int:
        """Estimate of the main memory that the job needs, in bytes."""
        return resources.main_memory(self)

    @property
    def video_memory(self) -> int:
        """Estimate of the memory that it needs of each GPU, in bytes; 0 on the CPU."""
        return resources.video_memory(self)

    @property
    def disk(self) -> int | None:
        """Estimate of the output's size in bytes; None if unknown."""
        return resources.disk_space(self)


def make_plan(media: MediaInfo, to: str | Path | None, settings: Settings) -> Plan:
    """Decide how to upscale a file. Nothing is written. Logs its steps at level DEBUG.

    Args:
        media: The source, from `probe`.
        to: The output: a file, an existing folder, or None for a name beside the source.
        settings: From `Settings.load`.

    Raises:
        UprezError: The job can't succeed; one of its subclasses, with the reason.
    """
    log.debug("probed %s", media.path)
    notes = PlanNotes()
    backend = notes.keep(choose_backend(settings))
    model = choose_model(settings, backend)
    target = target_for(media.path, None if to is None else Path(to), target_label(settings, model.scale))
    plan = _plan_video(media, target, settings, model, backend, notes)
    notes.add_unused_settings(settings, backend)
    notes.add_index_move(target, plan.encoding, plan.disk)
    notes.add_losses(media, plan.encoding, find_output_kind(target, media.video.format), settings)
    log.debug("planned %s: %s, %s", target, backend, plan.encoding.codec)
    return replace(plan, notes=tuple(notes.lines))


def _plan_video(
    media: MediaInfo, target: Path, settings: Settings, model: ModelSpec, backend: str, notes: PlanNotes
) -> Plan:
    """The plan, without notes: the way of the video's frames from decoder to encoder, and what is copied."""
    video = media.video
    fields = plan_deinterlacing(media, settings.deinterlace, settings.start, settings.end)
    rotated = plan_rotation(fields.apply_to(video), target)
    decoder, decoded_format, note = choose_decoder(media, settings, backend, fields.deinterlacing, rotated.rotation)
    excerpt = Excerpt.from_times(video.start_time, video.rate, settings.start, settings.end, settings.frames)
    decoders, count_note = count_decoders(media, settings, decoder, backend, _expected_frames(video, excerpt, 1))
    notes.add(note, count_note, fields.note, rotated.note)
    frames = _expected_frames(video, excerpt, fields.multiplier)
    model, enlarged = _enlarge(rotated.video, model, settings, notes)
    encoding = _choose_encoding(media, enlarged, target, settings, notes)
    encoding = notes.keep(budget.allocate_encoders(encoding, settings, frames, busy=backend == "tensorrt"))
    encoding, segment_frames, note = choose_segments(media, target, encoding, settings, backend)
    notes.add(note)
    return Plan(
        media=media,
        target=target,
        settings=settings,
        model=model,
        size=(enlarged.format.width, enlarged.format.height),
        backend=backend,
        decoder=decoder,
        decoders=decoders,
        decoded_format=decoded_format,
        deinterlacing=fields.deinterlacing,
        rotation=rotated.rotation,
        encoding=encoding,
        copied=frozenset(stream.index for stream in media.others if settings.streams == "all"),
        excerpt=excerpt,
        frames=frames,
        time_shift=_time_shift(video, excerpt),
        segment_frames=segment_frames,
    )


def _enlarge(video: VideoInfo, model: ModelSpec, settings: Settings, notes: PlanNotes) -> tuple[ModelSpec, VideoInfo]:
    """The model, repeated if needed, and `video` (the source, deinterlaced and rotated) with the output's size."""
    orientation = Orientation.from_matrix(video.display_matrix)
    transposed = orientation is not None and orientation.transposed
    target = plan_target(settings, Shape.of(video.format, video.sample_aspect), model.scale, transposed)
    model = plan_passes(model, video.format, target)
    enlarged = resized(video, target.width, target.height, target.sample_aspect)
    notes.add_shape(video, enlarged, model)
    return model, enlarged


def _choose_encoding(
    media: MediaInfo, video: VideoInfo, target: Path, settings: Settings, notes: PlanNotes
) -> VideoEncoding:
    """Encoder, options and format of the output, from `video`: the source with the output's size."""
    kind: OutputKind | None = find_output_kind(target, media.video.format)
    choose = partial(fixed_encoding, kind) if kind else choose_encoder
    encoding = notes.keep(choose(video, settings, target))
    if not kind:
        encoding = notes.keep(representable_colour(encoding, target))
        notes.add(playback_note(encoding, target))
    encoding, lost = representable_spatial(encoding, media.video, target)
    notes.add(*lost)
    notes.add(unsupported_sample_aspect(encoding, target))
    notes.add_padding(encoding, video.format)
    return encoding


def _expected_frames(video: VideoInfo, excerpt: Excerpt | None, frames_per_decoded: int) -> int | None:
    frames = excerpt.expected_frames(video.frames, video.start_time, video.rate) if excerpt else video.frames
    return None if frames is None else frames * frames_per_decoded


def _time_shift(video: VideoInfo, excerpt: Excerpt | None) -> Fraction:
    """A whole number of the video's ticks, so that its frames are moved by as much as the other streams."""
    begins = excerpt.first_frame_time(video.time_base) if excerpt else None
    if begins is not None:
        return -begins
    return max(Fraction(0), -video.start_time)
