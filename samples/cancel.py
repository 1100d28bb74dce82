"""Stop a running job, here after two seconds: the part that is finished is kept as a playable file.

python samples/cancel.py [VIDEO]
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pipeline

CLIP = Path(__file__).with_name("clip.mp4")


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else CLIP
    job = pipeline.Job()
    timer = threading.Timer(2.0, job.stop)  # stop may be called from any thread, or a signal handler
    timer.start()
    result = pipeline.upscale(source, job=job, progress=report, overwrite=True)
    timer.cancel()
    print(f"{result.path}: {result.frames_out} frames, {'stopped early' if result.stopped else 'complete'}")


def report(progress: pipeline.Progress) -> None:
    frames = f"{progress.done} of {progress.total} frames"
    print(f"{frames}, {progress.rate:.1f} frames/s; the bottleneck is {progress.bottleneck}")


if __name__ == "__main__":
    main()
