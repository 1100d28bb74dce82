"""Record twenty seconds of a live stream, upscaled, and print its delay.

python samples/watch.py [SOURCE]      rtsp://camera/stream, webcam:0, a video; default: the sample clip, in real time
"""

from __future__ import annotations

import sys
from pathlib import Path

import pipeline

CLIP = Path(__file__).with_name("clip.mp4")


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else str(CLIP)
    settings = pipeline.LiveSettings.load(None, source=source, to="watched.mkv", for_=20)
    live = pipeline.Live(settings)  # live.stop(), from any thread, ends it earlier
    live.run(report)
    for name, failure in live.failures.items():
        print(f"{name}: {failure}")


def report(figures: pipeline.LiveFigures) -> None:
    (stream,) = figures.streams
    delay = f", delay {1000 * stream.delay.p50:.0f} ms" if stream.delay else ""
    print(f"{stream.status}: {stream.frames_out} of {stream.frames_in} frames{delay}")


if __name__ == "__main__":
    main()
