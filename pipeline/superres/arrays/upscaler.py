"""The upscaler for programs that have their own frames: arrays in, arrays out.

with pipeline.Upscaler("clear-x2") as upscaler:
    large = upscaler(image)                       # one image, or a batch
    for large in upscaler.stream(images):         # several in flight
        ...
"""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import ExitStack, nullcontext
from typing import Any, Literal, Unpack, overload

from pipeline.config.settings import Upscaling
from pipeline.config.upscaler_options import UpscalerOptions
from pipeline.errors import SettingsError
from pipeline.flow.closing import Closing
from pipeline.frame import Frame, FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.arrays.host_images import ORDERS, Image
from pipeline.superres.arrays.image_jobs import BatchJobs, ImageJobs
from pipeline.superres.arrays.session_pool import SessionPool
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.session import Session
from pipeline.superres.sessions import SessionRequest, SharedSessions
from pipeline.superres.target import SQUARE, Shape, Target, plan_passes, plan_target
from pipeline.system import cuda

log = logging.getLogger(__name__)

_AHEAD_ON_CPU = 2  # one in the network, one being converted


class Upscaler(Closing):
    """Upscales images that a program has in memory.

    | image | result |
    |---|---|
    | NumPy array (H, W, 3), (H, W, 4) with alpha, (H, W) or (H, W, 1) of gray; uint8 or uint16 | likewise, enlarged |
    | NumPy array (N, H, W, C): a batch | (N, scale H, scale W, C) |
    | `Frame`: planes of any of PIXEL_FORMATS with their Colour | `Frame` in memory of its own |
    | array on the GPU with DLPack: (3, H, W), (4, H, W), (H, W), or (N, C, H, W); uint8 or uint16 | `DeviceImage` |

    Images are sRGB, and use all values of their type. Alpha is resampled without the network. Arrays on the GPU, such
    as a torch.Tensor, stay there; they must be on the one GPU that `device` names, with contiguous rows. They may be
    written to again at once on CUDA's default stream, and on another stream when their result has arrived.

    The first image of a size and type opens a session for it, which may build an engine; sessions for the last two
    remain open. Any thread may call the methods, and keeps its CUDA context; frames are upscaled in the order in which
    they arrive.

    Attributes:
        model: The network.
        backend: "tensorrt" (a GPU) or "onnx" (the CPU).
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Any = "clear-x2",
        *,
        order: Literal["rgb", "bgr"] = "rgb",
        **settings: Unpack[UpscalerOptions],
    ) -> None:
        """Find the network and choose the device.

        Args:
            model: Name of a model, a model file, or a torch.nn.Module that enlarges images (N, C, H, W), of which a
                copy is exported to ONNX in the user's cache, in evaluation mode and fp32.
            order: Order of colour channels in arrays: "rgb", or "bgr" as in OpenCV.
            settings: As of `UpscalerOptions`.

        Raises:
            SettingsError: A setting is unknown or invalid.
            ModelError: The model can't be used.
            BackendError: The requested device can't be used.
        """
        if order not in ORDERS:
            raise SettingsError(f"`order` {order!r}: should be one of {', '.join(ORDERS)}")
        self._settings = _checked_settings(model, settings)
        self.backend, note = choose_backend(self._settings)
        if note:
            log.warning("%s", note)
        self.model: ModelSpec = choose_model(self._settings, self.backend)
        self._shared = SharedSessions()
        self._pool = SessionPool(self._open_session)
        devices = self._settings.device if self.backend == "tensorrt" else ()
        self._jobs = ImageJobs(self._enlarged, order, devices)
        self._caller = cuda.preserve_context if devices else nullcontext
        self._ahead = self._settings.slots * len(devices) or _AHEAD_ON_CPU

    @property
    def scale(self) -> int:
        """Factor of the network, by which width and height grow unless a size is set."""
        return self.model.scale

    @overload
    def __call__(self, image: Image) -> Image: ...
    @overload
    def __call__(self, image: Frame) -> Frame: ...
    @overload
    def __call__(self, image: Any) -> Any: ...
    def __call__(self, image: Any) -> Any:
        """Upscale an image, or a batch of images of one size, and wait for it.

        Args:
            image: See the table above.

        Returns:
            The result, in memory that the caller owns.

        Raises:
            InputError: The shape or type of the image is not supported.
            UprezError: The upscaler failed, or is closed.
        """
        self._pool.check_open()
        with self._caller():
            work = self._jobs.prepare(image)
            return _completed(work, self._pool) if isinstance(work, BatchJobs) else self._pool.submit(work).result()

    @overload
    def stream(self, images: Iterable[Image]) -> Iterator[Image]: ...
    @overload
    def stream(self, images: Iterable[Frame]) -> Iterator[Frame]: ...
    @overload
    def stream(self, images: Iterable[Any]) -> Iterator[Any]: ...
    def stream(self, images: Iterable[Any]) -> Iterator[Any]:
        """Upscale images one after the other, with several in flight, so that copies and computation overlap.

        Results come in order, each as soon as it is ready. Images are taken from the iterable when a result is
        requested, in the caller's thread: on a GPU at most `slots` ahead of the results, on the CPU 2. An array may be
        written to again when the next image is requested. Before an error of the iterable, or of an image, is raised,
        the results of the images before it are yielded. The iteration may end at any time.

        Args:
            images: Images of any kind of the table above except batches; their sizes and types may change.

        Yields:
            The result for each image, in memory that the caller owns.

        Raises:
            InputError: The shape or type of an image is not supported.
            UprezError: The upscaler failed, or is closed.
        """
        pending: deque[Future[Any]] = deque()
        failure: Exception | None = None
        iterator = iter(images)
        try:
            while failure is None:
                try:
                    pending.append(self._start(next(iterator)))
                except StopIteration:
                    break
                except Exception as error:  # raised after the results before it
                    failure = error
                while pending and (pending[0].done() or len(pending) > self._ahead):
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
            if failure is not None:
                raise failure
        finally:
            wait(pending)

    def close(self) -> None:
        """Finish the frames in flight and release all resources. May be called again; results remain valid."""
        with ExitStack() as stack:
            stack.callback(self._jobs.close)
            stack.callback(self._shared.close)
            stack.callback(self._pool.close)

    def _start(self, image: Any) -> Future[Any]:
        with self._caller():
            return self._pool.submit(self._jobs.prepare_one(image))

    def _open_session(self, format: FrameFormat, on_device: bool) -> Session[Any]:
        output = self._enlarged(format)
        model = plan_passes(self.model, format, Target(output.width, output.height, SQUARE))
        return self._shared.open(SessionRequest(self.backend, model, format, self._settings, output, on_device))

    def _enlarged(self, format: FrameFormat) -> FrameFormat:
        """The format of upscaled frames."""
        target = plan_target(self._settings, Shape.of(format, SQUARE), self.model.scale)
        return format.resized(target.width, target.height)


def _completed(batch: BatchJobs, pool: SessionPool) -> Any:
    """The result of a batch, with several of its images in flight. Raises the first error after all have ended."""
    started: list[Future[None]] = []
    try:
        started.extend(map(pool.submit, batch.jobs))
    finally:
        wait(started)
    for future in started:
        future.result()
    return batch.result


def _checked_settings(model: Any, settings: UpscalerOptions) -> Upscaling:
    """The settings of an upscaler. Raises SettingsError for those of other parts of the program."""
    if unknown := settings.keys() - UpscalerOptions.__optional_keys__:
        known = ", ".join(sorted(UpscalerOptions.__optional_keys__))
        raise SettingsError(f"`{min(unknown)}` is no setting of Upscaler; there are {known}")
    return Upscaling.load(None, model=_model_name(model), **settings)


def _model_name(model: Any) -> str:
    """The name or path of a model; a torch.nn.Module is exported."""
    torch = sys.modules.get("torch")  # a program that has a module has imported it
    if torch is not None and isinstance(model, torch.nn.Module):
        from pipeline.models.pytorch.module_export import export_module

        return str(export_module(model))
    if isinstance(model, str | os.PathLike):
        return os.fspath(model)
    raise SettingsError(
        f"`model` is a {type(model).__name__}; it should be the name of a model, a model file, or a torch.nn.Module"
    )
