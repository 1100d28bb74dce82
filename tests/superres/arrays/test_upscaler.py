"""Arrays and frames through an upscaler: ONNX Runtime around an identity or a small network, and a fake GPU."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline
from pipeline.config.settings import Upscaling
from pipeline.errors import BackendError, InputError, MismatchError, ModelError, SettingsError, UprezError
from pipeline.frame import PIXEL_FORMATS, Colour, DevicePlane, Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.models.pytorch import module_export
from pipeline.superres.arrays.upscaler import Upscaler
from pipeline.superres.session import Session
from pipeline.superres.sessions import SessionRequest, SharedSessions, open_session
from pipeline.system import cuda
from tests import images
from tests.superres.fake_gpu import FakePasses
from tests.superres.identities import draw_frame, formats, noise, seeds
from tests.superres.oracle import largest_difference, saturated

SMALL = "srvgg-4x1"  # enlarges by 2

OpenOnGpu = Callable[..., Upscaler]


def random_image(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def difference(a: np.ndarray, b: np.ndarray) -> int:
    """The largest difference, in levels."""
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.fixture
def upscaler() -> Iterator[Upscaler]:
    with Upscaler(SMALL, backend="onnx") as upscaler:
        yield upscaler


def upscale_by_identity(image: Any, order: Literal["rgb", "bgr"] = "rgb") -> Any:
    with Upscaler("identity", backend="onnx", order=order) as upscaler:
        return upscaler(image)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"scale": 1.5}, (30, 45)),
        ({"height": 40}, (40, 60)),
        ({"size": "50x10"}, (10, 50)),
        ({"fit": (50, 90)}, (33, 50)),
    ],
    ids=str,
)
def test_images_and_batches_have_the_size_that_was_set(options: dict[str, Any], size: tuple[int, int]) -> None:
    with Upscaler(SMALL, backend="onnx", **options) as upscaler:
        images = random_image((2, 20, 30, 4))
        batch = upscaler(images)
        assert batch.shape == (2, *size, 4)
        assert difference(upscaler(images[1]), batch[1]) == 0


def test_strength_0_resamples_alone() -> None:
    image = random_image((20, 30, 3))
    with Upscaler(SMALL, backend="onnx", strength=0) as mild, Upscaler("identity", backend="onnx", scale=2) as plain:
        assert difference(mild(image), plain(image)) <= 1


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Session[Any]]:
    """The sessions that are opened."""
    sessions: list[Session[Any]] = []
    original = SharedSessions.open

    def record(shared: SharedSessions, request: SessionRequest) -> Session[Any]:
        sessions.append(original(shared, request))
        return sessions[-1]

    monkeypatch.setattr(SharedSessions, "open", record)
    return sessions


@pytest.mark.parametrize("deep", [False, True])
def test_an_array_has_the_pixels_of_an_upscaled_image_file(tmp_path: Path, upscaler: Upscaler, deep: bool) -> None:
    image = images.samples(3, deep=deep)
    source = images.write(tmp_path / "in.png", image)
    pipeline.upscale(source, tmp_path / "out.png", model=SMALL, backend="onnx")
    expected = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    assert expected is not None
    assert difference(upscaler(image)[..., ::-1], expected) <= 1


SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@settings(max_examples=60)
@given(SIZES, st.sampled_from([0, 1, 3, 4]), st.sampled_from([np.uint8, np.uint16]), st.sampled_from(["rgb", "bgr"]))
def test_an_identity_changes_images_of_any_shape_type_and_order_by_at_most_a_level(
    size: tuple[int, int], channels: int, dtype: Any, order: Literal["rgb", "bgr"]
) -> None:
    image = random_image((*size, channels) if channels else size, dtype, seed=channels)
    assert difference(upscale_by_identity(image, order), image) <= 1


@settings(max_examples=30)
@given(st.integers(0, 5), SIZES, st.sampled_from([1, 3, 4]), st.sampled_from([np.uint8, np.uint16]))
def test_an_identity_changes_batches_by_at_most_a_level(
    count: int, size: tuple[int, int], channels: int, dtype: Any
) -> None:
    batch = random_image((count, *size, channels), dtype, seed=count)
    result = upscale_by_identity(batch)
    assert (result.shape, result.dtype) == (batch.shape, batch.dtype)
    for image, expected in zip(result, batch, strict=True):
        assert difference(image, expected) <= 1


@settings(max_examples=40)
@given(formats, seeds)
def test_frames_of_any_format_have_the_planes_of_a_session(format: FrameFormat, seed: int) -> None:
    frame = draw_frame(format, noise, seed)
    model = catalogue.find("identity", np.float32)
    with open_session(SessionRequest("onnx", model, format, Upscaling())) as session:
        expected = session.collect(session.submit(frame))
    result = upscale_by_identity(frame)
    assert result.format == format
    assert largest_difference(result.planes, expected.planes, format.pixel.shift) == 0


def test_the_order_of_channels_is_that_of_the_argument(upscaler: Upscaler) -> None:
    image = random_image((16, 24, 3))
    with Upscaler(SMALL, backend="onnx", order="bgr") as reversed_upscaler:
        np.testing.assert_array_equal(upscaler(image)[..., ::-1], reversed_upscaler(image[..., ::-1]))


def test_a_batch_has_the_pixels_of_its_images(upscaler: Upscaler) -> None:
    batch = random_image((3, 16, 24, 3))
    result = upscaler(batch)
    assert result.shape == (3, 32, 48, 3)
    for image, expected in zip(result, batch, strict=True):
        np.testing.assert_array_equal(image, upscaler(expected))


def test_a_frame_keeps_its_times_and_is_released_once(upscaler: Upscaler, small_format: FrameFormat) -> None:
    released: list[int] = []
    frame = replace(saturated(small_format), pts=5, duration=2, release=lambda: released.append(1))
    result = upscaler(frame)
    assert released == [1]
    assert (result.format, result.pts, result.duration) == (small_format.enlarged(2), 5, 2)
    result.release()
    assert [plane.shape for plane in result.planes] == list(result.format.plane_shapes)


def test_the_scale_is_that_of_the_network(upscaler: Upscaler) -> None:
    assert (upscaler.scale, upscaler.backend, upscaler.model.name) == (2, "onnx", "srvgg-4x1")


def test_a_stream_yields_each_result_in_order_for_changing_sizes_and_types(upscaler: Upscaler) -> None:
    sizes = [(16, 24, 3), (16, 24), (8, 8, 4), (16, 24, 3)] * 3
    sources = [random_image(size, seed=seed) for seed, size in enumerate(sizes)]
    for large, source in zip(upscaler.stream(iter(sources)), sources, strict=True):
        np.testing.assert_array_equal(large, upscaler(source))


def test_a_stream_takes_two_images_ahead_on_the_cpu_and_none_before_the_first_is_requested(
    upscaler: Upscaler,
) -> None:
    taken: list[int] = []

    def source() -> Iterator[np.ndarray]:
        for number in range(9):
            taken.append(number)
            yield random_image((16, 24, 3), seed=number)

    stream = upscaler.stream(source())
    assert not taken
    for done in range(1, 10):
        next(stream)
        assert done <= len(taken) <= min(done + 2, 9)
    assert list(stream) == []


def test_a_stream_on_a_gpu_has_several_frames_in_flight(
    open_on_gpu: OpenOnGpu, opened: list[Session[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    upscaler = open_on_gpu()
    image = random_image((16, 24, 3))
    upscaler(image)
    (session,) = opened
    collect = session.collect

    def wait(ticket: Any) -> Frame:
        assert go_on.wait(30)
        return collect(ticket)

    def source() -> Iterator[np.ndarray]:
        yield from (image,) * 3
        assert session.slots == (3, 0)  # all three are in flight
        go_on.set()
        yield image

    monkeypatch.setattr(session, "collect", wait)
    results = list(upscaler.stream(source()))
    assert len(results) == 4
    assert all((result == ~image).all() for result in results)


def test_an_array_may_be_written_to_when_the_next_image_is_requested(open_on_gpu: OpenOnGpu) -> None:
    def source() -> Iterator[np.ndarray]:
        image = np.empty((16, 24, 3), np.uint8)
        for number in range(20):
            image.fill(number)
            yield image

    for number, result in enumerate(open_on_gpu().stream(source())):
        assert (result == 255 - number).all()


@pytest.mark.parametrize("ending", ["close", "exception", "collected"])
def test_no_slot_is_taken_after_a_stream_that_ends_early(
    open_on_gpu: OpenOnGpu, opened: list[Session[Any]], ending: str
) -> None:
    upscaler = open_on_gpu()
    stream: Any = upscaler.stream(random_image((16, 24, 3), seed=seed) for seed in range(100))
    next(stream)
    next(stream)
    if ending == "close":
        stream.close()
    elif ending == "exception":
        with pytest.raises(KeyError):
            stream.throw(KeyError("of the consumer"))
    else:
        del stream
    assert opened[0].slots == (3, 3)


def test_an_error_of_the_iterable_is_raised_after_the_results_before_it(
    open_on_gpu: OpenOnGpu, opened: list[Session[Any]]
) -> None:
    def source() -> Iterator[np.ndarray]:
        yield from (np.full((16, 24, 3), number, np.uint8) for number in range(3))
        raise KeyError("unplugged")

    stream = open_on_gpu().stream(source())
    assert [255 - int(next(stream)[0, 0, 0]) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="unplugged"):
        next(stream)
    assert opened[0].slots == (3, 3)


def test_an_image_that_is_not_supported_ends_a_stream_after_the_results_before_it(upscaler: Upscaler) -> None:
    stream = upscaler.stream([random_image((8, 8, 3)), np.zeros((8, 8, 3)), random_image((8, 8, 3))])
    assert next(stream).shape == (16, 16, 3)
    with pytest.raises(InputError, match="the image is of float64"):
        next(stream)
    assert upscaler(random_image((8, 8, 3))).shape == (16, 16, 3)


def test_a_failure_of_the_gpu_ends_the_stream_and_the_next_image_has_a_new_session(
    open_on_gpu: OpenOnGpu, opened: list[Session[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePasses, "fails_at", {2})
    upscaler = open_on_gpu()
    image = random_image((16, 24, 3))
    stream = upscaler.stream([image] * 5)
    assert (next(stream) == ~image).all()
    with pytest.raises(BackendError, match="broken, says this test"):
        list(stream)
    assert (upscaler(image) == ~image).all()
    assert len(opened) == 2


def test_a_failure_within_a_batch_is_raised_after_the_images_in_flight(
    open_on_gpu: OpenOnGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePasses, "fails_at", {2})
    upscaler = open_on_gpu()
    batch = random_image((5, 16, 24, 3))
    with pytest.raises(BackendError, match="broken, says this test"):
        upscaler(batch)
    assert (upscaler(batch) == ~batch).all()


def test_calls_and_streams_of_several_threads_get_their_own_results(open_on_gpu: OpenOnGpu) -> None:
    upscaler = open_on_gpu()
    outcomes: dict[int, bool] = {}

    def work(number: int) -> None:
        sources = [random_image((16, 24 + number % 2, 3), seed=100 * number + seed) for seed in range(15)]
        calls = iter(sources) if number % 2 else None
        results = map(upscaler, calls) if calls else upscaler.stream(sources)
        outcomes[number] = all((result == ~source).all() for result, source in zip(results, sources, strict=True))

    threads = [threading.Thread(target=work, args=(n,), name="uprez-test", daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert outcomes == dict.fromkeys(range(4), True)


def test_a_call_within_a_stream_is_answered(open_on_gpu: OpenOnGpu) -> None:
    upscaler = open_on_gpu()
    image = random_image((16, 24, 3))
    for result in upscaler.stream([image] * 10):
        assert (upscaler(result) == image).all()


def test_a_frame_in_the_memory_of_the_gpu_is_refused_by_an_upscaler_on_the_cpu(
    upscaler: Upscaler, small_format: FrameFormat
) -> None:
    frame = Frame(small_format, (), 0, device_planes=(DevicePlane(4096, 32),) * 3)
    with pytest.raises(InputError, match="the frame is in GPU memory, and `backend` onnx is the CPU"):
        upscaler(frame)


def test_a_frame_in_the_memory_of_the_gpu_that_nvdec_does_not_decode_is_refused(open_on_gpu: OpenOnGpu) -> None:
    format = FrameFormat(32, 16, PIXEL_FORMATS["gbrp"], Colour(1, True))
    with pytest.raises(InputError, match="the frame is 32x16 gbrp in GPU memory; NV12 and P010"):
        open_on_gpu()(Frame(format, (), 0, device_planes=(DevicePlane(4096, 32),) * 3))


def test_a_frame_whose_planes_are_not_those_of_its_format_is_refused(upscaler: Upscaler, frame: Frame) -> None:
    with pytest.raises(InputError, match="the frame has 2 planes, 32x16 yuv420p has 3"):
        upscaler(replace(frame, planes=frame.planes[:2]))
    with pytest.raises(MismatchError, match=r"a plane of the frame is \(16, 31\) uint8"):
        upscaler(replace(frame, planes=(frame.planes[0][:, :31], *frame.planes[1:])))
    assert upscaler(frame).format == frame.format.enlarged(2)


def test_other_objects_are_refused_with_those_that_are_supported(upscaler: Upscaler) -> None:
    with pytest.raises(InputError, match=r"an image is a list; NumPy arrays, pipeline\.Frame"):
        upscaler([[1, 2], [3, 4]])
    on_host = SimpleNamespace(__dlpack__=None, __dlpack_device__=lambda: (1, 0))
    with pytest.raises(InputError, match="SimpleNamespace is not in the memory of an NVIDIA GPU: move it there"):
        upscaler(on_host)


def test_a_batch_in_a_stream_is_refused_with_what_to_do(upscaler: Upscaler) -> None:
    with pytest.raises(InputError, match=r"\(2, 8, 8, 3\), as a batch has: pass its images one by one"):
        next(upscaler.stream([random_image((2, 8, 8, 3))]))


def test_an_empty_batch_of_another_shape_is_refused(upscaler: Upscaler) -> None:
    with pytest.raises(InputError, match=r"has the shape \(8, 8, 2\)"):
        upscaler(np.zeros((0, 8, 8, 2), np.uint8))


def test_a_closed_upscaler_says_so_and_may_be_closed_again() -> None:
    upscaler = Upscaler("identity", backend="onnx")
    image = random_image((8, 8, 3))
    stream = upscaler.stream([image] * 3)
    next(stream)
    upscaler.close()
    upscaler.close()
    for use in (lambda: upscaler(image), lambda: upscaler(image[None]), lambda: list(upscaler.stream([image]))):
        with pytest.raises(UprezError, match="the Upscaler is closed: use it within its `with` statement"):
            use()


def test_results_remain_valid_after_close() -> None:
    image = random_image((8, 8, 3))
    with Upscaler("identity", backend="onnx") as upscaler:
        result = upscaler(image)
    np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"order": "gbr"}, SettingsError, "`order` 'gbr': should be one of rgb, bgr"),
        ({"codec": "libx264"}, SettingsError, "`codec` is no setting of Upscaler; there are backend, contexts,"),
        ({"threads": -1}, SettingsError, "threads"),
        ({"model": "nonsense"}, ModelError, "no model called 'nonsense'"),
        ({"model": 7}, SettingsError, "`model` is a int; it should be the name of a model, a model file, or a torch"),
    ],
)
def test_wrong_arguments_are_refused_when_it_is_created(
    arguments: dict[str, Any], error: type[UprezError], message: str
) -> None:
    with pytest.raises(error, match=message):
        Upscaler(**({"backend": "onnx"} | arguments))


def test_a_gpu_that_can_not_be_used_is_reported(caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "pipeline.superres.arrays.upscaler.choose_backend", lambda settings: ("onnx", "the GPU is not used: too old")
    )
    Upscaler("identity").close()
    assert "the GPU is not used: too old" in caplog.text


def test_a_model_file_is_accepted_as_a_path(tmp_path: Path) -> None:
    source = catalogue.find("identity", np.float32).path
    copied = tmp_path / "mine.onnx"
    copied.write_bytes(source.read_bytes())
    with Upscaler(copied, backend="onnx") as upscaler:
        assert upscaler(random_image((8, 8, 3))).shape == (8, 8, 3)


def test_torch_is_not_imported_for_models_by_name() -> None:
    before = "torch" in sys.modules
    Upscaler("identity", backend="onnx").close()
    assert ("torch" in sys.modules) == before


def test_a_module_of_torch_is_exported_and_used_as_a_model_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """With PyTorch, tests/models/pytorch/test_module_export.py exports real ones."""

    class Module:
        pass

    exported: list[object] = []

    def export(module: object) -> Path:
        exported.append(module)
        return catalogue.find("identity", np.float32).path

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(nn=SimpleNamespace(Module=Module)))
    monkeypatch.setattr(module_export, "export_module", export)
    module = Module()
    with Upscaler(module, backend="onnx") as upscaler:
        assert upscaler(random_image((8, 8, 3))).shape == (8, 8, 3)
    assert exported == [module]


def test_the_context_of_the_caller_is_preserved_except_while_it_is_asked_for_images(
    open_on_gpu: OpenOnGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = [False]

    @contextmanager
    def preserve() -> Iterator[None]:
        inside[0] = True
        yield
        inside[0] = False

    monkeypatch.setattr(cuda, "preserve_context", preserve)
    upscaler = open_on_gpu()
    open_session, opened_inside = SharedSessions.open, []

    def record(shared: SharedSessions, request: SessionRequest) -> Session[Any]:
        opened_inside.append(inside[0])
        return open_session(shared, request)

    def source() -> Iterator[np.ndarray]:
        for width in (8, 16, 24):
            assert not inside[0]
            yield random_image((8, width, 3))

    monkeypatch.setattr(SharedSessions, "open", record)
    for _ in upscaler.stream(source()):
        assert not inside[0]
    upscaler(random_image((16, 8, 3)))
    assert opened_inside == [True] * 4
    assert not inside[0]
