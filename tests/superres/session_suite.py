"""What every Session must do, whatever it runs on. Its children say how one is made."""

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
from tests.superres.colour_suite import BT601, BT709, ColourSuite
from tests.superres.networks import MakeSession
from tests.superres.oracle import oracle, worst
from tests.superres.past_suite import PastSuite


class SessionSuite(ColourSuite, PastSuite):
    """Run by tests/superres/cpu/test_session.py and tests/gpu/test_tensorrt.py."""

    def test_the_model_enlarges(self, make: MakeSession, nearest: ModelSpec, frame: Frame) -> None:
        with make(nearest, frame.format) as session:
            done = session.collect(session.submit(frame))
            assert (done.format.width, done.format.height) == (64, 32)
            assert worst(done.planes, oracle(frame, session.result, enlarge=2), 0) <= 1
            done.release()

    def test_planes_in_bgr_order_are_understood(self, make: MakeSession, identity: ModelSpec, frame: Frame) -> None:
        with make(replace(identity, order="bgr"), frame.format) as session:
            done = session.collect(session.submit(frame))
            assert worst(done.planes, oracle(frame, session.result), 0) <= 1
            done.release()

    def test_a_model_whose_white_is_255_is_understood(
        self, make: MakeSession, identity: ModelSpec, frame: Frame
    ) -> None:
        with make(replace(identity, value_range=255.0), frame.format) as session:
            done = session.collect(session.submit(frame))
            assert worst(done.planes, oracle(frame, session.result), 0) <= 1
            done.release()

    def test_another_pixel_format_can_leave_than_came(
        self, make: MakeSession, identity: ModelSpec, frame: Frame
    ) -> None:
        with make(identity, frame.format, replace(frame.format, pixel=PIXEL_FORMATS["yuv444p10le"])) as session:
            done = session.collect(session.submit(frame))
            assert done.format.pixel.name == "yuv444p10le"
            assert worst(done.planes, oracle(frame, session.result), 0) <= 1
            done.release()

    def test_frames_leave_in_order_each_with_its_own_time(
        self, make: MakeSession, nearest: ModelSpec, frame: Frame
    ) -> None:
        times = [3, 5, 6, 11, 12, 30, 31, 50]
        with make(nearest, frame.format) as session:
            for first, second in zip(times[::2], times[1::2], strict=True):
                tickets = [session.submit(replace(frame, pts=pts, duration=pts + 1)) for pts in (first, second)]
                for ticket, pts in zip(tickets, (first, second), strict=True):
                    done = session.collect(ticket)
                    assert (done.pts, done.duration) == (pts, pts + 1)
                    done.release()

    def test_padded_rows_are_not_part_of_the_picture(
        self, make: MakeSession, identity: ModelSpec, frame: Frame
    ) -> None:
        padded = tuple(np.pad(plane, ((0, 0), (0, 13)))[:, : plane.shape[1]] for plane in frame.planes)
        with make(identity, frame.format) as session:
            done = session.collect(session.submit(replace(frame, planes=padded)))
            assert worst(done.planes, oracle(frame, session.result), 0) <= 1
            done.release()

    def test_the_frame_given_is_released_once_it_was_read(
        self, make: MakeSession, identity: ModelSpec, frame: Frame
    ) -> None:
        released: list[int] = []
        with make(identity, frame.format) as session:
            ticket = session.submit(replace(frame, release=lambda: released.append(1)))
            assert released == [1]
            session.collect(ticket).release()
        assert released == [1]

    def test_a_frame_of_another_size_is_refused_with_both_sides_named(
        self, make: MakeSession, identity: ModelSpec, frame: Frame
    ) -> None:
        other = replace(frame.format, width=48)
        with make(identity, other) as session, pytest.raises(MismatchError, match=r"32x16 yuv420p.*48x16 yuv420p"):
            session.submit(frame)

    def test_a_frame_of_another_dtype_is_refused_with_both_sides_named(
        self, make: MakeSession, identity: ModelSpec, frame: Frame
    ) -> None:
        wide = replace(frame, planes=tuple(plane.astype(np.uint16) for plane in frame.planes))
        with make(identity, frame.format) as session, pytest.raises(MismatchError, match=r"uint16.*uint8"):
            session.submit(wide)

    def test_a_model_of_another_size_is_refused_with_both_sides_named(
        self, make: MakeSession, identity: ModelSpec, frame: Frame
    ) -> None:
        with pytest.raises(MismatchError, match=r"32x16.*40x24"):
            make(replace(identity, size=(24, 40)), frame.format)

    def test_a_result_of_another_size_is_refused_with_both_sides_named(
        self, make: MakeSession, nearest: ModelSpec, frame: Frame
    ) -> None:
        with pytest.raises(MismatchError, match=r"made 32x16 yuv420p.* makes 64x32 yuv420p"):
            make(nearest, frame.format, frame.format)

    @pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "world.mp4"])
    @pytest.mark.parametrize("matrix", [BT601, BT709])
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    def test_natural_footage_comes_back_with_50_decibels(
        self, make: MakeSession, identity: ModelSpec, media: Path, name: str, matrix: int, full_range: bool
    ) -> None:
        format = replace(probe(media / name).video.format, colour=Colour(matrix, full_range))
        with make(identity, format) as session:
            for given in frames_of(media / name, format, every=40):
                done = session.collect(session.submit(given))
                joined = [np.concatenate([p.ravel() for p in f.planes])[None] for f in (given, done)]
                assert psnr(*joined) >= 50
                assert worst(done.planes, oracle(given, session.result), 0) <= 1
                done.release()

    def test_bare_runs_the_network_alone(self, make: MakeSession, nearest: ModelSpec, frame: Frame) -> None:
        with make(nearest, frame.format) as session:
            session.bare(3)
