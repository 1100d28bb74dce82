"""Images of a clip and of a session, in one size."""

from pathlib import Path

import numpy as np

from pipeline.diagnostics.comparison.clip import Clip
from pipeline.diagnostics.comparison.timeline import Timeline
from pipeline.diagnostics.comparison.views import ClipView, SessionView
from pipeline.models.catalogue import find
from pipeline.superres.sessions import SessionRequest, open_session
from tests.diagnostics.comparison.pairs import settings


def test_a_clip_is_resampled_to_the_size_that_is_compared(small: Path) -> None:
    clip = Clip(small, settings())
    images = dict(ClipView(clip).images(Timeline(clip.times()), [0, 2], (128, 96)))
    assert {index: image.shape for index, image in images.items()} == {0: (96, 128, 3), 2: (96, 128, 3)}
    assert not np.array_equal(images[0], images[2])


def test_a_session_yields_the_upscaled_frames(small: Path) -> None:
    clip = Clip(small, settings())
    timeline = Timeline(clip.times())
    with open_session(SessionRequest("onnx", find("clear-x2", np.float32), clip.format, settings())) as session:
        upscaled = dict(SessionView(clip, session).images(timeline, [1], (128, 96)))
    enlarged = dict(ClipView(clip).images(timeline, [1], (128, 96)))
    assert upscaled[1].shape == enlarged[1].shape
    assert 0 < np.abs(upscaled[1].astype(int) - enlarged[1]).mean() < 10
