"""`uprez preview`: one frame before and after upscaling, side by side."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.diagnostics.comparison.clip import Clip
from pipeline.diagnostics.comparison.views import Image, to_image
from pipeline.diagnostics.quality import side_by_side
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.sessions import SessionRequest, open_session
from pipeline.superres.target import Shape, plan_passes, plan_target


def preview(source: str | Path, settings: Settings) -> Image:
    """A frame of a video, enlarged by bicubic resampling and by the network, side by side with captions.

    Args:
        source: A video, an image, or a pattern of numbered images.
        settings: As for `upscale`; the frame is the first one from `start` on.

    Returns:
        (H + 26, 2 W + 2, 3) of uint8, RGB, for an output of W x H.

    Raises:
        InputError: The source can't be read, or has no frame from `start` on.
        ModelError, BackendError: The network can't be used.
    """
    clip = Clip(Path(source), settings)
    backend, _ = choose_backend(settings)
    model = choose_model(settings, backend)
    target = plan_target(settings, Shape.of(clip.format, clip.sample_aspect), model.scale)
    model = plan_passes(model, clip.format, target)
    size = target.width, target.height
    with closing(clip.frames()) as frames:
        timed = clip.first(frames)
        before = to_image(timed.frame, size)
        with open_session(SessionRequest(backend, model, clip.format, settings, clip.format.resized(*size))) as session:
            upscaled = session.collect(session.submit(timed.frame))
            after = to_image(upscaled, size)
            upscaled.release()
    return side_by_side([("before: bicubic", before), (f"after: {settings.model}", after)])
