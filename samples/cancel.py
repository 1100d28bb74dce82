"""Stop a running job, here after two seconds: the finished part is kept as a playable file, NAME.partial.mkv.

python samples/cancel.py [VIDEO [OUTPUT]]      # default: the sample clip, cancelled.mkv
"""

from __future__ import annotations

import sys
from pathlib import Path

import pipeline

CLIP = Path(__file__).with_name("clip.mp4")
SECONDS = 2.0


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else CLIP
    output = sys.argv[2] if len(sys.argv) > 2 else "cancelled.mkv"
    job = pipeline.Job()

    def report(progress: pipeline.Progress) -> None:
        frames = f"{progress.done} of {progress.total} frames"
        print(f"{frames}, {progress.rate:.1f} frames/s; the bottleneck is {progress.bottleneck}")
        if progress.done and progress.seconds > SECONDS:
            job.stop()  # it may be called from any thread, or a signal handler

    result = pipeline.upscale(source, output, job=job, progress=report, overwrite=True)
    print(f"{result.path}: {result.frames_out} frames, {'stopped early' if result.stopped else 'complete'}")


if __name__ == "__main__":
    main()
