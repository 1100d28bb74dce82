"""The facts on the system that tests need while they are collected; Windows has no users and no SIGHUP."""

import os
import signal

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
ENDING_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""The signals that end a command."""
SIGNALS_AFTER_CTRL_C = ENDING_SIGNALS[1:]
"""The signals that end a command as Ctrl-C does."""
