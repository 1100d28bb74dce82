"""The colour conversions of every session, on any backend."""

from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Siting
from pipeline.models.spec import ModelSpec
from tests.superres.networks import Networks, OpenSession
from tests.superres.oracle import FP16_TOLERANCE_WITHOUT_MATRIX, largest_difference, oracle, saturated, tolerance

BT601, BT709, BT2020 = 6, 1, 9

MIXED = [
    ("gbrp", "yuv420p"),
    ("gbrp16le", "yuv444p10le"),
    ("yuv420p", "gbrp"),
    ("p010le", "gbrp16le"),
    ("gray", "gbrp"),
]


class ColourSuite(Networks):
    """The part of SessionSuite about colour."""

    @pytest.mark.parametrize("matrix", [BT601, BT709, BT2020])
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    @pytest.mark.parametrize("pixel", ["yuv420p", "nv12"])
    def test_identity_is_within_a_level_of_float64_on_saturated_patterns(
        self, open_session: OpenSession, identity: ModelSpec, matrix: int, full_range: bool, pixel: str
    ) -> None:
        format = FrameFormat(96, 64, PIXEL_FORMATS[pixel], Colour(matrix, full_range))
        self.assert_close_to_oracle(open_session, identity, format)

    @pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
    @pytest.mark.parametrize("size", [(96, 64), (33, 17)], ids=["even", "odd"])
    def test_every_pixel_format_is_within_a_level_of_float64(
        self, open_session: OpenSession, identity: ModelSpec, pixel: str, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, False))
        self.assert_close_to_oracle(open_session, identity, format)

    @pytest.mark.parametrize("pixel", ["gbrp", "gbrp10le", "gbrp12le", "gbrp16le"])
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    @pytest.mark.parametrize("size", [(96, 64), (33, 17)], ids=["even", "odd"])
    def test_rgb_is_preserved_as_far_as_the_tensor_resolves_it(
        self, open_session: OpenSession, identity: ModelSpec, pixel: str, full_range: bool, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, full_range))
        bound = FP16_TOLERANCE_WITHOUT_MATRIX.get(format.pixel.depth, 0) if self.dtype is np.float16 else 0
        frame = saturated(format)
        with open_session(identity, format) as session:
            upscaled = session.collect(session.submit(frame))
            assert largest_difference(upscaled.planes, frame.planes, 0) <= bound
            upscaled.release()

    @pytest.mark.parametrize(("source", "target"), MIXED, ids=str)
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    @pytest.mark.parametrize("size", [(96, 64), (34, 18)], ids=["multiple of 4", "multiple of 2"])
    def test_rgb_and_yuv_convert_to_each_other_with_the_matrix_of_the_source(
        self,
        open_session: OpenSession,
        identity: ModelSpec,
        source: str,
        target: str,
        full_range: bool,
        size: tuple[int, int],
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[source], Colour(BT2020, full_range))
        frame = saturated(format)
        with open_session(identity, format, replace(format, pixel=PIXEL_FORMATS[target])) as session:
            upscaled = session.collect(session.submit(frame))
            assert largest_difference(upscaled.planes, oracle(frame, session.output), 0) <= tolerance(
                self.dtype, upscaled.format
            )
            upscaled.release()

    @pytest.mark.parametrize(
        ("siting", "pixel", "size"),
        [
            *((siting, "yuv420p", (96, 64)) for siting in Siting),
            *zip(Siting, cycle(["p010le", "yuv422p", "yuv440p"]), cycle([(33, 17), (34, 17), (36, 17)]), strict=False),
        ],
    )
    def test_chroma_is_filtered_at_its_siting(
        self, open_session: OpenSession, identity: ModelSpec, siting: Siting, pixel: str, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, False, siting=siting))
        self.assert_close_to_oracle(open_session, identity, format)

    @pytest.mark.parametrize(
        ("pixel", "colour"),
        [
            ("yuv420p", Colour(BT709, False)),
            ("yuv420p", Colour(BT2020, True, siting=Siting.TOP_LEFT)),
            ("yuv444p", Colour(BT601, False)),
            ("gbrp", Colour(BT709, True)),
            ("gray", Colour(BT601, True)),
            ("p010le", Colour(BT2020, False, siting=Siting.BOTTOM_RIGHT)),
            ("yuva422p12le", Colour(BT709, True)),
            ("yuv440p", Colour(BT709, False, siting=Siting.TOP)),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("source", ["yuv420p", "gbrp10le"])
    def test_the_output_can_have_any_colour_and_pixel_format(
        self, open_session: OpenSession, identity: ModelSpec, source: str, pixel: str, colour: Colour
    ) -> None:
        format = FrameFormat(34, 18, PIXEL_FORMATS[source], Colour(BT601, True, siting=Siting.CENTRE))
        self.assert_close_to_oracle(
            open_session, identity, format, replace(format, pixel=PIXEL_FORMATS[pixel], colour=colour)
        )

    @pytest.mark.parametrize(
        ("source", "target"),
        [("yuv420p10le", "yuv420p"), ("p010le", "nv12"), ("gbrp16le", "yuv444p10le"), ("yuva444p12le", "gbrap")],
        ids=str,
    )
    def test_frames_of_reduced_depth_are_dithered(
        self, open_session: OpenSession, identity: ModelSpec, source: str, target: str
    ) -> None:
        format = FrameFormat(64, 32, PIXEL_FORMATS[source], Colour(BT709, False))
        output = replace(format, pixel=PIXEL_FORMATS[target])
        self.assert_close_to_oracle(open_session, identity, format, output)
        lost, middle = format.pixel.depth - output.pixel.depth, 1 << (format.pixel.depth - 1)
        planes = format.split(np.zeros(format.bytes, np.uint8))
        for plane in planes:
            plane.fill(middle << format.pixel.shift)
        for plane in planes if format.pixel.rgb else planes[:1]:
            plane.fill((middle + (5 << lost) // 8) << format.pixel.shift)  # between two levels of the output
        frame = Frame(format, planes, 0)
        with open_session(identity, format, output) as session:
            upscaled = session.collect(session.submit(frame))
            luma, expected = (some[0] >> output.pixel.shift for some in (upscaled.planes, oracle(frame, output)))
            assert len(np.unique(luma)) == 2
            error = 0.25 if self.dtype is np.float16 else 0.1  # in 10-bit levels; fp16 resolves 0.25 near 0.5
            assert luma.mean() == pytest.approx(expected.mean(), abs=error)
            upscaled.release()
