"""What a child process may use: environment variables that it needs, and limits of the system on memory and files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

MAX_MEMORY = 1 << 30  # bytes of data: sources and outputs take some 100 MB
_MAX_FILES = 512

_NEEDED = frozenset(
    "PATH HOME USERPROFILE LANG LANGUAGE TZ TMPDIR TEMP TMP SYSTEMROOT WINDIR SYSTEMDRIVE APPDATA LOCALAPPDATA "
    "LD_LIBRARY_PATH DYLD_LIBRARY_PATH SSL_CERT_FILE SSL_CERT_DIR http_proxy https_proxy all_proxy no_proxy HTTP_PROXY "
    "HTTPS_PROXY ALL_PROXY NO_PROXY DISPLAY XAUTHORITY WAYLAND_DISPLAY XDG_RUNTIME_DIR PULSE_SERVER VIRTUAL_ENV".split()
)
_NEEDED_PREFIXES = ("LC_", "PYTHON", "COVERAGE_", "OPENCV_")  # of locales, of Python, of the measurement in tests


def needed_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a child needs; passwords and tokens for others are not among them."""
    return {
        name: value
        for name, value in environment.items()
        if name in _NEEDED or name.upper() in _NEEDED or name.startswith(_NEEDED_PREFIXES)
    }


def limit_resources() -> None:
    """Limit the memory and the open files of this process, and let it leave no core dump. No effect on Windows."""
    try:
        import resource
    except ImportError:
        return
    for kind, limit in (
        (resource.RLIMIT_DATA, MAX_MEMORY),
        (resource.RLIMIT_NOFILE, _MAX_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with contextlib.suppress(OSError, ValueError):  # a system that does not know this limit
            resource.setrlimit(kind, (least, least))


def import_path(root: str) -> str:
    """The value of PYTHONPATH for a child: first `root`, the folder that this process imported the package from."""
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
