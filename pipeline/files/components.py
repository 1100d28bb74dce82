"""The parts of a job's pipeline, built as its plan says."""

from __future__ import annotations

from typing import Any

from pipeline.files.plan import Plan
from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.decoder_count import parallel_decoding
from pipeline.media.decoding.frame_reader import FrameReader
from pipeline.media.decoding.preprocess import preprocess
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.image_source import ImageSource
from pipeline.media.reading.source import Source
from pipeline.media.writing import output_kind
from pipeline.media.writing.file_sink import Placement
from pipeline.media.writing.output_kind import Sink
from pipeline.superres.stages import Pending, RepeatedFrame
from pipeline.system.cuda import Gpu


def open_source(plan: Plan) -> Source:
    """Open the source of a plan, for use in a `with` statement. Iterate over it, once, for its packets.

    The packets are those of the video and of `plan.copied`, in the order of the file.

    Raises:
        InputError: It can't be opened.
    """
    if plan.media.images:
        return ImageSource(plan.media.images, plan.media.video.rate, plan.settings.strict)
    gpu = decoding_gpu(plan)
    accel = nvdec.hardware_accel(gpu) if gpu else None
    options = ReadOptions(
        other_streams=plan.copied,
        hwaccel=accel,
        video_index=plan.media.video.index,
        strict=plan.settings.strict,
        start=plan.excerpt.start if plan.excerpt else None,
        first_pts=plan.media.video.start,
        pipe=plan.media.pipe,
        ends_at_read_errors=plan.segment_frames > 0,
    )
    return FileSource(plan.media.path, options)


def open_sink(plan: Plan, source: Source) -> Sink:
    """Open the output of a plan, for use in a `with` statement.

    Its `encoder(plan.time_base)` is the stage that takes upscaled frames; the sink itself is the stage that takes the
    packets of that and of the source. `commit` gives the finished file its name; without it nothing is kept.

    Raises:
        OutputError: It can't be created.
    """
    placement = Placement(plan.time_shift, plan.end_time)
    return output_kind.create_sink(plan.target, plan.encoding, source, plan.copied, placement)


def decoding_gpu(plan: Plan) -> Gpu | None:
    """The GPU whose NVDEC decodes the video of a plan; None for software."""
    return Gpu(plan.settings.device[0]) if plan.decoder == "nvdec" else None


def decoding_stage(plan: Plan, source: Source) -> Stage[Any, Any]:
    """The stage that decodes, deinterlaces and rotates, for pipelines of your own: packets in, frames out.

    Frames are of `plan.input_format`, each later than the one before, and belong to the plan's excerpt. Packets of
    other streams pass unchanged.
    """
    stages: list[Stage[Any, Any]] = [frame_reader(plan, source), *preprocessing_stages(plan)]
    return Chain(*stages)


def frame_reader(plan: Plan, source: Source) -> FrameReader:
    """The stage that decodes the packets of a plan's source."""
    parallel = parallel_decoding(plan.decoder, plan.decoders, plan.settings)
    return FrameReader(source, plan.decoded_format, plan.excerpt, plan.copied, parallel, decoding_gpu(plan))


def preprocessing_stages(plan: Plan) -> list[Stage[Any, Any]]:
    """The stages between decoder and upscaler: deinterlacing and rotation, if there are any."""
    return preprocess(plan.decoded_format, plan.media.video.frame_duration, plan.deinterlacing, plan.rotation)


def queue_weight(item: Any) -> int:
    """The weight of an item in a channel between two stages: 1 for a frame, 0 for a packet."""
    return 1 if isinstance(item, Frame | Pending | RepeatedFrame) else 0
