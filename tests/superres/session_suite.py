"""What every Session must do, whatever it runs on. Its children say how one is made."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.errors import MismatchError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, Siting
from pipeline.media.reading.probe import probe
from pipeline.models import generated
from pipeline.models.importing import inspect
from pipeline.models.spec import ModelSpec
from pipeline.quality import psnr
from pipeline.superres.session import Session
from tests.footage import frames_of

BT601, BT709, BT2020 = 6, 1, 9

MakeSession = Callable[..., Session[Any]]

# fp16 has 11 bits: a level of 12 bits or 16 is finer than it can tell at the bright end. The matrix adds to that.
LEVELS_OF_HALF = {12: 3, 16: 48}
LEVELS_OF_HALF_WITHOUT_MATRIX = {12: 1, 16: 16}
MIXED = [
    ("gbrp", "yuv420p"),
    ("gbrp16le", "yuv444p10le"),
    ("yuv420p", "gbrp"),
    ("p010le", "gbrp16le"),
    ("gray", "gbrp"),
]


def saturated(format: FrameFormat, seed: int = 0) -> Frame:
    """A frame of every code value, flat fields, hard edges and noise in each plane."""
    rng = np.random.default_rng(seed)
    highest = (1 << format.pixel.depth) - 1
    planes = []
    for plane in format.split(np.empty(format.bytes, np.uint8)):
        rows, columns = plane.shape
        noise = rng.integers(0, highest + 1, plane.shape)
        blocks = np.kron(rng.choice([0, highest], (-(-rows // 8), -(-columns // 8))), np.ones((8, 8), int))
        picture = np.where(np.arange(rows)[:, None] < rows // 2, noise, blocks[:rows, :columns])
        plane[:] = picture.astype(plane.dtype) << format.pixel.shift
        planes.append(plane)
    return Frame(format, tuple(planes), pts=0)


def oracle(frame: Frame, result: FrameFormat, enlarge: int = 1) -> tuple[NDArray[Any], ...]:
    """The same conversion in float64, around a network that repeats each pixel `enlarge` times."""
    rgb = np.empty((3, frame.format.height, frame.format.width))
    to_rgb(frame.planes, frame.format, rgb)
    rgb = rgb.repeat(enlarge, axis=1).repeat(enlarge, axis=2)
    planes = result.split(np.zeros(result.bytes, np.uint8))
    from_rgb(rgb, result, planes)
    return planes


def worst(a: tuple[NDArray[Any], ...], b: tuple[NDArray[Any], ...], shift: int) -> int:
    """The largest difference of two frames' samples, in levels."""
    return max(
        int(np.abs((x >> shift).astype(int) - (y >> shift).astype(int)).max()) for x, y in zip(a, b, strict=True)
    )


class SessionSuite:
    """Run by tests/superres/test_onnx_cpu.py and tests/gpu/test_tensorrt.py."""

    dtype: type[np.floating] = np.float32

    @pytest.fixture
    def make(self) -> MakeSession:
        raise NotImplementedError

    @pytest.fixture
    def identity(self, tmp_path: Path) -> ModelSpec:
        return self._saved(tmp_path, generated.identity(self.dtype))

    @pytest.fixture
    def nearest(self, tmp_path: Path) -> ModelSpec:
        return self._saved(tmp_path, generated.nearest(self.dtype))

    @staticmethod
    def _saved(folder: Path, model: Any) -> ModelSpec:
        path = folder / f"{model.graph.name}.onnx"
        path.write_bytes(model.SerializeToString())
        return inspect(path)

    @pytest.mark.parametrize("matrix", [BT601, BT709, BT2020])
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    @pytest.mark.parametrize("pixel", ["yuv420p", "nv12"])
    def test_identity_is_within_a_level_of_float64_on_saturated_patterns(
        self, make: MakeSession, identity: ModelSpec, matrix: int, full_range: bool, pixel: str
    ) -> None:
        format = FrameFormat(96, 64, PIXEL_FORMATS[pixel], Colour(matrix, full_range))
        self._assert_close_to_oracle(make, identity, format)

    @pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
    @pytest.mark.parametrize("size", [(96, 64), (33, 17)], ids=["even", "odd"])
    def test_every_pixel_format_is_within_a_level_of_float64(
        self, make: MakeSession, identity: ModelSpec, pixel: str, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, False))
        levels = LEVELS_OF_HALF.get(format.pixel.depth, 1) if self.dtype is np.float16 else 1
        self._assert_close_to_oracle(make, identity, format, levels)

    @pytest.mark.parametrize("pixel", ["gbrp", "gbrp10le", "gbrp12le", "gbrp16le"])
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    @pytest.mark.parametrize("size", [(96, 64), (33, 17)], ids=["even", "odd"])
    def test_rgb_comes_back_exactly_as_far_as_the_network_resolves_it(
        self, make: MakeSession, identity: ModelSpec, pixel: str, full_range: bool, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(BT709, full_range))
        levels = LEVELS_OF_HALF_WITHOUT_MATRIX.get(format.pixel.depth, 0) if self.dtype is np.float16 else 0
        given = saturated(format)
        with make(identity, format) as session:
            done = session.collect(session.submit(given))
            assert worst(done.planes, given.planes, 0) <= levels
            done.release()

    @pytest.mark.parametrize(("came", "leaves"), MIXED, ids=str)
    @pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
    @pytest.mark.parametrize("size", [(96, 64), (34, 18)], ids=["in words", "not"])
    def test_rgb_becomes_yuv_and_yuv_rgb_by_the_matrix_of_the_source(
        self, make: MakeSession, identity: ModelSpec, came: str, leaves: str, full_range: bool, size: tuple[int, int]
    ) -> None:
        format = FrameFormat(*size, PIXEL_FORMATS[came], Colour(BT2020, full_range))
        given = saturated(format)
        with make(identity, format, PIXEL_FORMATS[leaves]) as session:
            done = session.collect(session.submit(given))
            levels = LEVELS_OF_HALF.get(done.format.pixel.depth, 1) if self.dtype is np.float16 else 1
            assert worst(done.planes, oracle(given, session.result), 0) <= levels
            done.release()

    @pytest.mark.parametrize("siting", list(Siting))
    def test_chroma_is_filtered_where_it_is_sited(self, make: MakeSession, identity: ModelSpec, siting: Siting) -> None:
        format = FrameFormat(96, 64, PIXEL_FORMATS["yuv420p"], Colour(BT709, False, siting=siting))
        self._assert_close_to_oracle(make, identity, format)

    def _assert_close_to_oracle(
        self, make: MakeSession, model: ModelSpec, format: FrameFormat, levels: int = 1
    ) -> None:
        given = saturated(format)
        with make(model, format) as session:
            done = session.collect(session.submit(given))
            assert worst(done.planes, oracle(given, session.result), format.pixel.shift) <= levels
            done.release()

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
        with make(replace(identity, white=255.0), frame.format) as session:
            done = session.collect(session.submit(frame))
            assert worst(done.planes, oracle(frame, session.result), 0) <= 1
            done.release()

    def test_another_pixel_format_can_leave_than_came(
        self, make: MakeSession, identity: ModelSpec, frame: Frame
    ) -> None:
        with make(identity, frame.format, PIXEL_FORMATS["yuv444p10le"]) as session:
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
