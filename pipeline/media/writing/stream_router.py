"""Decides how each stream of the source gets into the output: copied, converted to another codec, or dropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from pipeline.errors import InputError
from pipeline.media.codec_parameters import codec_name, describe_codec
from pipeline.media.reading.source import Packet
from pipeline.media.writing import audio, container_support, cover, metadata, subtitles
from pipeline.media.writing.container_spec import ContainerSpec, CoverArt, DataStreams
from pipeline.media.writing.lead_in import read_lead_in
from pipeline.media.writing.stream_copy import AudioCopyRoute, CopyRoute, Rewrite, RewriteRoute, Route, VideoCopyRoute

_PLAIN_TEXT = ("subrip", "text")


class StreamRouter:
    """Adds the counterparts of source streams to an output whose header is not yet written.

    Attributes:
        routes: The route of each stream that is in the output, by stream index of the source.
        early: Packets to mux before all others.
    """

    def __init__(
        self, container: OutputContainer, path: Path, video: VideoStream, shift: Fraction, has_lead_in: bool = True
    ) -> None:
        """Route streams into `container`.

        Args:
            container: The output.
            path: The source file.
            video: The stream of the upscaled video, which gets the source's timecode.
            shift: Added to all timestamps, in seconds.
            has_lead_in: Audio begins with the packets that an edit list hides; not in an excerpt.
        """
        self.routes: dict[int, Route] = {}
        self.early: list[Packet] = []
        self._index = 0  # in the source, of the stream that is being added
        self._has_lead_in = has_lead_in
        self._conversions: list[str] = []
        self._container = container
        self._muxer = container.format.name
        self._spec = container_support.container_spec(self._muxer)
        self._iso = self._spec.iso
        self._path = path
        self._video = video
        self._shift = shift
        self._dropped: defaultdict[tuple[str, str], list[int]] = defaultdict(list)  # indices by kind and reason

    def add(self, stream: Any, index: int | None = None) -> None:
        """Add the counterpart of a stream and its route, or note that the container supports none.

        Args:
            stream: The stream, or another one with its parameters.
            index: The index of the stream, None if it is that of `stream`.
        """
        self._index = stream.index if index is None else index
        adders: dict[str, Callable[[Any], bool]] = {
            "attachment": self._add_attachment,
            "data": self._add_data,
            "audio": self._add_audio,
            "subtitle": self._add_subtitles,
            "video": self._add_image if stream.disposition & Disposition.attached_pic else self._copy,
        }
        if not adders.get(stream.type, self._copy)(stream):
            self._dropped[str(stream.type), _requirement(stream)].append(self._index)

    @property
    def dropped(self) -> list[str]:
        """A line for the streams that are dropped, one for several of a kind."""
        return [
            f"{kind} stream{'s' if len(indices) > 1 else ''} {', '.join(map(str, indices))} dropped: "
            f"{self._muxer} does not support {what}"
            for (kind, what), indices in self._dropped.items()
        ]

    @property
    def remarks(self) -> list[str]:
        """A line for each stream that is converted, and for each that lost packets."""
        return [*self._conversions, *_packet_remarks(self.routes, self._muxer)]

    def _copy(self, stream: Any) -> bool:
        if not container_support.supports(self._muxer, stream):
            return False
        lead_in = _hidden_lead_in(stream, self._path) if self._spec.matroska and self._has_lead_in else Fraction(0)
        copy = container_support.add_stream_copy(self._container, stream, lead_in)
        metadata.copy_stream_metadata(copy, stream, self._iso)
        route = {"video": VideoCopyRoute, "audio": AudioCopyRoute}.get(stream.type, CopyRoute)
        self.routes[self._index] = route(copy, self._shift, _packet_duration(stream))
        return True

    def _add_audio(self, stream: Any) -> bool:
        if self._copy(stream):
            return True
        encoded = audio.add_encoded_stream(self._container, stream) if stream.codec_context else None
        if encoded is None:
            return False
        metadata.copy_stream_metadata(encoded, stream, self._iso)
        self.routes[self._index] = audio.ReencodeRoute(encoded, stream, self._shift)
        self._note_conversion(stream, encoded.codec_context.codec.canonical_name)
        return True

    def _add_subtitles(self, stream: Any) -> bool:
        if self._copy(stream):
            return True
        codec, text = codec_name(stream), self._spec.text_subtitles
        rewrite: Rewrite
        if codec in _PLAIN_TEXT and text == "mov_text":
            converted: Any = self._container.add_stream("mov_text")
            converted.codec_context.subtitle_header = subtitles.HEADER
            converted.time_base, rewrite = stream.time_base, subtitles.subrip_to_sample
        elif codec == "mov_text" and text == "subrip":
            converted = self._container.add_mux_stream("subrip", time_base=stream.time_base)
            default = subtitles.default_style(stream.codec_context.extradata)
            rewrite = partial(subtitles.sample_to_subrip, default=default)
        else:
            return False
        metadata.copy_stream_metadata(converted, stream, self._iso)
        self.routes[self._index] = RewriteRoute(converted, self._shift, rewrite)
        self._note_conversion(stream, text)
        return True

    def _add_image(self, stream: Any) -> bool:
        """Add cover art in the container's own way; its packet is read here, not with those of the source."""
        if cover.is_thumbnail(stream) or self._spec.cover_art is CoverArt.NONE:
            return False
        try:
            content = cover.read_cover(self._path, stream.index)
        except InputError as error:
            self._conversions.append(f"video stream {stream.index} dropped: its cover art can't be read ({error})")
            return True
        if self._spec.cover_art is CoverArt.ATTACHMENT:
            name, mime_type = cover.name_and_type(codec_name(stream), stream.metadata)
            self._container.add_attachment(name, mime_type, content)
            return True
        if not container_support.supports(self._muxer, stream):
            return False
        copy = container_support.add_stream_copy(self._container, stream)
        copy.disposition = Disposition.attached_pic
        packet = av.Packet(content)
        packet.stream, packet.pts, packet.dts, packet.is_keyframe = copy, 0, 0, True
        self.early.append(packet)
        return True

    def _add_attachment(self, stream: Any) -> bool:
        return self._spec.attachments and _attach(self._container, stream, self._iso)

    def _add_data(self, stream: Any) -> bool:
        if stream.discard == Discard.all:  # chapter titles, which mp4 files also store as a track
            return True
        if "timecode" in stream.metadata:
            self._video.metadata.setdefault("timecode", stream.metadata["timecode"])
            return self._spec.timecode
        # Between files of the mp4 family FFmpeg keeps the tag of a track's content; others it would mislabel.
        demuxer, *_ = stream.container.format.name.split(",")
        is_own = self._spec.data_streams is DataStreams.OWN and container_support.container_spec(demuxer).iso
        return (is_own or self._spec.data_streams is DataStreams.ALL) and self._copy(stream)

    def _note_conversion(self, stream: Any, codec: str) -> None:
        original = codec_name(stream)
        self._conversions.append(
            f"{stream.type} stream {self._index} converted from {original} to {codec}: "
            f"{self._muxer} does not support {original}"
        )


