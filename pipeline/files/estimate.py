"""How long a job will take, before it starts: the model is timed, the encoder is known by its preset."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from pipeline.files.plan import Plan
from pipeline.media.encoding.codecs import encoder_spec, pixel_rate
from pipeline.superres.sessions import open_session
from pipeline.system import host

_TRIAL_WIDTH, _TRIAL_HEIGHT = 192, 108
_TRIAL_SECONDS = 0.5
_SEVERAL = 2  # times as fast are several encoders at once


@dataclass(frozen=True)
class Estimate:
    """rate: frames in a second. seconds: for the whole, None if its length is unknown. wall: what limits the rate."""

    rate: float
    seconds: float | None
    wall: str


def estimate(plan: Plan) -> Estimate:
    """Time `plan`'s model on this machine for about half a second, and add what is known of its encoder."""
    rates = {"the model": model_rate(plan), "the encoder": encoder_rate(plan)}
    wall = min(rates, key=lambda name: rates[name])
    frames = plan.frames
    return Estimate(rates[wall], frames / rates[wall] if frames else None, wall)


def model_rate(plan: Plan) -> float:
    """Frames a second of the model alone; on the CPU extrapolated from a small picture."""
    format = plan.given
    if plan.backend == "onnx" and not plan.model.size:
        small = replace(format, width=min(format.width, _TRIAL_WIDTH), height=min(format.height, _TRIAL_HEIGHT))
    else:
        small = format
    with open_session(plan.backend, plan.model, small, plan.settings) as session:
        session.bare(1)
        frames, began = 0, time.perf_counter()
        while time.perf_counter() - began < _TRIAL_SECONDS:
            session.bare(1)
            frames += 1
        rate = frames / (time.perf_counter() - began)
    return rate * (small.width * small.height) / (format.width * format.height)


def encoder_rate(plan: Plan) -> float:
    """Frames a second of the encoder, as a rule of thumb."""
    encoding = plan.encoding
    speed = pixel_rate(encoder_spec(encoding.codec), encoding.options.get("preset", "medium"))
    pixels = encoding.format.width * encoding.format.height
    speed *= _SEVERAL if encoding.encoders > 1 else 1
    return speed * host.cores() / pixels
