"""A pipeline with a stage of one's own: every frame is darkened towards its edges between upscaler and encoder.

python samples/own_stage.py [VIDEO [OUTPUT]]      # default: the sample clip, vignette.mkv
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import pipeline

CLIP = Path(__file__).with_name("clip.mp4")


class Vignette(pipeline.Stage[pipeline.Frame, pipeline.Frame]):
    """Darkens luma towards the edges, in place."""

    def feed(self, item: pipeline.Frame) -> Iterator[pipeline.Frame]:
        luma = item.planes[0]
        y, x = np.ogrid[-1 : 1 : luma.shape[0] * 1j, -1 : 1 : luma.shape[1] * 1j]
        luma[:] = luma * (1 - 0.25 * (x**2 + y**2))
        yield item


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CLIP
    output = Path(sys.argv[2] if len(sys.argv) > 2 else "vignette.mkv")
    settings = pipeline.Settings.load(None, streams="video", overwrite=True)
    plan = pipeline.make_plan(pipeline.probe(path), output, settings)
    with (
        pipeline.open_source(plan) as source,
        pipeline.open_sink(plan, source) as sink,
        pipeline.open_session(plan.session_request) as session,
    ):
        stages: dict[str, pipeline.Stage[Any, Any]] = {  # each runs in a thread of its own
            "decode": pipeline.decoding_stage(plan, source),
            "submit": pipeline.Submit(session),
            "upscale": pipeline.Chain(pipeline.Collect(session), Vignette()),
            "encode": pipeline.Chain(sink.encoder(plan.time_base), sink),
        }
        running = pipeline.Pipeline(source, stages, capacity=settings.queue)
        running.start()
        running.wait()  # raises the first error of any thread
        print(sink.commit(overwrite=settings.overwrite))


if __name__ == "__main__":
    main()
