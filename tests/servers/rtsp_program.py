"""A real RTSP server, GStreamer's, on 127.0.0.1. usage: /usr/bin/python3 rtsp_program.py SETTINGS (JSON; see rtsp.py)

It needs Debian's packages, which only the system's Python has, so it imports nothing of this project.

/live   a camera: a moving ball, always on, one encoder for all viewers
/ends   the same without audio, for two seconds
/pub    accepts a publisher (RECORD), whose packets are served unchanged at /relay; /in and /out likewise
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

CODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} ! h264parse",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} ! h265parse",
}
TONE = "audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse"
SOUND = "rtpmp4gdepay name=depay1 ! appsink name=sound sync=false"
LATENCY = 0  # ms; TCP keeps the order
MOST_WAITING = 64  # buffers for viewers of a relay


def main() -> None:
    Gst.init(None)
    settings = json.loads(sys.argv[1])
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(settings["port"]))
    server.get_thread_pool().set_max_threads(-1)  # one per client: a waiting viewer must not block a publisher
    mounts = server.get_mount_points()
    few = f"num-buffers={2 * max(1, int(settings['rate']))}"
    factories = {"/live": camera(settings), "/ends": camera({**settings, "audio": False}, few)}
    for inlet, outlet in (("/pub", "/relay"), ("/in", "/out")):
        factories.update(Relay(settings, inlet).factories(inlet, outlet))
    for path, factory in factories.items():
        mounts.add_factory(path, factory)
    if settings["password"]:
        lock(server, factories.values(), settings)
    server.attach(None)
    loop = GLib.MainLoop()
    threading.Thread(target=end_with_parent, daemon=True).start()
    loop.run()


def end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def camera(settings: dict[str, Any], source_options: str = "") -> GstRtspServer.RTSPMediaFactory:
    width, height = settings["size"]
    rate = settings["rate"]
    fraction = f"{int(rate)}/1" if rate >= 1 else f"1/{round(1 / rate)}"
    coder = CODERS[settings["codec"]].format(gop=max(1, int(rate)))
    payload = settings["codec"]
    launch = (
        f"( videotestsrc is-live=true pattern=ball {source_options} ! "
        f"video/x-raw,format=I420,width={width},height={height},framerate={fraction} ! {coder} ! "
        f"rtp{payload}pay name=pay0 pt=96 config-interval=1 "
    )
    if settings["audio"]:
        launch += f"{TONE} ! rtpmp4gpay name=pay1 pt=97 "
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch + ")")
    factory.set_shared(True)
    factory.set_latency(LATENCY)
    return factory


class Relay:
    """Relays packets from one path to another without decoding. One publisher, any number of viewers."""

    def __init__(self, settings: dict[str, Any], name: str) -> None:
        self.name = name
        self.records = settings["records"]
        self.codec = settings["codec"]
        self.audio = settings["audio"]
        self.sources: dict[str, Any] = {}  # appsrc of the viewers, by name
        self.caps: dict[str, Any] = {}
        self.lock = threading.Lock()

    def factories(self, inlet: str, outlet: str) -> dict[str, Any]:
        inlet_factory = GstRtspServer.RTSPMediaFactory()
        inlet_factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
        inlet_factory.set_latency(LATENCY)
        tail = "appsink name=video sync=false"
        inlet_factory.set_launch(
            f"( rtp{self.codec}depay name=depay0 ! {self.codec}parse config-interval=-1 ! "
            f"video/x-{self.codec},stream-format=byte-stream,alignment=au ! {tail} {SOUND if self.audio else ''} )"
        )
        inlet_factory.connect("media-configure", self.take)
        outlet_factory = GstRtspServer.RTSPMediaFactory()
        outlet_factory.set_shared(True)
        outlet_factory.set_latency(LATENCY)
        source = f"is-live=true do-timestamp=true format=time leaky-type=downstream max-buffers={MOST_WAITING}"
        launch = (
            f"( appsrc name=video {source} caps=video/x-{self.codec},stream-format=byte-stream,alignment=au ! "
            f"{self.codec}parse ! rtp{self.codec}pay name=pay0 pt=96 config-interval=-1 "
        )
        if self.audio:
            launch += f"appsrc name=sound {source} ! aacparse ! rtpmp4gpay name=pay1 pt=97 "
        outlet_factory.set_launch(launch + ")")
        outlet_factory.connect("media-configure", self.give)
        return {inlet: inlet_factory, outlet: outlet_factory}

    def take(self, _: object, media: GstRtspServer.RTSPMedia) -> None:
        element = media.get_element()
        for name in ("video", "sound") if self.audio else ("video",):
            sink = element.get_by_name(name)
            sink.set_property("emit-signals", True)
            sink.connect("new-sample", self.forward, name)

    def give(self, _: object, media: GstRtspServer.RTSPMedia) -> None:
        element = media.get_element()
        with self.lock:
            for name in ("video", "sound") if self.audio else ("video",):
                self.sources[name] = element.get_by_name(name)
                if self.caps.get(name):
                    self.sources[name].set_property("caps", self.caps[name])

    def forward(self, sink: Any, name: str) -> Gst.FlowReturn:
        sample = sink.emit("pull-sample")
        if self.records and name == "video":
            self.record(sample.get_buffer(), sample.get_caps().get_structure(0))
        with self.lock:
            source, caps = self.sources.get(name), sample.get_caps()
            if not self.caps.get(name) or not self.caps[name].is_equal(caps):
                self.caps[name] = caps
                if source:
                    source.set_property("caps", caps)
        if source:
            buffer = sample.get_buffer().copy_deep()
            buffer.pts = buffer.dts = Gst.CLOCK_TIME_NONE  # of the viewer's clock: do-timestamp
            source.emit("push-buffer", buffer)
        return Gst.FlowReturn.OK

    def record(self, buffer: Gst.Buffer, caps: Gst.Structure) -> None:
        values = {
            "path": self.name,
            "at": time.monotonic(),
            "seconds": buffer.pts / Gst.SECOND if buffer.pts != Gst.CLOCK_TIME_NONE else None,
            "key": not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT),
            "size": [caps.get_value("width"), caps.get_value("height")],
        }
        print(json.dumps(values), flush=True)


def lock(server: GstRtspServer.RTSPServer, factories: Iterable[Any], settings: dict[str, Any]) -> None:
    """Requires a password, by digest or basic authentication."""
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    user, password = settings["user"], settings["password"]
    if settings["digest"]:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    for factory in factories:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("user", "media.factory.access", True)
        permissions.add_permission_for_role("user", "media.factory.construct", True)
        factory.set_permissions(permissions)


if __name__ == "__main__":
    main()
