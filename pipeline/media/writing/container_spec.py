"""The columns of the table in `container_support`: the properties of the container of an output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from pipeline.media.encoding.encoder_spec import Role


class CoverArt(Enum):
    """The ways in which containers store cover art."""

    NONE = auto()
    ATTACHMENT = auto()
    STREAM = auto()  # a video stream of one packet


class RotationTags(Enum):
    """The display matrices that a container stores."""

    NONE = auto()
    ANGLES = auto()  # rotations by any angle, which not every player honours
    ALL = auto()  # any matrix; every player honours rotations by 90, 180 and 270 degrees


class DataStreams(Enum):
    """The data streams (timed metadata) that keep their meaning in a container."""

    NONE = auto()
    OWN = auto()  # those of containers of the same family
    ALL = auto()


@dataclass(frozen=True)
class ContainerSpec:
    """A container of an output: everything that the package knows about it.

    Attributes:
        muxer: FFmpeg's name of the muxer.
        suffixes: File suffixes, in lower case, that outputs in this container have; "" stands for a pipe.
        keeps_times: It is one file that stores video beside audio and the time of each frame, so it can be an output.
        iso: It belongs to the ISO base media file format (mp4, QuickTime): edit lists hide what is before time zero,
            and tags are stored as iTunes does.
        matroska: It belongs to Matroska: times before zero are allowed, and the sample aspect ratio is written into
            the finished file's head.
        readable_codecs: Of streams copied beside the video, the codecs that FFmpeg reads back unchanged; others
            become private data or get wrong times. None where the muxer itself refuses the others.
        codecs_with_header: Of these, those that need their header (extradata) before the first packet.
        codec_tags: Four characters that name a codec, where those that the muxer chooses do not play everywhere.
        is_network: Its muxer connects to a server when it is opened, so that codecs can't be tried.
        contents: FFmpeg's name of the muxer of its segments; None for a container that is not segmented.
        opens_connection: Its muxer opens network connections itself, with the options for TLS.
        unreadable_codecs: Codecs that the muxer accepts, and that are read back incomplete or with wrong times.
        chapters: Chapters are stored.
        cover_art: How cover art is stored.
        attachments: Attached files, such as fonts, are stored.
        timecode: A time code track, or tag, is made of the stream's tag `timecode`.
        data_streams: The data streams that can be copied.
        text_subtitles: FFmpeg's codec of plain text subtitles; None if there are none.
        hdr_metadata: Mastering display and light levels are stored, boxes mdcv and clli or Matroska's elements.
        partial_hdr_metadata: A mastering display's primaries are stored without its luminance, and the other way round.
        stereo_modes: Stereoscopic layouts that are stored, names of `spatial.STEREO_MODES`.
        projections: Mappings to a sphere that are stored, names of `spatial.Projection.kind`.
        alpha_side_data: Alpha that is carried beside the packets is stored, and marked.
        sample_aspect: The sample aspect ratio is stored.
        rotation: The display matrices that are stored.
        signals_colour: Matrix, primaries and transfer function are stored, or nothing is stored that would contradict
            the readers' guess.
        signals_range: The sample range is stored.
        signals_chroma_location: The chroma sample location is stored.
        web_only: It supports VP8, VP9 and AV1 alone.
        h265: Players look for H.265 in it.
        alpha_roles: Encoders for video with alpha that `codec="auto"` chooses from, best first.
        deep_role: The encoder for more than 12 bits per sample that `codec="auto"` chooses; None for the usual one.
        loop_option: The muxer's option for how often an animation is played; None if it has none.
        loop_counts_repeats: That option counts repeats, and -1 stands for none; otherwise it counts plays.
        live_options: The muxer's options for files of a live stream, which play up to their last second after the
            process was killed; None if live streams are not written to such files.
        max_seconds: Longest output, in seconds, that its timestamps can express; None without a limit.
    """

    muxer: str
    suffixes: tuple[str, ...] = ()
    keeps_times: bool = True
    iso: bool = False
    matroska: bool = False
    readable_codecs: frozenset[str] | None = None
    codecs_with_header: frozenset[str] = frozenset()
    codec_tags: Mapping[str, str] = field(default_factory=dict)
    is_network: bool = False
    contents: str | None = None
    opens_connection: bool = True
    unreadable_codecs: frozenset[str] = frozenset()
    chapters: bool = True
    cover_art: CoverArt = CoverArt.NONE
    attachments: bool = False
    timecode: bool = False
    data_streams: DataStreams = DataStreams.NONE
    text_subtitles: str | None = None
    hdr_metadata: bool = False
    partial_hdr_metadata: bool = False
    stereo_modes: frozenset[str] = frozenset()
    projections: frozenset[str] = frozenset()
    alpha_side_data: bool = False
    sample_aspect: bool = False
    rotation: RotationTags = RotationTags.NONE
    signals_colour: bool = True
    signals_range: bool = True
    signals_chroma_location: bool = False
    web_only: bool = False
    h265: bool = False
    alpha_roles: tuple[Role, ...] = ()
    deep_role: Role | None = None
    loop_option: str | None = None
    loop_counts_repeats: bool = False
    live_options: Mapping[str, str] | None = None
    max_seconds: int | None = None
