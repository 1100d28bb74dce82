"""The rate of a network on a GPU alone, and with each step around it added.

- network       the network alone, its lanes in turn
- + to_rgb      the kernel that converts the frame's samples to the network's input, before it
- + from_rgb    the kernel that converts the network's output to samples, after it
- + copies      the copies from and to page-locked memory, on streams of their own
- + session     a session in one thread: Python's part of `submit` and `collect`, and the copy into page-locked memory
- + threads     the same with `submit` and `collect` in threads of their own, as in a job

Steps overlap on the GPU, as they do in a job. No codecs: `uprez bench` measures those.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config.settings import Settings
from pipeline.diagnostics.session_rate import measure_session_rate
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.superres.backend_choice import choose_model
from pipeline.superres.gpu.lane_rate import frames_per_second
from pipeline.superres.gpu.launch import ConversionKernels, conversion_kernels
from pipeline.superres.gpu.network_choice import GpuLane, open_network
from pipeline.superres.gpu.samples import packed_samples
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.library import load_if_installed
from pipeline.superres.gpu.tensorrt.network import EngineResources
from pipeline.superres.session import Session
from pipeline.superres.sessions import SessionRequest, open_session
from pipeline.system.cuda import Gpu, gpu_errors

if TYPE_CHECKING:
    from cuda.core import Stream

STEPS = ("network", "+ to_rgb", "+ from_rgb", "+ copies", "+ session", "+ threads")


@dataclass(frozen=True)
class StepRate:
    """The rate with one step more than the row before.

    Attributes:
        step: One of STEPS.
        rate: Frames/s.
    """

    step: str
    rate: float


def step_rates(settings: Settings, width: int, height: int, seconds: float = 0.5) -> list[StepRate]:
    """Measure all STEPS on 8-bit 4:2:0 frames of noise.

    Args:
        settings: Its `model`, `precision`, `engine`, `contexts`, `slots` and first `device`.
        width: Of the frames, in pixels.
        height: Of the frames, in pixels.
        seconds: How long to measure each step.

    Raises:
        BackendError, ModelError: There is no GPU, or the network can't be built.
    """
    gpu, model = Gpu(settings.device[0]), choose_model(settings, "tensorrt")
    source = FrameFormat(width, height, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    resources = EngineResources(gpu, load_if_installed(settings.engine), EngineCache(), model)
    output = source.enlarged(model.scale)
    rates = []
    with gpu_errors("measuring the rates of a frame's steps"), ExitStack() as opened:
        network = opened.enter_context(closing(open_network(resources, settings.engine, height, width)))
        kernels = conversion_kernels(gpu.device, model, source, output, network.interleaved)
        lanes = [opened.enter_context(closing(network.lane())) for _ in range(settings.contexts)]
        for steps in range(4):
            with ExitStack() as step:
                formats = source, output
                passes = [step.enter_context(closing(PassLane(gpu, lane, kernels, formats, steps))) for lane in lanes]
                rates.append(frames_per_second(passes, seconds))
    with open_session(SessionRequest("tensorrt", model, source, settings)) as session:
        rates.append(frames_per_second([SessionLane(session, noise(source), settings.slots)], seconds))
        rates.append(measure_session_rate(session, [noise(source)], seconds))
    return [StepRate(name, rate) for name, rate in zip(STEPS, rates, strict=True)]


def noise(format: FrameFormat) -> Frame:
    """A frame of noise, which may be submitted any number of times."""
    samples = np.random.default_rng(0).integers(16, 236, format.bytes, np.uint8)
    return Frame(format, tuple(format.split(samples)), pts=0)


class PassLane:
    """A network's lane with the first `steps` steps of STEPS[1:4] around it.

    Attributes:
        stream: The last stream of a frame.
    """

    def __init__(
        self, gpu: Gpu, lane: GpuLane, kernels: ConversionKernels, formats: tuple[FrameFormat, FrameFormat], steps: int
    ) -> None:
        """Allocate a source frame and an output frame of `formats`, on the GPU and in page-locked memory."""
        self._lane, self._kernels, self._steps = lane, kernels, steps
        self._compute: Stream = lane.stream
        self._copy_in, self._copy_out = gpu.stream(), gpu.stream()
        self.stream: Stream = self._copy_out if steps == 3 else self._compute
        self._uploaded, self._converted, self._computed, self._downloaded = (gpu.event() for _ in range(4))
        with ExitStack() as memory:
            self._device, self._host = [], []
            for format in formats:
                self._device.append(gpu.allocate(format.bytes, self._compute))
                memory.callback(self._device[-1].close, self._compute)
                self._host.append(gpu.pinned(format.bytes))
                memory.callback(self._host[-1].close)
            self._samples = packed_samples(formats[0], int(self._device[0].handle))
            self._host[0].array[:] = 128
            self._device[0].copy_from(self._host[0].buffer, stream=self._compute)
            self._compute.record(self._converted)
            self._compute.record(self._downloaded)
            self._compute.sync()
            memory.callback(self._copy_out.sync)
            memory.callback(self._compute.sync)
            self._memory = memory.pop_all()

    def run(self) -> None:
        """Queue a frame."""
        has_copies = self._steps == 3
        if has_copies:
            self._copy_in.wait(self._converted)  # the frame before has been read
            self._device[0].copy_from(self._host[0].buffer, stream=self._copy_in)
            self._copy_in.record(self._uploaded)
            self._compute.wait(self._uploaded)
        if self._steps >= 1:
            self._kernels.to_tensor(self._compute, self._samples, int(self._lane.input.handle))
            self._compute.record(self._converted)
        self._lane.run()
        if has_copies:
            self._compute.wait(self._downloaded)  # the frame before has left
        if self._steps >= 2:
            self._kernels.from_rgb(self._compute, int(self._lane.output.handle), int(self._device[1].handle))
        if has_copies:
            self._compute.record(self._computed)
            self._copy_out.wait(self._computed)
            self._device[1].copy_to(self._host[1].buffer, stream=self._copy_out)
            self._copy_out.record(self._downloaded)

    def close(self) -> None:
        """Free the frames, once the lane is idle."""
        self._memory.close()


class SessionLane:
    """A session in one thread, with several frames in flight.

    Attributes:
        stream: This object, whose `sync` collects all frames.
    """

    def __init__(self, session: Session[Any], frame: Frame, in_flight: int) -> None:
        self.stream: Any = self
        self._session, self._frame, self._in_flight = session, frame, in_flight
        self._tickets: deque[Any] = deque()

    def run(self) -> None:
        """Submit the frame, and collect the oldest one if as many as allowed are in flight."""
        if len(self._tickets) == self._in_flight:
            self._collect()
        self._tickets.append(self._session.submit(self._frame))

    def sync(self) -> None:
        """Collect all frames."""
        while self._tickets:
            self._collect()

    def _collect(self) -> None:
        self._session.collect(self._tickets.popleft()).release()
