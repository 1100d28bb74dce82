"""What upscales frames, whatever it runs on: a Session takes small frames and gives large ones, in order."""

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
    """A model at work on one device, for frames of one format.

    `submit` takes a frame, starts the work and gives a ticket; `collect` waits for that work and gives the finished
    frame. One thread submits, one (the same or another) collects, each ticket once and in order. The frame given to
    `submit` is released as soon as its samples were read; the one that `collect` gives must be released by its taker.

    model, source, result: the network, the format that frames must have, and the one they leave with: the source's,
    enlarged, if nothing else was asked for. Its samples may be of another kind and its Colour another, but for
    primaries and transfer, which are never converted. Where it has alpha and the source has none, frames are opaque.
    """

    def __init__(self, model: ModelSpec, source: FrameFormat, result: FrameFormat | None = None) -> None:
        check_size(model, source)
        enlarged = source.enlarged(model.scale)
        self.model = model
        self.source = source
        self.result = result or enlarged
        if (self.result.width, self.result.height) != (enlarged.width, enlarged.height):
            raise MismatchError(f"frames are made {self.result}, {model} makes {enlarged} of {source}")

    @property
    def dithers(self) -> bool:
        """Whether frames lose depth, and what rounding loses is spread over neighbours."""
        return self.result.pixel.depth < self.source.pixel.depth

    @property
    def slots(self) -> tuple[int, int]:
        """Slots for frames in flight, and how many of them are free; (0, 0) for a session without slots."""
        return 0, 0

    @property
    @abstractmethod
    def backend(self) -> str:
        """What the work is done by, for tables: library, version, device."""

    @abstractmethod
    def submit(self, frame: Frame) -> Ticket: ...

    @abstractmethod
    def collect(self, ticket: Ticket) -> Frame: ...

    def bare(self, frames: int) -> None:
        """Run the network alone `frames` times, on the last frame submitted (whatever lies there before the first).

        This is the floor that `bench` measures; processors are faster on some pictures than on others.
        """
        self.queue(frames)
        self.sync()

    @abstractmethod
    def queue(self, frames: int) -> None:
        """Begin to run the network alone."""

    def sync(self) -> None:
        """Wait for what was begun."""

    def abort(self) -> None:
        """Wake a `submit` that waits; nothing more will be collected. Called from any thread."""

    @abstractmethod
    def close(self) -> None:
        """Free what the session holds. No frame that it gave may be in use."""


def check_size(model: ModelSpec, source: FrameFormat) -> None:
    """Raise MismatchError where `model` takes pictures of one size only and `source` has another."""
    if model.size and model.size != (source.height, source.width):
        height, width = model.size
        raise MismatchError(f"frames are {source.width}x{source.height}, {model.name} takes {width}x{height} only")


def check_frame(frame: Frame, session: Session[Any]) -> None:
    """Raise MismatchError where `frame` is not what `session` was made for: size, samples, dtype, plane shapes."""
    expected = session.source
    if frame.format != expected:
        raise MismatchError(f"the frame is {_shown(frame.format)}, the session takes {_shown(expected)}")
    if frame.device_planes:
        return
    for plane, shape in zip(frame.planes, expected.plane_shapes, strict=True):
        if plane.shape != shape or plane.dtype != expected.pixel.dtype:
            raise MismatchError(
                f"a plane of the frame is {plane.shape} {plane.dtype}, the session takes {shape} {expected.pixel.dtype}"
            )


def check_tensor(
    what: str, dtype: np.dtype[Any], shape: tuple[int, ...], model: ModelSpec, height: int, width: int
) -> None:
    """Raise MismatchError where an engine's tensor, called `what`, is not what `model` needs for this size."""
    expected = (1, model.channels, height, width)
    if dtype != model.dtype or shape != expected:
        raise MismatchError(
            f"the engine's {what} is {shape} {dtype}, {model.name} at {width}x{height} needs "
            f"{expected} {model.dtype}, {model.order.upper()} in planes"
        )


def _shown(format: FrameFormat) -> str:
    colour = format.colour
    range_ = "full" if colour.full_range else "limited"
    return f"{format} (matrix {colour.matrix}, {range_} range, chroma {colour.siting.value})"
