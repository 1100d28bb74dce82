"""uprez itself, as `uprez bench` measures it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.config.settings import Settings
from pipeline.diagnostics.benchmark import Bench, measure
from pipeline.files.plan import make_plan
from pipeline.media.decoding.decoder import decode_frames
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe
from pipeline.superres.sessions import SessionRequest, open_session
from upscalers.case import Case, Outcome
from upscalers.timing import ENCODER, OPTIONS


def outcome(case: Case) -> Outcome:
    report = measure(Bench(_settings(case), case.clip, (case.width, case.height), case.seconds))
    return Outcome(
        about=f"{report.backend}; encoder {report.encoder}",
        engine=report.row("engine"),
        discarded=report.row("discarded"),
        encoded=report.row("encoded"),
    )


def first_luma(case: Case) -> NDArray[np.uint8]:
    """Luma of the clip's first picture, upscaled: what the peers' are compared with."""
    plan = make_plan(probe(case.clip), case.folder / "result.mkv", _settings(case))
    format = plan.media.video.format
    with (
        open_session(SessionRequest(plan.backend, plan.model, format, plan.settings, plan.output_format)) as session,
        FileSource(case.clip) as source,
    ):
        frame = next(decode_frames(source, format))
        done = session.collect(session.submit(frame))
        luma: NDArray[np.uint8] = done.planes[0].copy()
        done.release()
        return luma


def _settings(case: Case) -> Settings:
    backend = {"cuda": "tensorrt", "cpu": "onnx"}[case.device]
    return Settings.load(None, model=case.network, backend=backend, codec=ENCODER, **OPTIONS)
