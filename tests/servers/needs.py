"""Programs and libraries that tests need besides Python's packages, and the Debian packages that contain them."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

_GST = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer;"
    "Gst.init(None);"
    "assert all(map(Gst.ElementFactory.find, 'x264enc avenc_aac h264parse rtph264pay appsink'.split()))"
)

PACKAGES = {
    "gst-rtsp-server": "python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0 gstreamer1.0-rtsp "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly "
    "gstreamer1.0-libav",
    "nginx-rtmp": "nginx-light libnginx-mod-rtmp",
    "xvfb": "xvfb",
    "xdotool": "xdotool",
    "chromium": "chromium",
}
"""Packages to install with apt-get, by the need that a test states."""


def _has_gst() -> bool:
    python = "/usr/bin/python3"
    if not Path(python).exists():
        return False
    return subprocess.run([python, "-c", _GST], capture_output=True, timeout=30, check=False).returncode == 0


def _has_nginx() -> bool:
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin") is not None and Path(RTMP_MODULE).exists()


RTMP_MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

_PRESENT: dict[str, Callable[[], bool]] = {
    "gst-rtsp-server": _has_gst,
    "nginx-rtmp": _has_nginx,
    "xvfb": lambda: shutil.which("Xvfb") is not None,
    "xdotool": lambda: shutil.which("xdotool") is not None,
    "chromium": lambda: shutil.which("chromium") is not None,
}


@functools.cache
def missing(need: str) -> str | None:
    """Returns why a test that needs this can't run here, and how to install it; None if it can."""
    if need not in _PRESENT:
        return None if importlib.util.find_spec(need) else f"needs the Python package {need}: pip install {need}"
    if os.environ.get("UPREZ_TEST_SERVERS") == "none":
        return "UPREZ_TEST_SERVERS=none: `make test-live` runs the tests against real servers"
    if _PRESENT[need]():
        return None
    return f"needs {need}: `make test-live`, or apt-get install {PACKAGES[need]}"
