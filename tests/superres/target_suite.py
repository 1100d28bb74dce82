"""Outputs of any size, cascades of networks, and strength: the same on every backend, compared with float64."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.hdr_limit import limit_overshoot
from pipeline.colour.resample import blend_with_source, resampled
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Siting
from pipeline.models.cascade import cascade
from pipeline.models.spec import ModelSpec
from tests.superres.networks import Networks, OpenSession
from tests.superres.oracle import largest_difference, oracle, saturated, tolerance

BT709, BT2020 = 1, 9
PQ = 16

SIZES = [(54, 26), (96, 50), (50, 40), (33, 17), (20, 10), (7, 3)]
"""Of outputs, for a source of 36x18 that a network enlarges to 72x36: between both, above, stretched, smaller."""


class TargetSuite(Networks):
    """The part of SessionSuite about the passes after the network."""

    @pytest.mark.parametrize("pixel", ["yuv420p", "p010le", "yuv444p12le", "gbrp", "gray", "yuva420p10le"])
    @pytest.mark.parametrize("size", SIZES, ids=str)
    def test_frames_are_resampled_to_the_size_of_the_output(
        self, open_session: OpenSession, nearest: ModelSpec, pixel: str, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS[pixel], Colour(BT709, False))
        source_frame, output = saturated(format), format.resized(*size)
        with open_session(nearest, format, output) as session:
            upscaled = session.collect(session.submit(source_frame))
            assert (upscaled.format.width, upscaled.format.height) == size
            expected = oracle(source_frame, output, enlarge=2)
            bound = tolerance(self.dtype, format, resampled=True)
            assert largest_difference(upscaled.planes, expected, format.pixel.shift) <= bound
            upscaled.release()

    def test_only_the_side_that_differs_is_resampled(
        self, open_session: OpenSession, nearest: ModelSpec, small_format: FrameFormat
    ) -> None:
        source_frame, output = saturated(small_format), small_format.resized(64, 24)
        with open_session(nearest, small_format, output) as session:
            upscaled = session.collect(session.submit(source_frame))
            assert largest_difference(upscaled.planes, oracle(source_frame, output, enlarge=2), 0) <= 1
            upscaled.release()

    @pytest.mark.parametrize(("source", "target"), [("yuv420p10le", "yuv444p"), ("yuv420p", "gbrp10le")])
    @pytest.mark.parametrize("siting", [Siting.CENTRE, Siting.TOP_LEFT])
    def test_a_luma_network_has_its_chroma_resampled_too(
        self, open_session: OpenSession, nearest_of_luma: ModelSpec, source: str, target: str, siting: Siting
    ) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS[source], Colour(BT709, False, siting=siting))
        source_frame, output = saturated(format), replace(format, pixel=PIXEL_FORMATS[target]).resized(54, 30)
        with open_session(nearest_of_luma, format, output) as session:
            upscaled = session.collect(session.submit(source_frame))
            expected = oracle(source_frame, output, enlarge=2, luma=True)
            assert largest_difference(upscaled.planes, expected, 0) <= tolerance(self.dtype, output)
            upscaled.release()

    @pytest.mark.parametrize("strength", [0.0, 0.7])
    @pytest.mark.parametrize("pixel", ["yuv420p", "yuv422p10le", "gbrp"])
    def test_strength_blends_with_the_resampled_source(
        self, open_session: OpenSession, nearest: ModelSpec, strength: float, pixel: str
    ) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS[pixel], Colour(BT709, False))
        source_frame, output = saturated(format), format.resized(54, 28)
        with open_session(nearest, format, output, strength=strength) as session:
            upscaled = session.collect(session.submit(source_frame))
            expected = oracle(source_frame, output, enlarge=2, strength=strength)
            assert largest_difference(upscaled.planes, expected, 0) <= tolerance(self.dtype, format)
            upscaled.release()

    def test_strength_applies_to_the_luma_of_luma_networks(
        self, open_session: OpenSession, nearest_of_luma: ModelSpec, small_format: FrameFormat
    ) -> None:
        source_frame = saturated(small_format)
        with open_session(nearest_of_luma, small_format, strength=0.5) as session:
            upscaled = session.collect(session.submit(source_frame))
            expected = oracle(source_frame, session.output, enlarge=2, luma=True, strength=0.5)
            assert largest_difference(upscaled.planes, expected, 0) <= 1
            upscaled.release()

    def test_strength_without_enlargement_blends_with_the_source_itself(
        self, open_session: OpenSession, identity: ModelSpec, small_format: FrameFormat
    ) -> None:
        source_frame = saturated(small_format)
        with open_session(identity, small_format, strength=0.3) as session:
            upscaled = session.collect(session.submit(source_frame))
            assert largest_difference(upscaled.planes, oracle(source_frame, small_format), 0) <= 1
            upscaled.release()

    def test_hdr_is_limited_after_the_blend_and_before_the_resampling(
        self, open_session: OpenSession, overshooting: ModelSpec
    ) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS["gbrp10le"], Colour(BT2020, False, transfer=PQ))
        source_frame, output = saturated(format), format.resized(54, 26)
        rgb = np.empty((3, 18, 36))
        to_rgb(source_frame.planes, format, rgb)
        large = 1.5 * rgb.repeat(2, axis=1).repeat(2, axis=2)
        blend_with_source(large, rgb, 0.9)
        limit_overshoot(large, rgb)
        expected = output.split(np.zeros(output.bytes, np.uint8))
        from_rgb(resampled(large, 26, 54), output, expected)
        with open_session(overshooting, format, output, strength=0.9) as session:
            upscaled = session.collect(session.submit(source_frame))
            assert largest_difference(upscaled.planes, expected, 0) <= tolerance(self.dtype, format)
            upscaled.release()

    @pytest.mark.parametrize("size", [(144, 72), (108, 54)], ids=str)
    def test_a_network_that_runs_twice_enlarges_by_its_factor_squared(
        self, open_session: OpenSession, nearest: ModelSpec, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS["yuv420p"], Colour(BT709, False))
        source_frame, output = saturated(format), format.resized(*size)
        with open_session(cascade([nearest, nearest]), format, output) as session:
            upscaled = session.collect(session.submit(source_frame))
            assert largest_difference(upscaled.planes, oracle(source_frame, output, enlarge=4), 0) <= 1
            upscaled.release()

    @pytest.mark.parametrize("order", ["rgb", "bgr"])
    @pytest.mark.parametrize("value_range", [1.0, 255.0])
    @pytest.mark.parametrize("is_first", [False, True])
    def test_networks_of_a_cascade_may_have_different_conventions(
        self,
        open_session: OpenSession,
        nearest: ModelSpec,
        identity: ModelSpec,
        order: str,
        value_range: float,
        is_first: bool,
    ) -> None:
        format = FrameFormat(36, 18, PIXEL_FORMATS["gbrp"], Colour(BT709, False))
        source_frame, other = saturated(format), replace(identity, order=order, value_range=value_range)
        with open_session(cascade([other, nearest] if is_first else [nearest, other]), format) as session:
            upscaled = session.collect(session.submit(source_frame))
            assert largest_difference(upscaled.planes, oracle(source_frame, session.output, enlarge=2), 0) <= 1
            upscaled.release()

    def test_luma_networks_form_a_cascade(
        self, open_session: OpenSession, nearest_of_luma: ModelSpec, small_format: FrameFormat
    ) -> None:
        source_frame = saturated(small_format)
        with open_session(cascade([nearest_of_luma, nearest_of_luma]), small_format) as session:
            upscaled = session.collect(session.submit(source_frame))
            expected = oracle(source_frame, session.output, enlarge=4, luma=True)
            assert largest_difference(upscaled.planes, expected, 0) <= 1
            upscaled.release()
