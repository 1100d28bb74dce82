"""The decision whether and how a video is deinterlaced, by its marks, its frames and the user's request."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pipeline.errors import SettingsError
from pipeline.media.decoding.interlace.bwdif import Deinterlacing, find_bwdif_format
from pipeline.media.decoding.interlace.detect import InterlaceDetector, detect_interlacing
from pipeline.media.reading.media_info import MediaInfo, VideoInfo

DeinterlaceMode = Literal["auto", "off", "frame", "field"]

_PROGRESSIVE_CODECS = ("vp8", "vp9", "av1", "theora", "gif", "apng", "png", "webp")  # which have no fields
_INTERLACED_HEIGHTS = {*range(320, 1120)} - {720}  # of video of 480, 576 or 1080 lines, cropped or not
_FIELD_ORDER = {True: "top field first", False: "bottom field first"}


@dataclass(frozen=True)
class DeinterlacePlan:
    """The decision whether and how a video is deinterlaced.

    Attributes:
        deinterlacing: None if nothing is done.
        note: A remark for users, None if there is nothing to remark.
    """

    deinterlacing: Deinterlacing | None = None
    note: str | None = None

    @property
    def multiplier(self) -> int:
        """The number of frames that each frame becomes."""
        return self.deinterlacing.multiplier if self.deinterlacing else 1

    def apply_to(self, video: VideoInfo) -> VideoInfo:
        """The description of the deinterlaced `video`."""
        return self.deinterlacing.apply_to(video) if self.deinterlacing else video


def plan_deinterlacing(
    media: MediaInfo, mode: DeinterlaceMode, start: Fraction | None = None, end: Fraction | None = None
) -> DeinterlacePlan:
    """Decide whether and how a video is deinterlaced.

    Args:
        media: The source.
        mode: "auto" examines a few frames of a video that is marked as interlaced, or may be interlaced without a
            mark, and makes one frame of each interlaced frame. "frame" and "field" deinterlace all frames, to one
            frame per frame or per field. "off" changes nothing.
        start: Where the job starts, in seconds after the first frame; None for the beginning.
        end: Where it ends, None for the end.

    Raises:
        SettingsError: `mode` is "field" for images, whose numbers are their times; or it is a request that libavfilter
            can't fulfil for this pixel format.
    """
    video = media.video
    if mode == "off":
        is_marked = video.scan.interlaced
        note = 'it is marked as interlaced, and its combing artifacts are upscaled too (`deinterlace="off"`)'
        return DeinterlacePlan(None, note if is_marked else None)
    if mode == "field" and media.images:
        raise SettingsError('`deinterlace="field"`: images have one number each; "frame" makes one frame of each')
    if mode == "auto" and not (video.scan.interlaced or _may_be_interlaced(media)):
        return DeinterlacePlan()
    detected = detect_interlacing(media, start, end)
    plan = _plan_auto(media, detected) if mode == "auto" else _plan_requested(media, detected, mode)
    if plan.deinterlacing and find_bwdif_format(video.format) is None:
        reason = f"libavfilter can't deinterlace {video.format}"
        if mode != "auto":
            raise SettingsError(f'`deinterlace="{mode}"`: {reason}; "auto" and "off" leave it interlaced')
        return DeinterlacePlan(None, f"{reason}: its combing artifacts are upscaled too")
    return plan


def _may_be_interlaced(media: MediaInfo) -> bool:
    """Return True if an unmarked video may be interlaced, by its codec and height."""
    video = media.video
    return video.codec not in _PROGRESSIVE_CODECS and video.format.height in _INTERLACED_HEIGHTS


def _plan_auto(media: MediaInfo, detected: InterlaceDetector) -> DeinterlacePlan:
    video, top_first = media.video, _is_top_first(media.video, detected)
    marked, combed = Deinterlacing("marked", top_first), Deinterlacing("combed", top_first)
    if not detected.is_conclusive:
        if not (video.scan.interlaced or detected.marked):
            return DeinterlacePlan()
        why = "frames of a pipe can't be examined" if media.pipe else "nothing moves in the examined frames"
        order = f"it is marked as interlaced, {_FIELD_ORDER[top_first]} ({why})"
        return DeinterlacePlan(marked, f"{order}: {_per_frame(video)}")
    if detected.has_correct_marks or detected.is_interlaced:
        deinterlacing = marked if detected.has_correct_marks else Deinterlacing("all", top_first)
        return DeinterlacePlan(
            deinterlacing, f"it is interlaced, {_describe_order(video, detected)}: {_per_frame(video)}"
        )
    if detected.is_progressive and not video.scan.interlaced:
        return DeinterlacePlan()
    if detected.is_progressive and not detected.marked_progressive:
        order = f"it is marked as interlaced in parts, {_FIELD_ORDER[top_first]}"
        return DeinterlacePlan(marked, f"{order}: these are deinterlaced")
    if detected.is_progressive:
        note = "it is marked as interlaced, but the examined frames show no combing artifacts"
        return DeinterlacePlan(combed, f"{note}: only combed frames are deinterlaced")
    kind = "film, telecined (3:2)" if detected.is_telecined else "interlaced in parts"
    return DeinterlacePlan(combed, f"it is {kind}, {_describe_order(video, detected)}: combed frames are deinterlaced")


def _plan_requested(media: MediaInfo, detected: InterlaceDetector, mode: DeinterlaceMode) -> DeinterlacePlan:
    """Deinterlace all frames, except those that a stream of both kinds marks as progressive."""
    video, top_first = media.video, _is_top_first(media.video, detected)
    is_mixed = 0 < detected.marked < detected.frames
    deinterlacing = Deinterlacing("marked" if is_mixed else "all", top_first, doubled=mode == "field")
    if detected.interlaced or video.scan.interlaced:
        reason = f"it is interlaced, {_describe_order(video, detected)}"
    else:
        reason = f"it shows no combing artifacts; {_FIELD_ORDER[top_first]} is assumed"
    rate = f"{float(2 * video.rate):.4g} frames/s"
    output = f"one frame per field, {rate}" if deinterlacing.doubled else "one frame per frame"
    return DeinterlacePlan(deinterlacing, f"{reason}: deinterlaced, {output}")


def _is_top_first(video: VideoInfo, detected: InterlaceDetector) -> bool:
    """The field order: as detected, else as marked, else top field first, as most video is."""
    top_first = detected.top_first if detected.top_first is not None else video.scan.top_first
    return top_first is not False


def _describe_order(video: VideoInfo, detected: InterlaceDetector) -> str:
    """The field order in words, with a remark if the marks differ."""
    top_first, marked = _is_top_first(video, detected), video.scan.top_first
    if not video.scan.interlaced and not detected.marked:
        return f"{_FIELD_ORDER[top_first]}, though not marked as such"
    order = _FIELD_ORDER[top_first]
    return order if marked in (None, top_first) else f"{order}, though marked as {_FIELD_ORDER[not top_first]}"


def _per_frame(video: VideoInfo) -> str:
    rate = f"{float(2 * video.rate):.4g} frames/s"
    return f'deinterlaced, one frame per frame; `deinterlace="field"` makes one per field, {rate}'
