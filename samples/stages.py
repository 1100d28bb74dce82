"""Decode and upscale a video frame by frame, and use each frame as you like.

python samples/stages.py [VIDEO]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pipeline

CLIP = Path(__file__).with_name("clip.mp4")


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CLIP
    settings = pipeline.Settings.load(None, model="clear-x2", streams="video")
    plan = pipeline.make_plan(pipeline.probe(path), None, settings)
    with pipeline.open_source(plan) as source, pipeline.open_session(plan.session_request) as session:
        decoder = pipeline.decoding_stage(plan, source)
        for packet in source:
            for frame in decoder.feed(packet):
                # On a GPU, several frames may be submitted before the first is collected.
                show(session.collect(session.submit(frame)))
        for frame in decoder.finish():
            show(session.collect(session.submit(frame)))


def show(frame: pipeline.Frame) -> None:
    print(f"pts {frame.pts}: {frame.format}, mean luma {frame.planes[0].mean():.1f}")
    frame.release()


if __name__ == "__main__":
    main()
