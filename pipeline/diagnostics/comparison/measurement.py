"""The measurement of one video after the other, at the same times and in the same size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from pipeline.config.target_fields import Size
from pipeline.diagnostics.comparison.clip import Clip
from pipeline.diagnostics.comparison.quality_meter import QualityMeter
from pipeline.diagnostics.comparison.report import ComparisonRow
from pipeline.diagnostics.comparison.shown_frames import ShownFrames
from pipeline.diagnostics.comparison.timeline import Timeline
from pipeline.diagnostics.comparison.views import ClipView, Image, Images, View


@dataclass(frozen=True)
class ComparedVideo:
    """A row of a comparison with its images.

    Attributes:
        row: Its figures.
        images: What the page shows of it, by index into the timeline.
    """

    row: ComparisonRow
    images: dict[int, Image]


@dataclass(frozen=True)
class Measurement:
    """What the videos of a comparison have in common.

    With a reference, all frames are measured; without, only those that are shown are read.

    Attributes:
        timeline: The times of the frames.
        size: At which they are compared.
        shown: The frames that the page shows.
        reference: The original, None if there is none.
        on_step: Called with a description of each step.
    """

    timeline: Timeline
    size: Size
    shown: ShownFrames
    reference: Clip | None
    on_step: Callable[[str], None]

    def measure(self, row: ComparisonRow, view: View) -> ComparedVideo:
        """Read the images of a view, and measure them. `row` describes it; its figures are added."""
        times = self.timeline.times
        wanted = range(len(times)) if self.reference else self.shown.indices
        meter, kept, complete = QualityMeter(), dict[int, Image](), 0
        with closing(view.images(self.timeline, wanted, self.size)) as images, closing(self._originals()) as originals:
            for index, image, original in _with_originals(images, originals):
                self.on_step(f"{row.name}: frame {index + 1} of {len(times)}")
                if original is not None:
                    meter.add(index, times[index], image, original)
                complete += original is not None or self.reference is None
                if index in self.shown.indices:
                    kept[index] = self.shown.crop(image)
        figures = {"psnr": meter.psnr, "ssim": meter.ssim, "flicker": meter.flicker, "frames": meter.frames}
        return ComparedVideo(row.model_copy(update=figures | {"missing": len(wanted) - complete}), kept)

    def reference_video(self, reference: Clip) -> ComparedVideo:
        """The reference itself, without figures."""
        self.on_step(f"{reference.path.name}: reading")
        row = ComparisonRow(name=reference.path.name, kind="reference", size=clip_size(reference))
        with closing(ClipView(reference).images(self.timeline, self.shown.indices, self.size)) as images:
            return ComparedVideo(row, {index: self.shown.crop(image) for index, image in images})

    def _originals(self) -> Images:
        """The images of the reference at all times; none if there is no reference."""
        if self.reference:
            yield from ClipView(self.reference).images(self.timeline, range(len(self.timeline.times)), self.size)


def _with_originals(images: Images, originals: Images) -> Iterator[tuple[int, Image, Image | None]]:
    """Add to each image the original at the same time, None if there is none."""
    original = next(originals, None)
    for index, image in images:
        while original is not None and original[0] < index:
            original = next(originals, None)
        yield index, image, original[1] if original is not None and original[0] == index else None


def clip_size(clip: Clip) -> str:
    """WIDTHxHEIGHT of a clip's frames."""
    return f"{clip.format.width}x{clip.format.height}"
