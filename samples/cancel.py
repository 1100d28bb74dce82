"""A library call that can be stopped: here after two seconds, with a playable part.

python samples/cancel.py VIDEO
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pipeline


def main() -> None:
    job = pipeline.Job()
    threading.Timer(2.0, job.stop).start()
    source = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("clip.mp4")
    result = pipeline.upscale(source, job=job, progress=tell, overwrite=True)
    print(f"{result.path}: {result.frames_out} frames, {'stopped before the end' if result.stopped else 'complete'}")


def tell(at: pipeline.Progress) -> None:
    print(f"{at.done} of {at.total} frames, {at.rate:.1f} a second, the wall is {at.bottleneck}")


if __name__ == "__main__":
    main()
