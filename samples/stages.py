"""The stages on their own: decode and upscale a clip, and do with each frame what you like.

python samples/stages.py [VIDEO]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from pipeline.frame import Frame
from pipeline.media.decoding.decoder import decode_frames
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe
from pipeline.models import catalogue
from pipeline.superres.cpu.network import CpuNetwork
from pipeline.superres.cpu.session import OnnxSession


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("clip.mp4")
    format = probe(path).video.format
    model = catalogue.find("clear-x2", np.float32)
    with FileSource(path) as source, OnnxSession(CpuNetwork(model), format) as session:
        for frame in decode_frames(source, format):
            ticket = session.submit(frame)  # on a GPU several frames may be under way before the first is collected
            show(session.collect(ticket))


def show(frame: Frame) -> None:
    luma = frame.planes[0]
    print(f"pts {frame.pts}: {frame.format}, mean luma {luma.mean():.1f}")
    frame.release()


if __name__ == "__main__":
    main()
