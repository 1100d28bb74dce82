"""Parses the address of an output: its container, the options of the muxer, its files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.errors import SettingsError
from pipeline.live.output.hls import hls_options
from pipeline.live.output.segments import Segmentation, SegmentsRequest, parse_segment_limit
from pipeline.live.process.messages import OpenRequest, StreamHeader
from pipeline.live.process.tls import tls_options
from pipeline.media.writing.container_spec import ContainerSpec
from pipeline.media.writing.container_support import container_for

if TYPE_CHECKING:
    from pipeline.config.address import Address
    from pipeline.config.live_settings import StreamSettings

Kind = Literal["rtsp", "rtmp", "mpegts", "hls", "file"]

_PLAYLIST = "index.m3u8"  # in a folder
_DATAGRAM_BYTES = 1316  # seven packets of MPEG-TS, which fit into one Ethernet frame

_RTSP: tuple[Kind, str, dict[str, str]] = ("rtsp", "rtsp", {"rtsp_transport": "tcp"})
_RTMP: tuple[Kind, str, dict[str, str]] = ("rtmp", "flv", {"flvflags": "no_duration_filesize"})
_MPEGTS: tuple[Kind, str, dict[str, str]] = ("mpegts", "mpegts", {})
_NETWORK = {"rtsp": _RTSP, "rtsps": _RTSP, "rtmp": _RTMP, "rtmps": _RTMP, "udp": _MPEGTS, "tcp": _MPEGTS}


@dataclass(frozen=True)
class OutputTarget:
    """An output of a stream.

    Attributes:
        address: The address, as the settings give it.
        kind: What the figures show.
        format: FFmpeg's name of the container.
        options: Options of FFmpeg's muxer.
        path: The path of an HLS playlist; None for others.
        segments: How files follow each other; None for others.
    """

    address: Address
    kind: Kind
    format: str
    options: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    segments: Segmentation | None = None

    @property
    def location(self) -> Path | Address:
        """A normalized form of the address: two targets with the same location would overwrite each other."""
        path = self.segments.path if self.segments else self.path
        return path.resolve() if path else self.address

    def request(self, streams: StreamHeader) -> OpenRequest:
        """The request to a child. Raises SettingsError if a secret of the address is missing now."""
        if self.segments:
            return SegmentsRequest("", self.format, self.options, streams, self.segments)
        if self.path:
            return OpenRequest(f"file:{self.path}", self.format, self.options, streams)
        address = self.address.reveal()
        if self.address.scheme == "udp" and "pkt_size=" not in address:
            address += f"{'&' if '?' in address else '?'}pkt_size={_DATAGRAM_BYTES}"
        return OpenRequest(address, self.format, self.options, streams)


def output_target(address: Address, settings: StreamSettings) -> OutputTarget:
    """The output that `address` means. A missing folder is created if its parent exists. Raises SettingsError."""
    if address.scheme in _NETWORK:
        kind, format, options = _NETWORK[address.scheme]
        return OutputTarget(address, kind, format, options | tls_options(address.scheme, settings.ca_file))
    text = address.reveal()
    path = Path(text)
    if address.scheme in ("", "file"):
        path = Path(text.removeprefix("file://").removeprefix("file:"))
        if text.endswith(("/", "\\")) or os.path.isdir(path):
            return _hls_target(address, path / _PLAYLIST, settings)
        if path.suffix.lower() == ".m3u8":
            return _hls_target(address, path, settings)
        if (container := container_for(path)).live_options is not None:
            return _file_target(address, path, container, settings)
    raise SettingsError(
        f"to: {address}: unknown; allowed are rtsp://, rtsps://, rtmp://, rtmps://, udp:// and tcp:// (MPEG-TS), a "
        "folder or a name ending in .m3u8 (HLS), and .mkv, .mp4, .mov and .ts (files in segments); end the name of a "
        "new folder with /"
    )


def _hls_target(address: Address, path: Path, settings: StreamSettings) -> OutputTarget:
    path = _with_folder(path)
    options = hls_options(path, settings.hls_segment, settings.hls_list)
    return OutputTarget(address, "hls", "hls", options, path=path)


def _file_target(address: Address, path: Path, container: ContainerSpec, settings: StreamSettings) -> OutputTarget:
    seconds, size = parse_segment_limit(settings.segment)
    segments = Segmentation(_with_folder(path), seconds, size, settings.keep)
    return OutputTarget(address, "file", container.muxer, dict(container.live_options or {}), segments=segments)


def _with_folder(path: Path) -> Path:
    """`path`, absolute, after its folder has been created."""
    path = path.absolute()
    try:
        path.parent.mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise SettingsError(f"to: {path}: the folder {path.parent.parent} does not exist: create it first") from error
    except OSError as error:
        raise SettingsError(f"to: {path}: can't create the folder {path.parent}: {error.strerror}") from error
    return path
