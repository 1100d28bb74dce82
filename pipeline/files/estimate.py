"""Estimates the duration of a job before it starts: the network is timed, the encoder known by its preset."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from pipeline.files.plan import Plan
from pipeline.media.encoding.codecs import encoder_spec, pixel_rate
from pipeline.superres.sessions import SessionRequest, open_session
from pipeline.system import host

_TRIAL_WIDTH, _TRIAL_HEIGHT = 192, 108
_TRIAL_SECONDS = 0.5
_PARALLEL_GAIN = 2  # how many times as fast parallel encoders are


@dataclass(frozen=True)
class Estimate:
    """The expected speed of a job.

    Attributes:
        rate: Frames per second.
        seconds: Duration of the job; None if the number of frames is unknown.
        bottleneck: What limits the rate: "the model" or "the encoder".
    """

    rate: float
    seconds: float | None
    bottleneck: str


def estimate(plan: Plan) -> Estimate:
    """Time the network of `plan` on this machine for about half a second, and look up the speed of its encoder."""
    rates = {"the model": model_rate(plan), "the encoder": encoder_rate(plan)}
    bottleneck = min(rates, key=lambda name: rates[name])
    frames = plan.frames
    return Estimate(rates[bottleneck], frames / rates[bottleneck] if frames else None, bottleneck)


def model_rate(plan: Plan) -> float:
    """Frames per second of the network alone; on the CPU extrapolated from a small frame."""
    format = plan.input_format
    if plan.backend == "onnx":
        small = replace(format, width=min(format.width, _TRIAL_WIDTH), height=min(format.height, _TRIAL_HEIGHT))
    else:
        small = format
    with open_session(SessionRequest(plan.backend, plan.model, small, plan.settings)) as session:
        session.run_network(1)
        frames, began = 0, time.perf_counter()
        while time.perf_counter() - began < _TRIAL_SECONDS:
            session.run_network(1)
            frames += 1
        rate = frames / (time.perf_counter() - began)
    return rate * (small.width * small.height) / (format.width * format.height)


def encoder_rate(plan: Plan) -> float:
    """Frames per second of the encoder, by a rule of thumb."""
    encoding = plan.encoding
    speed = pixel_rate(encoder_spec(encoding.codec), encoding.options.get("preset", "medium"))
    pixels = encoding.format.width * encoding.format.height
    speed *= _PARALLEL_GAIN if encoding.encoders > 1 else 1
    return speed * host.cores() / pixels
