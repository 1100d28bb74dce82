"""A live stream from Python: twenty seconds of a camera into a file, with its delay told as it goes.

python samples/watch.py [SOURCE]      rtsp://camera/stream, webcam:0, a video; left out: the sample clip, in real time
"""

from __future__ import annotations

import sys
from pathlib import Path

import pipeline


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).with_name("clip.mp4"))
    settings = pipeline.LiveSettings.load(None, source=source, to="watched.mkv", **{"for": 20})
    live = pipeline.Live(settings)  # live.stop(), from any thread, ends it sooner
    live.run(tell)
    for name, failure in live.failures.items():
        print(f"{name}: {failure}")


def tell(figures: pipeline.LiveFigures) -> None:
    (stream,) = figures.streams
    delay = f", {1000 * stream.delay.p50:.0f} ms late" if stream.delay else ""
    print(f"{stream.status}: {stream.frames_out} frames of {stream.frames_in}{delay}")


if __name__ == "__main__":
    main()
