"""What the address of a live source means to FFmpeg, with what makes it come early and never wait for ever.

- RTSP brings its packets over TCP unless told otherwise; over UDP, one that is missing is waited for 0.1 s.
- MPEG-TS is what UDP and bare TCP carry, unless `format` says otherwise.
- HTTP may be a stream without end, an HLS playlist or a file. Playlists and files come faster than they play, so they
  are read at the pace of their clock, like files on disk and what libavfilter makes (format "lavfi"). These begin anew
  at their end.
- `webcam:0`, `webcam:NAME`: see devices.py. Any other device goes by its `format`.

`input_options` go over all that is set here.
"""

from __future__ import annotations

from pathlib import Path
from stat import S_ISCHR
from urllib.parse import urlsplit

import av

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.live.input.webcam import webcam
from pipeline.live.process.messages import OpenSource
from pipeline.live.process.tls import tls_options

# Codec and size are in the first key frame, or were announced; FFmpeg goes on looking for a rate, for reordering and
# for streams that never come. Measured: the first frame of RTMP comes after 0.5 s instead of 5, that of RTSP, which
# announces all, after 0.2 s instead of 1.2.
_BRIEF = {"analyzeduration": "500000", "fpsprobesize": "0"}
_BRIEFEST = {"analyzeduration": "100000", "fpsprobesize": "0"}
_REORDER_MICROSECONDS = 100_000
_BUFFER_BYTES = 2 << 20  # of the system's, for a socket: a key frame in 4K comes as some hundred datagrams at once

# A playlist or a redirection from the network must not lead to this machine's files.
_HTTP = "http,https,httpproxy,tcp,tls,crypto"
_LOCAL = "file,crypto"

_SILENCE = 10.0
_SILENCE_IN_PIECES = 30.0  # HLS brings a segment at a time, HTTP may
_OPENING = 30.0  # in which slow sources come to a second frame; what gives no answer FFmpeg leaves after the silence
_LISTENING = 60.0  # for somebody to come

_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443}  # not tcp: who takes one call may take no second
_PLAIN = ("", "file")
_SCHEMES = "rtsp rtsps rtmp rtmps rtmpt http https udp tcp webcam".split()


def source_of(settings: StreamSettings) -> OpenSource:
    """What to open for `settings.source`, with its secrets as they are at this moment. Raises SettingsError."""
    scheme, address = settings.source.scheme, settings.source.reveal()
    if scheme not in (*_PLAIN, *_SCHEMES) and not settings.format:
        known = ", ".join(_SCHEMES)
        raise SettingsError(
            f"{settings.source}: {scheme} can't be read; {known} can, a file, and any device with its FFmpeg format"
        )
    in_pieces = scheme in ("http", "https")
    silence = settings.timeout or (_SILENCE_IN_PIECES if in_pieces else _SILENCE)
    format, address, camera = _format(settings, scheme, address)
    options = _options(settings, scheme, silence) | tls_options(scheme, settings.ca_file) | settings.input_options
    listens = "listen" in options.get("rtsp_flags", "") or "listen" in options or "listen=1" in address
    if "rtsp_flags" in options:
        options = {"listen_timeout": f"{_LISTENING / 2:.0f}"} | options  # by default it is out of FFmpeg's own range
    return OpenSource(
        address=address,
        format=format,
        options=options,
        audio=settings.audio,
        paced=in_pieces or scheme in _PLAIN,
        always_paced=format == "lavfi",
        camera=camera,
        opening=_LISTENING if listens else _OPENING,
        silence=silence,
        host=_host(scheme, address),
    )


def _format(settings: StreamSettings, scheme: str, address: str) -> tuple[str | None, str, int | str | None]:
    """FFmpeg's name of the format, what it is to open, and what OpenCV is."""
    if settings.format and settings.format not in av.formats_available:
        raise SettingsError(
            f"--format {settings.format}: FFmpeg has none of that name; x11grab, lavfi, v4l2 and mpegts are such"
        )
    if scheme == "webcam":
        device = webcam(address.partition(":")[2])
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
            options = {"rtsp_transport": settings.transport, "timeout": microseconds, **_BRIEFEST}
            if settings.transport == "udp":
                options |= {"max_delay": str(_REORDER_MICROSECONDS), "buffer_size": str(_BUFFER_BYTES)}
            return options
        case "rtmp" | "rtmps" | "rtmpt":
            return {"rw_timeout": microseconds, **_BRIEF}  # its `timeout` would have it wait for a publisher
        case "http" | "https":
            # HLS: the newest segment; from three before, as is usual, each would be three segments late.
            return {
                "rw_timeout": microseconds,
                "protocol_whitelist": _HTTP,
                "live_start_index": "-1",
                "fpsprobesize": "0",
            }
        case "udp":
            return {"timeout": microseconds, "buffer_size": str(_BUFFER_BYTES), "overrun_nonfatal": "1", **_BRIEF}
        case "tcp":
            return {"timeout": microseconds, **_BRIEF}
        case "" | "file" if not settings.format:
            return {"protocol_whitelist": _LOCAL}
        case _:
            return {}


def _host(scheme: str, address: str) -> tuple[str, int] | None:
    """Whom to call over TCP; None where that isn't the way, or may be another's, a proxy's."""
    if scheme not in _PORTS or "listen=" in address:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS[scheme]
    except ValueError:  # FFmpeg may make sense of it
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def _is_device(path: str) -> bool:
    try:
        return S_ISCHR(Path(path).stat().st_mode)
    except OSError:  # not there now: the child will tell
        return path.startswith("/dev/video")
