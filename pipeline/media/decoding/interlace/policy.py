"""Whether a video is deinterlaced, and how: what it says of itself, what it looks like, and what the user wants."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pipeline.errors import SettingsError
from pipeline.media.decoding.interlace.bwdif import Deinterlacing, find_bwdif_format
from pipeline.media.decoding.interlace.detect import InterlaceDetector, detect_interlacing
from pipeline.media.reading.media_info import MediaInfo, VideoInfo

DeinterlaceMode = Literal["auto", "off", "frame", "field"]

_OF_THE_WEB = ("vp8", "vp9", "av1", "theora", "gif", "apng", "png", "webp")  # codecs that know no fields
_ROWS = {*range(320, 1120)} - {720}  # of videos of 480, 576 or 1080 lines, cropped or not
_FIRST = {True: "top field first", False: "bottom field first"}


@dataclass(frozen=True)
class DeinterlacePlan:
    """how: what is done about a video's fields, None if nothing. note: what there is to say."""

    deinterlacing: Deinterlacing | None = None
    note: str | None = None

    @property
    def multiplier(self) -> int:
        """How many frames each becomes."""
        return self.deinterlacing.multiplier if self.deinterlacing else 1

    def apply_to(self, video: VideoInfo) -> VideoInfo:
        """`video` as it is when that is done."""
        return self.deinterlacing.apply_to(video) if self.deinterlacing else video


def plan_deinterlacing(
    media: MediaInfo, wish: DeinterlaceMode, start: Fraction | None = None, end: Fraction | None = None
) -> DeinterlacePlan:
    """What is done about the fields of `media`, from `start` to `end` (seconds from its first frame).

    "auto" looks where they are marked or may be without a mark, and asks for one picture of each frame that is combed.
    Raises SettingsError for "field" and pictures, whose numbers are their times, and for what can't be deinterlaced.
    """
    video = media.video
    if wish == "off":
        note = "its combs are upscaled too (--deinterlace off)" if video.scan.interlaced else None
        return DeinterlacePlan(None, note and f"it is marked as interlaced: {note}")
    if wish == "field" and media.images:
        raise SettingsError("--deinterlace field: pictures have one number each; frame makes one of each")
    if wish == "auto" and not (video.scan.interlaced or _may_be_combed(media)):
        return DeinterlacePlan()
    seen = detect_interlacing(media, start, end)
    found = _found(media, seen) if wish == "auto" else _wished(media, seen, wish)
    if found.deinterlacing and find_bwdif_format(video.format) is None:
        cant = f"libavfilter can't deinterlace {video.format}"
        if wish != "auto":
            raise SettingsError(f"--deinterlace {wish}: {cant}; auto and off leave its combs as they are")
        return DeinterlacePlan(None, f"{cant}: its combs are upscaled too")
    return found


def _may_be_combed(media: MediaInfo) -> bool:
    """Whether it may hold combs that nothing marks, by its codec and its number of rows."""
    video, rows = media.video, media.video.format.height
    return video.codec not in _OF_THE_WEB and rows in _ROWS


def _found(media: MediaInfo, seen: InterlaceDetector) -> DeinterlacePlan:
    """What to do of oneself."""
    video, first = media.video, _is_top_first(media.video, seen)
    if not seen.tells:
        if not (video.scan.interlaced or seen.marked):
            return DeinterlacePlan()
        why = "can't be looked at in a pipe" if media.pipe else "nothing moves where it was looked at"
        return DeinterlacePlan(
            Deinterlacing("marked", first), f"it is marked as interlaced, {_FIRST[first]} ({why}): {_once(video)}"
        )
    if seen.marks_are_right or seen.is_of_fields:
        which: Literal["all", "marked"] = "marked" if seen.marks_are_right else "all"
        return DeinterlacePlan(Deinterlacing(which, first), f"it is interlaced, {_order(video, seen)}: {_once(video)}")
    if seen.is_whole and video.scan.interlaced and not seen.marked_whole:
        note = f"it is marked as interlaced in parts, {_FIRST[first]}: those are deinterlaced"
        return DeinterlacePlan(Deinterlacing("marked", first), note)
    if seen.is_whole and video.scan.interlaced:
        why = "shows no combs where it was looked at: only frames that look combed are changed"
        return DeinterlacePlan(Deinterlacing("combed", first), f"it is marked as interlaced, but {why}")
    if seen.is_whole:
        return DeinterlacePlan()
    kind = "film, telecined (3:2)" if seen.is_telecined else "interlaced in parts"
    done = "those of its frames that look combed are deinterlaced"
    return DeinterlacePlan(Deinterlacing("combed", first), f"it is {kind}, {_order(video, seen)}: {done}")


def _wished(media: MediaInfo, seen: InterlaceDetector, wish: DeinterlaceMode) -> DeinterlacePlan:
    """What was asked for: every frame, but those that a stream of both kinds marks as progressive."""
    video, first = media.video, _is_top_first(media.video, seen)
    some = 0 < seen.marked < seen.frames
    how = Deinterlacing("marked" if some else "all", first, doubled=wish == "field")
    told = seen.fields or video.scan.interlaced
    found = (
        f"it is interlaced, {_order(video, seen)}" if told else f"it shows no combs, and is taken for {_FIRST[first]}"
    )
    return DeinterlacePlan(how, f"{found}: {_twice(video) if how.doubled else 'deinterlaced, a picture of each frame'}")


def _is_top_first(video: VideoInfo, seen: InterlaceDetector) -> bool:
    """Which rows are the earlier ones: as it looks, else as is marked, else as most are."""
    told = seen.top_is_first if seen.top_is_first is not None else video.scan.top_first
    return told is not False


def _order(video: VideoInfo, seen: InterlaceDetector) -> str:
    """The order of the fields, in words, and whether the mark says so."""
    first, told = _is_top_first(video, seen), video.scan.top_first
    if not video.scan.interlaced and not seen.marked:
        return f"{_FIRST[first]}, though it is not marked so"
    return _FIRST[first] if told in (None, first) else f"{_FIRST[first]}, though it is marked {_FIRST[not first]}"


def _once(video: VideoInfo) -> str:
    return f"deinterlaced, a picture of each frame; --deinterlace field makes {float(2 * video.rate):.4g} a second"


def _twice(video: VideoInfo) -> str:
    return f"deinterlaced, a picture of each field, {float(2 * video.rate):.4g} a second"
