"""What every Session must do to colour, whatever it runs on."""

from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Siting
from pipeline.models.spec import ModelSpec
from tests.superres.networks import MakeSession, Networks
from tests.superres.oracle import LEVELS_OF_HALF_WITHOUT_MATRIX, levels, oracle, saturated, worst

BT601, BT709, BT2020 = 6, 1, 9

MIXED = [
    ("gbrp", "yuv420p"),
    ("gbrp16le", "yuv444p10le"),
    ("yuv420p", "gbrp"),
    ("p010le", "gbrp16le"),
    ("gray", "gbrp"),
]


class ColourSuite(Networks):
    """A part of SessionSuite."""

    @pytest.mark.parametrize("matrix", [BT601, BT709, BT2020])
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    @pytest.mark.parametrize("pixel", ["yuv420p", "nv12"])
    def test_identity_is_within_a_level_of_float64_on_saturated_patterns(
        self, make: MakeSession, identity: ModelSpec, matrix: int, full_range: bool, pixel: str
    ) -> None:
        format = FrameFormat(96, 64, PIXEL_FORMATS[pixel], Colour(matrix, full_range))
        self.assert_close_to_oracle(make, identity, format)

    @pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
    @pytest.mark.parametrize("size", [(96, 64), (33, 17)], ids=["even", "odd"])
    def test_every_pixel_format_is_within_a_level_of_float64(
        self, make: MakeSession, identity: ModelSpec, pixel: str, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, False))
        self.assert_close_to_oracle(make, identity, format)

    @pytest.mark.parametrize("pixel", ["gbrp", "gbrp10le", "gbrp12le", "gbrp16le"])
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    @pytest.mark.parametrize("size", [(96, 64), (33, 17)], ids=["even", "odd"])
    def test_rgb_comes_back_exactly_as_far_as_the_network_resolves_it(
        self, make: MakeSession, identity: ModelSpec, pixel: str, full_range: bool, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, full_range))
        bound = LEVELS_OF_HALF_WITHOUT_MATRIX.get(format.pixel.depth, 0) if self.dtype is np.float16 else 0
        given = saturated(format)
        with make(identity, format) as session:
            done = session.collect(session.submit(given))
            assert worst(done.planes, given.planes, 0) <= bound
            done.release()

    @pytest.mark.parametrize(("came", "leaves"), MIXED, ids=str)
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    @pytest.mark.parametrize("size", [(96, 64), (34, 18)], ids=["in words", "not"])
    def test_rgb_becomes_yuv_and_yuv_rgb_by_the_matrix_of_the_source(
        self, make: MakeSession, identity: ModelSpec, came: str, leaves: str, full_range: bool, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[came], Colour(BT2020, full_range))
        given = saturated(format)
        with make(identity, format, replace(format, pixel=PIXEL_FORMATS[leaves])) as session:
            done = session.collect(session.submit(given))
            assert worst(done.planes, oracle(given, session.result), 0) <= levels(self.dtype, done.format)
            done.release()

    @pytest.mark.parametrize(
        ("siting", "pixel", "size"),
        [
            *((siting, "yuv420p", (96, 64)) for siting in Siting),
            *zip(Siting, cycle(["p010le", "yuv422p", "yuv440p"]), cycle([(33, 17), (34, 17), (36, 17)]), strict=False),
        ],
    )
    def test_chroma_is_filtered_where_it_is_sited(
        self, make: MakeSession, identity: ModelSpec, siting: Siting, pixel: str, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, False, siting=siting))
        self.assert_close_to_oracle(make, identity, format)

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
    @pytest.mark.parametrize("came", ["yuv420p", "gbrp10le"])
    def test_frames_leave_in_any_colour(
        self, make: MakeSession, identity: ModelSpec, came: str, pixel: str, colour: Colour
    ) -> None:
        format = FrameFormat(34, 18, PIXEL_FORMATS[came], Colour(BT601, True, siting=Siting.CENTRE))
        self.assert_close_to_oracle(make, identity, format, replace(format, pixel=PIXEL_FORMATS[pixel], colour=colour))

    @pytest.mark.parametrize(
        ("came", "leaves"),
        [("yuv420p10le", "yuv420p"), ("p010le", "nv12"), ("gbrp16le", "yuv444p10le"), ("yuva444p12le", "gbrap")],
        ids=str,
    )
    def test_frames_that_lose_depth_are_dithered(
        self, make: MakeSession, identity: ModelSpec, came: str, leaves: str
    ) -> None:
        format = FrameFormat(64, 32, PIXEL_FORMATS[came], Colour(BT709, False))
        result = replace(format, pixel=PIXEL_FORMATS[leaves])
        self.assert_close_to_oracle(make, identity, format, result)
        lost, middle = format.pixel.depth - result.pixel.depth, 1 << (format.pixel.depth - 1)
        planes = format.split(np.zeros(format.bytes, np.uint8))
        for plane in planes:
            plane.fill(middle << format.pixel.shift)
        for plane in planes if format.pixel.rgb else planes[:1]:
            plane.fill((middle + (5 << lost) // 8) << format.pixel.shift)  # between two levels of the result
        given = Frame(format, planes, 0)
        with make(identity, format, result) as session:
            done = session.collect(session.submit(given))
            luma, expected = (some[0] >> result.pixel.shift for some in (done.planes, oracle(given, result)))
            assert len(np.unique(luma)) == 2
            off = 0.25 if self.dtype is np.float16 else 0.1  # of a 10-bit level: what fp16 tells apart near 0.5
            assert luma.mean() == pytest.approx(expected.mean(), abs=off)
            done.release()
