"""What an address to write to means: which container, what its muxer is told, which files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.errors import SettingsError
from pipeline.live.output import hls
from pipeline.live.output.segments import OpenSegments, Segmenting, limits
from pipeline.live.process.messages import Open, Streams
from pipeline.live.process.tls import tls_options
from pipeline.media.writing.container_spec import ContainerSpec
from pipeline.media.writing.container_support import container_for

if TYPE_CHECKING:
    from pipeline.config.address import Address
    from pipeline.config.live_settings import StreamSettings

Kind = Literal["rtsp", "rtmp", "mpegts", "hls", "file"]

_PLAYLIST = "index.m3u8"  # in a folder that is given
_PACKET_BYTES = 1316  # seven packets of MPEG-TS, which fit into one of Ethernet

_RTSP: tuple[Kind, str, dict[str, str]] = ("rtsp", "rtsp", {"rtsp_transport": "tcp"})
_RTMP: tuple[Kind, str, dict[str, str]] = ("rtmp", "flv", {"flvflags": "no_duration_filesize"})
_TS: tuple[Kind, str, dict[str, str]] = ("mpegts", "mpegts", {})
_NETWORK = {"rtsp": _RTSP, "rtsps": _RTSP, "rtmp": _RTMP, "rtmps": _RTMP, "udp": _TS, "tcp": _TS}


@dataclass(frozen=True)
class Outlet:
    """Where a stream goes. format, options: FFmpeg's. path: of a playlist. segments: how files follow each other."""

    address: Address
    kind: Kind
    format: str
    options: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    segments: Segmenting | None = None

    @property
    def place(self) -> Path | Address:
        """Where it goes, spelled in one way: two outlets with the same would write over each other."""
        path = self.segments.path if self.segments else self.path
        return path.resolve() if path else self.address

    def opening(self, streams: Streams) -> Open:
        """What a child is told. Raises SettingsError where a secret of the address is missing now."""
        if self.segments:
            return OpenSegments("", self.format, self.options, streams, self.segments)
        if self.path:
            return Open(f"file:{self.path}", self.format, self.options, streams)
        address = self.address.reveal()
        if self.address.scheme == "udp" and "pkt_size=" not in address:
            address += f"{'&' if '?' in address else '?'}pkt_size={_PACKET_BYTES}"
        return Open(address, self.format, self.options, streams)


def outlet(address: Address, settings: StreamSettings) -> Outlet:
    """What `address` means. A folder is made, if its parent exists. Raises SettingsError."""
    if address.scheme in _NETWORK:
        kind, format, options = _NETWORK[address.scheme]
        return Outlet(address, kind, format, options | tls_options(address.scheme, settings.ca_file))
    text = address.reveal()
    path = Path(text)
    if address.scheme in ("", "file"):
        path = Path(text.removeprefix("file://").removeprefix("file:"))
        if text.endswith(("/", "\\")) or path.is_dir():
            return _hls(address, path / _PLAYLIST, settings)
        if path.suffix.lower() == ".m3u8":
            return _hls(address, path, settings)
        if (container := container_for(path)).live_options is not None:
            return _files(address, path, container, settings)
    raise SettingsError(
        f"to: {address}: unknown; rtsp://, rtsps://, rtmp://, rtmps://, udp:// and tcp:// (MPEG-TS), a folder or a "
        "name ending in .m3u8 (HLS), and .mkv, .mp4, .mov and .ts (files in segments) are allowed; a folder that is "
        "to be made ends in /"
    )


def _hls(address: Address, path: Path, settings: StreamSettings) -> Outlet:
    path = _with_folder(path)
    options = hls.options(path, settings.hls_segment, settings.hls_list)
    return Outlet(address, "hls", "hls", options, path=path)


def _files(address: Address, path: Path, container: ContainerSpec, settings: StreamSettings) -> Outlet:
    seconds, size = limits(settings.segment)
    segments = Segmenting(_with_folder(path), seconds, size, settings.keep)
    return Outlet(address, "file", container.muxer, dict(container.live_options or {}), segments=segments)


def _with_folder(path: Path) -> Path:
    """`path`, absolute; its folder exists afterwards."""
    path = path.absolute()
    try:
        path.parent.mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise SettingsError(f"to: {path}: the folder {path.parent.parent} does not exist: make it first") from error
    except OSError as error:
        raise SettingsError(f"to: {path}: the folder {path.parent} can't be made: {error.strerror}") from error
    return path