def _attach(container: OutputContainer, stream: Any, iso: bool) -> bool:
    name = stream.metadata.get("filename", f"attachment{stream.index}")
    added = container.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)
    added.metadata.update(metadata.copied_tags(stream.metadata, iso))
    return True


def _packet_remarks(routes: dict[int, Route], muxer: str) -> Iterator[str]:
    for index, route in routes.items():
        stream = f"{route.stream.type} stream {index}"
        if route.rejected:
            yield f"{stream}: packets dropped because the {muxer} muxer rejects them: {route.rejected}"
        if route.remark:
            yield f"{stream}: {route.remark}"


def _hidden_lead_in(stream: Any, path: Path) -> Fraction:
    """Return the seconds at the beginning of `stream`, of the file `path`, that an edit list hides; 0 if not audio."""
    demuxer, *_ = stream.container.format.name.split(",")
    has_edit_list = container_support.container_spec(demuxer).iso
    is_decodable_audio = stream.type == "audio" and stream.codec_context is not None
    return read_lead_in(path, stream.index) if has_edit_list and is_decodable_audio else Fraction(0)


def _requirement(stream: Any) -> str:
    """Return what a container would have to support for `stream`, and one that does."""
    container = _supporting_container(stream)
    return _feature(stream) + (f"; {container.suffixes[0]} does" if container else "")


def _supporting_container(stream: Any) -> ContainerSpec | None:
    """Return a container that supports `stream`, None if none is known; data streams keep their meaning in few."""
    if stream.type == "attachment" or cover.is_cover(stream):
        return container_support.GENERAL
    if stream.type == "data":
        return None
    return next((spec for spec in container_support.COMMON if container_support.supports(spec.muxer, stream)), None)


def _feature(stream: Any) -> str:
    if stream.type == "attachment":
        return "attachments"
    if stream.type == "video" and stream.disposition & Disposition.attached_pic:
        return "chapter thumbnails" if cover.is_thumbnail(stream) else "cover art"
    return describe_codec(stream)


def _packet_duration(stream: Any) -> Fraction:
    """Return the seconds that a packet lasts, 0 if it is unknown."""
    if stream.type == "audio" and stream.codec_context and stream.codec_context.sample_rate:
        return Fraction(stream.codec_context.frame_size, stream.codec_context.sample_rate)
    return 1 / stream.average_rate if stream.type == "video" and stream.average_rate else Fraction(0)
