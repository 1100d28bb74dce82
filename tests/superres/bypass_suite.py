"""What bypasses or follows the network of every session: alpha, chroma of luma networks, the HDR limiter."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.hdr_limit import limit_overshoot
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Siting
from pipeline.models.spec import ModelSpec
from tests.superres.networks import Networks, OpenSession
from tests.superres.oracle import largest_difference, oracle, saturated, tolerance

BT709, BT2020 = 1, 9
PQ, HLG = 16, 18


class BypassSuite(Networks):
    """The part of SessionSuite about what bypasses the network."""

    @pytest.mark.parametrize(
        ("source", "target"),
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
    @pytest.mark.parametrize("size", [(36, 18), (33, 17)], ids=["multiple of 4", "odd"])
    def test_alpha_is_enlarged_or_opaque_or_dropped(
        self, open_session: OpenSession, nearest: ModelSpec, source: str, target: str, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[source], Colour(BT709, False))
        output = replace(format, pixel=PIXEL_FORMATS[target]).enlarged(2)
        source_frame = saturated(format)
        with open_session(nearest, format, output) as session:
            upscaled = session.collect(session.submit(source_frame))
            expected = oracle(source_frame, output, enlarge=2)
            assert largest_difference(upscaled.planes, expected, 0) <= tolerance(self.dtype, output)
            if output.pixel.alpha:
                assert largest_difference(upscaled.planes[-1:], expected[-1:], 0) <= format.pixel.alpha
            upscaled.release()

    @pytest.mark.parametrize("pixel", ["yuva420p", "yuva444p12le", "gbrap16le"])
    def test_alpha_is_preserved_exactly_at_scale_1(
        self, open_session: OpenSession, identity: ModelSpec, pixel: str
    ) -> None:
        source_frame = saturated(FrameFormat(33, 17, PIXEL_FORMATS[pixel], Colour(BT709, False)))
        with open_session(identity, source_frame.format) as session:
            upscaled = session.collect(session.submit(source_frame))
            np.testing.assert_array_equal(upscaled.planes[-1], source_frame.planes[-1])
            upscaled.release()

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
    @pytest.mark.parametrize("size", [(36, 18), (33, 17)], ids=["multiple of 4", "odd"])
    def test_chroma_is_resampled_around_a_luma_network(
        self, open_session: OpenSession, nearest_of_luma: ModelSpec, pixel: str, siting: Siting, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, False, siting=siting))
        source_frame = saturated(format)
        with open_session(nearest_of_luma, format) as session:
            upscaled = session.collect(session.submit(source_frame))
            expected = oracle(source_frame, session.output, enlarge=2, luma=True)
            assert largest_difference(upscaled.planes, expected, format.pixel.shift) <= tolerance(self.dtype, format)
            upscaled.release()

    @pytest.mark.parametrize("transfer", [PQ, HLG])
    def test_the_overshoot_of_hdr_is_limited(
        self, open_session: OpenSession, overshooting: ModelSpec, transfer: int
    ) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS["gbrp10le"], Colour(BT2020, False, transfer=transfer))
        source_frame = saturated(format)
        rgb = np.empty((3, 18, 36))
        to_rgb(source_frame.planes, format, rgb)
        large = 1.5 * rgb.repeat(2, axis=1).repeat(2, axis=2)
        limit_overshoot(large, rgb)
        with open_session(overshooting, format) as session:
            upscaled = session.collect(session.submit(source_frame))
            expected = session.output.split(np.zeros(session.output.bytes, np.uint8))
            from_rgb(large, session.output, expected)
            assert largest_difference(upscaled.planes, expected, 0) <= tolerance(self.dtype, format)
            upscaled.release()

    def test_sdr_is_not_limited(self, open_session: OpenSession, overshooting: ModelSpec) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS["gbrp"], Colour(BT709, True))
        flat = Frame(format, tuple(np.full((18, 36), 100, np.uint8) for _ in range(3)), pts=0)
        with open_session(overshooting, format) as session:
            upscaled = session.collect(session.submit(flat))
            assert all((plane == 150).all() for plane in upscaled.planes)
            upscaled.release()

    def test_luma_with_white_255_converts_to_rgb_of_another_colour(
        self, open_session: OpenSession, identity_of_luma: ModelSpec, frame: Frame
    ) -> None:
        output = replace(frame.format, pixel=PIXEL_FORMATS["gbrp"], colour=Colour(BT2020, True))
        with open_session(replace(identity_of_luma, value_range=255.0), frame.format, output) as session:
            upscaled = session.collect(session.submit(frame))
            assert largest_difference(upscaled.planes, oracle(frame, output, luma=True), 0) <= 1
            upscaled.release()
