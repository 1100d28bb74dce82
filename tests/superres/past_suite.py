"""What is beside the network, whatever a Session runs on: alpha, the chroma of luma alone, the limit of HDR."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.hdr_limit import limit_overshoot
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Siting
from pipeline.models.spec import ModelSpec
from tests.superres.networks import MakeSession, Networks
from tests.superres.oracle import levels, oracle, saturated, worst

BT709, BT2020 = 1, 9
PQ, HLG = 16, 18


class PastSuite(Networks):
    """A part of SessionSuite."""

    @pytest.mark.parametrize(
        ("came", "leaves"),
        [
            ("yuva420p", "yuva420p"),
            ("yuva444p10le", "yuva422p10le"),
            ("gbrap16le", "gbrap12le"),
            ("yuva420p", "gbrap16le"),
            ("yuv420p", "yuva420p"),
            ("gray", "gbrap10le"),
            ("yuva420p", "yuv420p"),
            ("gbrap", "gray"),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("size", [(36, 18), (33, 17)], ids=["in words", "not"])
    def test_alpha_is_enlarged_or_made_opaque_or_left_out(
        self, make: MakeSession, nearest: ModelSpec, came: str, leaves: str, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[came], Colour(BT709, False))
        result = replace(format, pixel=PIXEL_FORMATS[leaves]).enlarged(2)
        given = saturated(format)
        with make(nearest, format, result) as session:
            done = session.collect(session.submit(given))
            expected = oracle(given, result, enlarge=2)
            assert worst(done.planes, expected, 0) <= levels(self.dtype, result)
            if result.pixel.alpha:
                assert worst(done.planes[-1:], expected[-1:], 0) <= format.pixel.alpha  # never through the network
            done.release()

    @pytest.mark.parametrize("pixel", ["yuva420p", "yuva444p12le", "gbrap16le"])
    def test_alpha_that_is_not_enlarged_comes_back_exactly(
        self, make: MakeSession, identity: ModelSpec, pixel: str
    ) -> None:
        given = saturated(FrameFormat(33, 17, PIXEL_FORMATS[pixel], Colour(BT709, False)))
        with make(identity, given.format) as session:
            done = session.collect(session.submit(given))
            np.testing.assert_array_equal(done.planes[-1], given.planes[-1])
            done.release()

    @pytest.mark.parametrize(
        ("pixel", "siting"),
        [
            ("yuv420p", Siting.LEFT),
            ("nv12", Siting.CENTRE),
            ("p010le", Siting.TOP_LEFT),
            ("yuv422p", Siting.RIGHT),
            ("yuv440p", Siting.BOTTOM),
            ("yuva444p10le", Siting.LEFT),
            ("gbrp", Siting.LEFT),
            ("gbrap12le", Siting.LEFT),
            ("gray", Siting.LEFT),
        ],
    )
    @pytest.mark.parametrize("size", [(36, 18), (33, 17)], ids=["in words", "not"])
    def test_a_network_of_luma_alone_gets_chroma_by_a_resampler(
        self, make: MakeSession, nearest_of_luma: ModelSpec, pixel: str, siting: Siting, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, False, siting=siting))
        given = saturated(format)
        with make(nearest_of_luma, format) as session:
            done = session.collect(session.submit(given))
            expected = oracle(given, session.result, enlarge=2, luma=True)
            assert worst(done.planes, expected, format.pixel.shift) <= levels(self.dtype, format)
            done.release()

    @pytest.mark.parametrize("transfer", [PQ, HLG])
    def test_hdr_stays_within_what_is_around(self, make: MakeSession, overshooting: ModelSpec, transfer: int) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS["gbrp10le"], Colour(BT2020, False, transfer=transfer))
        given = saturated(format)
        rgb = np.empty((3, 18, 36))
        to_rgb(given.planes, format, rgb)
        large = 1.5 * rgb.repeat(2, axis=1).repeat(2, axis=2)
        limit_overshoot(large, rgb)
        with make(overshooting, format) as session:
            done = session.collect(session.submit(given))
            expected = session.result.split(np.zeros(session.result.bytes, np.uint8))
            from_rgb(large, session.result, expected)
            assert worst(done.planes, expected, 0) <= levels(self.dtype, format)
            done.release()

    def test_sdr_may_leave_it(self, make: MakeSession, overshooting: ModelSpec) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS["gbrp"], Colour(BT709, True))
        flat = Frame(format, tuple(np.full((18, 36), 100, np.uint8) for _ in range(3)), pts=0)
        with make(overshooting, format) as session:
            done = session.collect(session.submit(flat))
            assert all((plane == 150).all() for plane in done.planes)
            done.release()

    def test_luma_whose_white_is_255_becomes_rgb_of_another_colour(
        self, make: MakeSession, identity_of_luma: ModelSpec, frame: Frame
    ) -> None:
        result = replace(frame.format, pixel=PIXEL_FORMATS["gbrp"], colour=Colour(BT2020, True))
        with make(replace(identity_of_luma, value_range=255.0), frame.format, result) as session:
            done = session.collect(session.submit(frame))
            assert worst(done.planes, oracle(frame, result, luma=True), 0) <= 1
            done.release()
