"""Jobs as most tests run them: quickly, on the CPU, with a network that changes nothing."""

from pathlib import Path
from typing import Any

import pipeline


def upscale(source: Path, sink: Path | None, **options: Any) -> pipeline.Result:
    return pipeline.upscale(source, sink, **({"model": "identity", "backend": "onnx", "preset": "ultrafast"} | options))
