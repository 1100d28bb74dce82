"""The behaviour of every session, on any backend. Subclasses define how a session is opened."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.errors import MismatchError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame
from pipeline.media.reading.probe import probe
from pipeline.models.spec import ModelSpec
from tests.footage import frames_of
from tests.superres.bypass_suite import BypassSuite
from tests.superres.colour_suite import BT601, BT709, ColourSuite
from tests.superres.networks import OpenSession
from tests.superres.oracle import largest_difference, oracle
from tests.superres.target_suite import TargetSuite

COLOURS = ((BT709, False), (BT601, False), (BT709, True), (BT601, True))  # matrix, and whether the range is full


class SessionSuite(ColourSuite, BypassSuite, TargetSuite):
    """Run by tests/superres/cpu/test_session.py and tests/gpu/test_tensorrt.py."""

    def test_frames_are_enlarged_by_the_model(
        self, open_session: OpenSession, nearest: ModelSpec, frame: Frame
    ) -> None:
        with open_session(nearest, frame.format) as session:
            upscaled = session.collect(session.submit(frame))
            assert (upscaled.format.width, upscaled.format.height) == (64, 32)
            assert largest_difference(upscaled.planes, oracle(frame, session.output, enlarge=2), 0) <= 1
            upscaled.release()

    def test_models_with_channels_in_bgr_order_are_supported(
        self, open_session: OpenSession, identity: ModelSpec, frame: Frame
    ) -> None:
        with open_session(replace(identity, order="bgr"), frame.format) as session:
            upscaled = session.collect(session.submit(frame))
            assert largest_difference(upscaled.planes, oracle(frame, session.output), 0) <= 1
            upscaled.release()

    def test_models_with_white_255_are_supported(
        self, open_session: OpenSession, identity: ModelSpec, frame: Frame
    ) -> None:
        with open_session(replace(identity, value_range=255.0), frame.format) as session:
            upscaled = session.collect(session.submit(frame))
            assert largest_difference(upscaled.planes, oracle(frame, session.output), 0) <= 1
            upscaled.release()

    def test_the_output_can_have_another_pixel_format(
        self, open_session: OpenSession, identity: ModelSpec, frame: Frame
    ) -> None:
        with open_session(identity, frame.format, replace(frame.format, pixel=PIXEL_FORMATS["yuv444p10le"])) as session:
            upscaled = session.collect(session.submit(frame))
            assert upscaled.format.pixel.name == "yuv444p10le"
            assert largest_difference(upscaled.planes, oracle(frame, session.output), 0) <= 1
            upscaled.release()

    def test_frames_are_collected_in_order_each_with_its_own_time(
        self, open_session: OpenSession, nearest: ModelSpec, frame: Frame
    ) -> None:
        times = [3, 5, 6, 11, 12, 30, 31, 50]
        with open_session(nearest, frame.format) as session:
            for first, second in zip(times[::2], times[1::2], strict=True):
                tickets = [session.submit(replace(frame, pts=pts, duration=pts + 1)) for pts in (first, second)]
                for ticket, pts in zip(tickets, (first, second), strict=True):
                    upscaled = session.collect(ticket)
                    assert (upscaled.pts, upscaled.duration) == (pts, pts + 1)
                    upscaled.release()

    def test_the_padding_of_rows_is_ignored(self, open_session: OpenSession, identity: ModelSpec, frame: Frame) -> None:
        padded = tuple(np.pad(plane, ((0, 0), (0, 13)))[:, : plane.shape[1]] for plane in frame.planes)
        with open_session(identity, frame.format) as session:
            upscaled = session.collect(session.submit(replace(frame, planes=padded)))
            assert largest_difference(upscaled.planes, oracle(frame, session.output), 0) <= 1
            upscaled.release()

    def test_a_submitted_frame_is_released_once(
        self, open_session: OpenSession, identity: ModelSpec, frame: Frame
    ) -> None:
        released: list[int] = []
        with open_session(identity, frame.format) as session:
            ticket = session.submit(replace(frame, release=lambda: released.append(1)))
            assert released == [1]
            session.collect(ticket).release()
        assert released == [1]

    def test_a_frame_of_another_size_is_refused_and_both_formats_are_named(
        self, open_session: OpenSession, identity: ModelSpec, frame: Frame
    ) -> None:
        other = replace(frame.format, width=48)
        with (
            open_session(identity, other) as session,
            pytest.raises(MismatchError, match=r"32x16 yuv420p.*48x16 yuv420p"),
        ):
            session.submit(frame)

    def test_a_frame_of_another_dtype_is_refused_and_both_are_named(
        self, open_session: OpenSession, identity: ModelSpec, frame: Frame
    ) -> None:
        wide = replace(frame, planes=tuple(plane.astype(np.uint16) for plane in frame.planes))
        with open_session(identity, frame.format) as session, pytest.raises(MismatchError, match=r"uint16.*uint8"):
            session.submit(wide)

    @pytest.mark.parametrize(
        ("name", "matrix", "full_range"),
        [
            ("bigbuckbunny.mp4", BT709, False),
            ("world.mp4", BT601, True),
            *(pytest.param("bigbuckbunny.mp4", *colour, marks=pytest.mark.long) for colour in COLOURS[1:]),
            *(pytest.param("world.mp4", *colour, marks=pytest.mark.long) for colour in COLOURS[:-1]),
        ],
    )
    def test_natural_footage_keeps_50_decibels_through_an_identity(
        self, open_session: OpenSession, identity: ModelSpec, media: Path, name: str, matrix: int, full_range: bool
    ) -> None:
        format = replace(probe(media / name).video.format, colour=Colour(matrix, full_range))
        with open_session(identity, format) as session:
            for source_frame in frames_of(media / name, format, every=40):
                upscaled = session.collect(session.submit(source_frame))
                before, after = (np.concatenate([p.ravel() for p in f.planes]) for f in (source_frame, upscaled))
                assert psnr(before, after) >= 50
                assert largest_difference(upscaled.planes, oracle(source_frame, session.output), 0) <= 1
                upscaled.release()

    def test_run_network_runs_the_network_alone(
        self, open_session: OpenSession, nearest: ModelSpec, frame: Frame
    ) -> None:
        with open_session(nearest, frame.format) as session:
            session.run_network(3)
