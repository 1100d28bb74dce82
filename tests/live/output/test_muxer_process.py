"""The child that writes an output, without the parent's code; test_output.py runs both."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.config.address import Address
from pipeline.live.output.destination import output_target
from pipeline.live.output.segments import finished_segments
from pipeline.live.process import wire
from pipeline.live.process.messages import ConnectionOpened
from tests import live_packets
from tests.live.output.running import PATIENCE, SETTINGS


def test_packets_that_the_parent_sent_before_it_ended_are_written(tmp_path: Path) -> None:
    streams, packets = live_packets.coded(50)
    request = output_target(Address(str(tmp_path / "cam.mp4")), SETTINGS).request(streams)
    child = subprocess.Popen(
        [sys.executable, "-m", "pipeline.live.output.muxer_process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child, child.stdin:
        pickle.dump(request, child.stdin)
        child.stdin.flush()
        assert isinstance(wire.read(cast("BinaryIO", child.stdout)), ConnectionOpened)
        child.stdout.close()  # nobody receives the child's answers to the packets
        for packet in packets:
            pickle.dump(packet, child.stdin)
        child.stdin.close()
        assert child.wait(PATIENCE) == 0
    (file,) = finished_segments(tmp_path / "cam.mp4")
    assert live_packets.frame_count(file) == 50
