"""Who decides how each stream of a source gets into the result: as it is, as another codec, or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from pipeline.errors import InputError
from pipeline.media.writing import audio, container_support, cover, metadata, subtitles
from pipeline.media.writing.audio import Reencoded
from pipeline.media.writing.stream_copy import Copied, CopiedSound, CopiedVideo, Rewrite, Rewritten, Route

_WITH_TIMECODE = ("matroska", "webm", "mp4", "mov")
_PLAIN = ("subrip", "text")
ISO = ("mp4", "mov", "ipod")


class Router:
    """Finds the streams of the file `path` their ways into `container`, whose header is yet to be written.

    shift: seconds added to all times. routes: what became of the streams, by their indices in the source.
    early: packets to be written first. remarks: a line for each stream that changes.
    """

    def __init__(self, container: OutputContainer, path: Path, video: VideoStream, shift: Fraction) -> None:
        self.routes: dict[int, Route] = {}
        self.early: list[av.Packet[Any]] = []
        self.remarks: list[str] = []
        self._container = container
        self._muxer = container.format.name
        self._iso = self._muxer in ISO
        self._path = path
        self._video = video
        self._shift = shift
        self._left: defaultdict[tuple[str, str], list[int]] = defaultdict(
            list
        )  # indices, by kind and by what they hold

    def add(self, stream: Any) -> None:
        """Find `stream` a way, or note that there is none."""
        ways: dict[str, Callable[[Any], bool]] = {
            "attachment": self._attach,
            "data": self._add_data,
            "audio": self._add_audio,
            "subtitle": self._add_subtitles,
            "video": self._add_picture if stream.disposition & Disposition.attached_pic else self._copy,
        }
        if not ways.get(stream.type, self._copy)(stream):
            hint = "; .mkv can" if self._mkv_can(stream) else ""
            self._left[str(stream.type), self._what(stream) + hint].append(stream.index)

    @property
    def dropped(self) -> list[str]:
        """A line for the streams left behind, one for several alike."""
        return [self._line(kind, what, indices) for (kind, what), indices in self._left.items()]

    def _line(self, kind: str, what: str, indices: list[int]) -> str:
        streams = f"{kind} stream{'s' if len(indices) > 1 else ''} {', '.join(map(str, indices))}"
        return f"{streams} left behind: {self._muxer} can't hold {what}"

    def _mkv_can(self, stream: Any) -> bool:
        if stream.type == "attachment" or cover.is_cover(stream):
            return True
        return bool(stream.codec_context) and container_support.supports("matroska", stream)

    def _what(self, stream: Any) -> str:
        if stream.type == "attachment":
            return "an attachment"
        if stream.type == "video" and stream.disposition & Disposition.attached_pic:
            return "pictures of chapters" if cover.is_thumbnail(stream) else "cover art"
        return container_support.codec_name(stream)

    def _copy(self, stream: Any) -> bool:
        if not container_support.supports(self._muxer, stream):
            return False
        copy = container_support.copy_of(self._container, stream)
        metadata.describe(copy, stream, self._iso)
        route = {"video": CopiedVideo, "audio": CopiedSound}.get(stream.type, Copied)
        self.routes[stream.index] = route(copy, self._shift, _step(stream))
        return True

    def _add_audio(self, stream: Any) -> bool:
        if self._copy(stream):
            return True
        made = audio.encoded_copy(self._container, stream) if stream.codec_context else None
        if made is None:
            return False
        metadata.describe(made, stream, self._iso)
        self.routes[stream.index] = Reencoded(made, stream, self._shift)
        self._becomes(stream, made.codec_context.codec.canonical_name)
        return True

    def _add_subtitles(self, stream: Any) -> bool:
        if self._copy(stream):
            return True
        codec, held = container_support.codec_name(stream), self._container.supported_codecs
        rewrite: Rewrite
        if codec in _PLAIN and "mov_text" in held:
            made: Any = self._container.add_stream("mov_text")
            made.codec_context.subtitle_header = subtitles.HEADER
            made.time_base, rewrite = stream.time_base, subtitles.subrip_to_sample
        elif codec == "mov_text" and "subrip" in held:
            made = self._container.add_mux_stream("subrip", time_base=stream.time_base)
            default = subtitles.default_style(stream.codec_context.extradata)
            rewrite = partial(subtitles.sample_to_subrip, default=default)
        else:
            return False
        metadata.describe(made, stream, self._iso)
        self.routes[stream.index] = Rewritten(made, self._shift, rewrite)
        self._becomes(stream, "mov_text" if codec in _PLAIN else "subrip")
        return True

    def _add_picture(self, stream: Any) -> bool:
        """Cover art, as each container has it; its packet comes from here, not with those of the source."""
        if cover.is_thumbnail(stream) or not container_support.supports_pictures(self._muxer):
            return False
        try:
            content = cover.picture(self._path, stream.index)
        except InputError:  # it comes through a pipe
            self.remarks.append(f"video stream {stream.index}: its cover art can't be had before the rest; left behind")
            return True
        if not self._iso:
            name, kind = cover.name_and_type(container_support.codec_name(stream), stream.metadata)
            self._container.add_attachment(name, kind, content)
            return True
        if not container_support.supports(self._muxer, stream):
            return False
        copy = container_support.copy_of(self._container, stream)
        copy.disposition = Disposition.attached_pic
        packet = av.Packet(content)
        packet.stream, packet.pts, packet.dts, packet.is_keyframe = copy, 0, 0, True
        self.early.append(packet)
        return True

    def _attach(self, stream: Any) -> bool:
        if not container_support.supports_attachments(self._muxer):
            return False
        name = stream.metadata.get("filename", f"attachment{stream.index}")
        added = self._container.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)
        added.metadata.update(metadata.kept(stream.metadata, self._iso))
        return True

    def _add_data(self, stream: Any) -> bool:
        if stream.discard == Discard.all:  # the titles of chapters, which mp4 files hold once more as a track
            return True
        if "timecode" in stream.metadata:
            self._video.metadata.setdefault("timecode", stream.metadata["timecode"])
            return self._muxer in _WITH_TIMECODE  # whose muxers make a track or a tag of it
        # Of the tracks of the mp4 family FFmpeg keeps the tag, which says what they hold; others it would mislabel.
        kept = stream.container.format.name.startswith("mov") if self._iso else self._muxer == "mpegts"
        return kept and self._copy(stream)

    def _becomes(self, stream: Any, codec: str) -> None:
        was = container_support.codec_name(stream)
        self.remarks.append(f"{stream.type} stream {stream.index}: {was} becomes {codec}; {self._muxer} can't hold it")


def _step(stream: Any) -> Fraction:
    """Seconds that a packet lasts, as far as the stream tells."""
    if stream.type == "audio" and stream.codec_context.sample_rate:
        return Fraction(stream.codec_context.frame_size, stream.codec_context.sample_rate)
    return 1 / stream.average_rate if stream.type == "video" and stream.average_rate else Fraction(0)
