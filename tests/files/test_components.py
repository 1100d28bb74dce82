"""The parts of a job's pipeline. Whole jobs are tested in test_job.py."""

from pathlib import Path

import av

from pipeline.config.settings import Settings
from pipeline.files.components import decoding_stage, open_source, queue_weight
from pipeline.files.plan import make_plan
from pipeline.frame import Frame
from pipeline.media.reading.probe import probe
from pipeline.superres.stages import Pending, RepeatedFrame
from tests.frames import format_of, noise

SETTINGS = Settings.load(None, backend="onnx", model="identity", frames=3)


def test_the_decoding_stage_yields_the_frames_of_the_excerpt_and_passes_packets(clip: Path) -> None:
    plan = make_plan(probe(clip), None, SETTINGS)
    with open_source(plan) as source:
        stage = decoding_stage(plan, source)
        items = [item for packet in source for item in stage.feed(packet)] + list(stage.finish())
        times = [item.pts for item in items if isinstance(item, Frame)]
        kinds = {item.stream.type for item in items if isinstance(item, av.Packet)}
    assert times == [0, 512, 1024]
    assert kinds == {"audio"}


def test_frames_weigh_one_and_packets_nothing() -> None:
    frame = noise(format_of("yuv420p"))
    assert [queue_weight(item) for item in (frame, Pending(0), RepeatedFrame(0, 1), object())] == [1, 1, 1, 0]
