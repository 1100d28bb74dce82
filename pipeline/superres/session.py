"""The interface of a session, which upscales frames on some device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np

from pipeline.errors import MismatchError
from pipeline.flow.closing import Closing
from pipeline.frame import Frame, FrameFormat
from pipeline.models.spec import ModelSpec

Ticket = TypeVar("Ticket")


class Session(Closing, ABC, Generic[Ticket]):
    """A model on one device, for frames of one format.

    `submit` starts the work on a frame and returns a ticket; `collect` waits for that work and returns the upscaled
    frame. One thread submits, and one thread (the same or another) collects each ticket once, in order. The submitted
    frame is released as soon as its samples were read. The caller must release the frame that `collect` returns.

    The output may have another pixel format and another matrix, range and siting than the source. Primaries and
    transfer are never converted. If the output has alpha and the source has none, frames are opaque. If the output has
    another size than the network's, frames are resampled after the network (colour/resample.py).

    Attributes:
        model: The network.
        source: Format of the frames to submit.
        output: Format of the upscaled frames.
    """

    def __init__(self, model: ModelSpec, source: FrameFormat, output: FrameFormat | None = None) -> None:
        """Keep model and formats.

        Args:
            model: The network.
            source: Format of the frames to submit.
            output: Format of the upscaled frames; None for the source's format, enlarged.
        """
        self.model = model
        self.source = source
        self.output = output or source.enlarged(model.scale)

    @property
    def dithers(self) -> bool:
        """True if the output has less depth than the source, so that it is dithered."""
        return self.output.pixel.depth < self.source.pixel.depth

    @property
    def slots(self) -> tuple[int, int]:
        """Slots for frames in flight, and how many of them are free; (0, 0) for a session without slots."""
        return 0, 0

    @property
    @abstractmethod
    def backend(self) -> str:
        """Description of the backend, for tables: library, version, device."""

    @abstractmethod
    def submit(self, frame: Frame) -> Ticket:
        """Start the work on a frame. Raises MismatchError if its format is not `source`."""

    @abstractmethod
    def collect(self, ticket: Ticket) -> Frame:
        """Wait for the work on a frame, and return the upscaled frame."""

    def run_network(self, frames: int) -> None:
        """Run the network alone `frames` times, on the last submitted frame, and wait for it.

        The benchmark uses the time as a lower bound. The content matters, since processors are faster on some images.
        """
        self.queue_network(frames)
        self.sync()

    @abstractmethod
    def queue_network(self, frames: int) -> None:
        """Start to run the network alone `frames` times."""

    def sync(self) -> None:
        """Wait for all work that was started."""

    def abort(self) -> None:
        """Wake a `submit` that waits; nothing more will be collected. Called from any thread."""

    @abstractmethod
    def close(self) -> None:
        """Release all resources. No frame that the session returned may be in use."""


def check_frame(frame: Frame, session: Session[Any]) -> None:
    """Raise MismatchError if a frame has not the session's source format: size, samples, dtype, plane shapes."""
    expected = session.source
    if frame.format is not expected and frame.format != expected:
        raise MismatchError(f"the frame is {_described(frame.format)}, the session expects {_described(expected)}")
    if frame.device_planes:
        return
    dtype = expected.pixel.dtype
    for plane, shape in zip(frame.planes, expected.plane_shapes, strict=True):
        if plane.shape != shape or plane.dtype != dtype:
            raise MismatchError(
                f"a plane of the frame is {plane.shape} {plane.dtype}, the session expects {shape} {dtype}"
            )


def check_tensor(
    name: str, dtype: np.dtype[Any], shape: tuple[int, ...], model: ModelSpec, height: int, width: int
) -> None:
    """Raise MismatchError if an engine's tensor is not what the model needs.

    Args:
        name: Name of the tensor.
        dtype: Its element type.
        shape: Its shape.
        model: The network that the engine was built from.
        height: Height of the image in the tensor.
        width: Width of the image in the tensor.
    """
    expected = (1, model.channels, height, width)
    if dtype != model.dtype or shape != expected:
        raise MismatchError(
            f"the engine's tensor {name} is {shape} {dtype}, {model.name} at {width}x{height} needs "
            f"{expected} {model.dtype}, planes of {model.order.upper()}"
        )


def _described(format: FrameFormat) -> str:
    colour = format.colour
    range_ = "full" if colour.full_range else "limited"
    return f"{format} (matrix {colour.matrix}, {range_} range, chroma {colour.siting.value})"
