"""Notes of a plan: what a user should know before the job starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pipeline.config.settings import CPU_ENGINES, Settings
from pipeline.frame import FrameFormat, plain_name
from pipeline.media.encoding.format_loss import format_losses
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.packed_formats import packings
from pipeline.media.reading.media_info import MediaInfo, VideoInfo
from pipeline.media.writing.container import moves_index
from pipeline.media.writing.output_kind import OutputKind
from pipeline.models.spec import ModelSpec

_STATIC_HDR = {16: "plain HDR10", 18: "plain HLG"}  # by transfer, in the codes of H.273
_GPU_SETTINGS = ("engine", "precision", "device", "vram")

_LARGE_BYTES = 10e9  # of an output: to read and write them takes a minute or more

Choice = TypeVar("Choice")


class PlanNotes:
    """Collects notes while a plan is made.

    Attributes:
        lines: The notes so far, one line each.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, *notes: str | None) -> None:
        """Add notes; None and "" are none."""
        self.lines += filter(None, notes)

    def keep(self, chosen: tuple[Choice, str | None]) -> Choice:
        """The choice of a pair of choice and note, whose note is added."""
        choice, note = chosen
        self.add(note)
        return choice

    def add_unused_settings(self, settings: Settings, backend: str) -> None:
        """Note settings that were changed and have no effect on the CPU."""
        changed = [name for name in _GPU_SETTINGS if getattr(settings, name) != Settings.model_fields[name].default]
        unused = [name for name in changed if name != "engine" or settings.engine not in CPU_ENGINES]
        if backend == "onnx" and unused:
            self.add(f"{', '.join(f'`{name}`' for name in unused)}: no effect on the CPU")

    def add_losses(
        self, media: MediaInfo, encoding: VideoEncoding, kind: OutputKind | None, settings: Settings
    ) -> None:
        """Note what the output can't carry of the source.

        Args:
            kind: The kind of an output that is no container of video: images, an animation, a pipe.
        """
        video, pixel_in = media.video, media.video.format.pixel
        if plain_name(video.source_format) not in (pixel_in.name, *(packing.name for packing in packings(pixel_in))):
            self.add(f"{video.source_format} frames are converted to {pixel_in.name}")
        self.add(*(media.images.notes(video.rate) if media.images else ()))
        self.add(*(kind.notes(replace(video, rate=encoding.rate)) if kind else ()))
        self.add(
            *format_losses(pixel_in, encoding, kind.name if kind else None, is_chosen=settings.pix_fmt is not None)
        )
        if video.labels:
            advice = "; colours may look duller: convert them to sRGB first" if "ICC profile" in video.labels else ""
            self.add(f"its {' and '.join(video.labels)} can't be carried over{advice}")
        if video.dynamic_hdr and not kind:
            self.add(_dropped_hdr(video))

    def add_index_move(self, target: Path, encoding: VideoEncoding, bytes: int | None) -> None:
        """Note that a large output is rewritten at the end; `bytes`: its estimated size, None if unknown."""
        if bytes and bytes > _LARGE_BYTES and moves_index(target, encoding.codec):
            self.add(
                f"at the end, its {bytes / 1e9:.0f} GB or so are rewritten in place, so that players find the index in "
                "front; .mkv needs no such step"
            )

    def add_shape(self, source: VideoInfo, output: VideoInfo, model: ModelSpec) -> None:
        """Note what the requested size changes besides the size itself."""
        before, after = source.sample_aspect, output.sample_aspect
        if after not in (before, 1):
            self.add(
                f"the output has another shape than the source: its sample aspect ratio is {after}, so that nothing is "
                "distorted; `fit` gives square pixels"
            )
        sizes = [(video.format.width, video.format.height) for video in (source, output)]
        if model.scale > 1 and all(after <= before for before, after in zip(*sizes, strict=True)):
            self.add(
                f"the output is not larger than the source: {model.name} enlarges frames that are then reduced; "
                "`model=identity` only resamples"
            )

    def add_padding(self, encoding: VideoEncoding, upscaled: FrameFormat) -> None:
        """Note that the encoder needs larger frames than the upscaler's."""
        width, height, output = upscaled.width, upscaled.height, encoding.format
        if (output.width, output.height) != (width, height):
            self.add(
                f"{encoding.codec} does not accept {width}x{height}: the output is {output.width}x{output.height}, its "
                "last column and row repeated"
            )


def _dropped_hdr(video: VideoInfo) -> str:
    *others, last = video.dynamic_hdr
    names = f"{', '.join(others)} and {last}" if others else last
    remaining = _STATIC_HDR.get(video.format.colour.transfer, "what players show that don't support it")
    return f"its {names} metadata can't be carried over: the output is {remaining}"
