"""Shared by the programs of this folder: settings as JSON on the command line, and an exit when standard input ends."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any


def settings() -> dict[str, Any]:
    """Reads the settings. From now on the program exits when its standard input ends, as when its parent is killed."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    return dict(json.loads(sys.argv[1]))


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)
