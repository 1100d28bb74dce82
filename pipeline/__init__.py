"""uprez: super-resolving video at stream rate.

import pipeline
pipeline.upscale("in.mp4", "out.mkv", model="clear-x2", progress=print)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.config.live_settings import LiveSettings
    from pipeline.config.settings import Settings
    from pipeline.errors import (
        BackendError,
        Cancelled,
        InputError,
        MismatchError,
        ModelError,
        OutputError,
        RefusedError,
        SettingsError,
        UprezError,
    )
    from pipeline.files.job import Job, upscale
    from pipeline.files.result import Result
    from pipeline.flow.telemetry import Progress
    from pipeline.live.service import Live
    from pipeline.live.stats import LiveFigures
    from pipeline.media.reading.media_info import MediaInfo
    from pipeline.media.reading.probe import probe
    from pipeline.verification.compare import verify
    from pipeline.verification.verdict import Verdict

__version__ = "0.1.0"

_HOMES = {
    "pipeline.errors": (
        "BackendError Cancelled InputError MismatchError ModelError OutputError RefusedError SettingsError UprezError"
    ),
    "pipeline.live.stats": "LiveFigures",
    "pipeline.live.service": "Live",
    "pipeline.config.live_settings": "LiveSettings",
    "pipeline.media.reading.media_info": "MediaInfo",
    "pipeline.media.reading.probe": "probe",
    "pipeline.verification.verdict": "Verdict",
    "pipeline.verification.compare": "verify",
    "pipeline.files.job": "Job upscale",
    "pipeline.files.result": "Result",
    "pipeline.config.settings": "Settings",
    "pipeline.flow.telemetry": "Progress",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "BackendError",
    "Cancelled",
    "InputError",
    "Job",
    "Live",
    "LiveFigures",
    "LiveSettings",
    "MediaInfo",
    "MismatchError",
    "ModelError",
    "OutputError",
    "Progress",
    "RefusedError",
    "Result",
    "Settings",
    "SettingsError",
    "UprezError",
    "Verdict",
    "probe",
    "upscale",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: `import pipeline` alone costs next to nothing."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)
