"""Runs jobs as most tests need them: fast, on the CPU, with the identity as network."""

from pathlib import Path
from typing import Any

import pipeline


def upscale(source: Path, sink: Path | None, **options: Any) -> pipeline.Result:
    return pipeline.upscale(source, sink, **({"model": "identity", "backend": "onnx", "preset": "ultrafast"} | options))
