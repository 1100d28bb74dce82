"""FFmpeg's options to open the address of a live source with low delay and without endless waits.

- RTSP uses TCP unless `transport` says otherwise; over UDP, a missing packet is waited for 0.1 s.
- UDP and plain TCP carry MPEG-TS unless `format` says otherwise.
- HTTP may be an endless stream, an HLS playlist or a file. Playlists and files come faster than they are shown, so they
  are read at the pace of their timestamps, as are files on disk and libavfilter's sources (format "lavfi"). At their
  end these start again.
- `webcam:0` and `webcam:NAME` are explained in webcam.py. Other devices are opened by their `format`.

`input_options` override all options that are set here.
"""

from __future__ import annotations

from pathlib import Path
from stat import S_ISCHR
from urllib.parse import urlsplit

import av

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.live.input.webcam import find_webcam
from pipeline.live.process.messages import SourceRequest
from pipeline.live.process.tls import tls_options

# Codec and size are in the first key frame or the announcement; by default FFmpeg goes on analysing for a frame rate,
# for reordering and for further streams. Measured: the first frame of RTMP comes after 0.5 s instead of 5, that of
# RTSP, which announces all its streams, after 0.2 s instead of 1.2.
_SHORT_ANALYSIS = {"analyzeduration": "500000", "fpsprobesize": "0"}
_SHORTEST_ANALYSIS = {"analyzeduration": "100000", "fpsprobesize": "0"}
_REORDER_MICROSECONDS = 100_000
_BUFFER_BYTES = 2 << 20  # socket buffer of the system: a key frame in 4K comes as some hundred datagrams at once

# A playlist or a redirection from the network must not read files of this machine.
_HTTP = "http,https,httpproxy,tcp,tls,crypto"
_LOCAL = "file,crypto"

_SILENCE = 10.0
_SEGMENTED_SILENCE = 30.0  # HLS delivers a segment at a time, HTTP may
OPENING_SECONDS = 30.0  # in which slow sources reach a second frame; the timeout ends attempts without an answer
_LISTENING = 60.0  # for a sender to connect

_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443}  # not tcp: a server may accept only one connection
_PLAIN = ("", "file")
_SCHEMES = "rtsp rtsps rtmp rtmps rtmpt http https udp tcp webcam".split()


def source_request(settings: StreamSettings) -> SourceRequest:
    """The request to open `settings.source`, with its secrets as they are at this moment. Raises SettingsError."""
    scheme, address = settings.source.scheme, settings.source.reveal()
    if scheme not in (*_PLAIN, *_SCHEMES) and not settings.format:
        known = ", ".join(_SCHEMES)
        raise SettingsError(
            f"{settings.source}: unknown scheme {scheme}; allowed are {known}, a file, and any device with its `format`"
        )
    segmented = scheme in ("http", "https")
    silence = settings.timeout or (_SEGMENTED_SILENCE if segmented else _SILENCE)
    format, address, camera = _format(settings, scheme, address)
    options = _options(settings, scheme, silence) | tls_options(scheme, settings.ca_file) | settings.input_options
    listens = "listen" in options.get("rtsp_flags", "") or "listen" in options or "listen=1" in address
    if "rtsp_flags" in options:
        options = {"listen_timeout": f"{_LISTENING / 2:.0f}"} | options  # the default is out of FFmpeg's own range
    return SourceRequest(
        address=address,
        format=format,
        options=options,
        audio=settings.audio,
        paced=segmented or scheme in _PLAIN,
        always_paced=format == "lavfi",
        camera=camera,
        opening=_LISTENING if listens else OPENING_SECONDS,
        silence=silence,
        host=_host(scheme, address),
    )


def _format(settings: StreamSettings, scheme: str, address: str) -> tuple[str | None, str, int | str | None]:
    """FFmpeg's name of the format, what FFmpeg opens, and what OpenCV opens."""
    if settings.format and settings.format not in av.formats_available:
        raise SettingsError(
            f"`format` {settings.format}: FFmpeg has no such format; examples are x11grab, lavfi, v4l2 and mpegts"
        )
    if scheme == "webcam":
        device = find_webcam(address.partition(":")[2])
        return settings.format or device.format, device.file, device.camera
    if settings.format:
        return settings.format, address, None
    if scheme in ("udp", "tcp"):
        return "mpegts", address, None
    if scheme == "" and _is_device(address):
        return "v4l2", address, address
    return None, address, None


def _options(settings: StreamSettings, scheme: str, silence: float) -> dict[str, str]:
    microseconds = str(round(silence * 1e6))
    match scheme:
        case "rtsp" | "rtsps":
            options = {"rtsp_transport": settings.transport, "timeout": microseconds, **_SHORTEST_ANALYSIS}
            if settings.transport == "udp":
                options |= {"max_delay": str(_REORDER_MICROSECONDS), "buffer_size": str(_BUFFER_BYTES)}
            return options
        case "rtmp" | "rtmps" | "rtmpt":
            return {"rw_timeout": microseconds, **_SHORT_ANALYSIS}  # `timeout` would make it wait for a publisher
        case "http" | "https":
            # HLS: start at the newest segment; FFmpeg's default is three segments late.
            return {
                "rw_timeout": microseconds,
                "protocol_whitelist": _HTTP,
                "live_start_index": "-1",
                "fpsprobesize": "0",
            }
        case "udp":
            options = {"timeout": microseconds, "buffer_size": str(_BUFFER_BYTES), "overrun_nonfatal": "1"}
            return options | _SHORT_ANALYSIS
        case "tcp":
            return {"timeout": microseconds, **_SHORT_ANALYSIS}
        case "" | "file" if not settings.format:
            return {"protocol_whitelist": _LOCAL}
        case _:
            return {}


def _host(scheme: str, address: str) -> tuple[str, int] | None:
    """Host and port that TCP will connect to; None if it won't, or if that may be a proxy."""
    if scheme not in _PORTS or "listen=" in address:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS[scheme]
    except ValueError:  # FFmpeg may be able to parse it
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def _is_device(path: str) -> bool:
    try:
        return S_ISCHR(Path(path).stat().st_mode)
    except OSError:  # it does not exist now: the child will report that
        return path.startswith("/dev/video")
