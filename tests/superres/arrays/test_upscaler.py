"""Arrays and frames through an upscaler: ONNX Runtime around an identity or a small network, and a fake GPU."""

import subprocess
import sys
from collections.abc import Callable
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
from pipeline.superres.sessions import SessionRequest, open_session
from tests import images
from tests.images import random_image
from tests.superres.fake_gpu import FakePasses
from tests.superres.identities import draw_frame, formats, noise, seeds
from tests.superres.oracle import largest_difference, saturated

SMALL = "srvgg-4x1"  # enlarges by 2

OpenOnGpu = Callable[..., Upscaler]


def difference(a: np.ndarray, b: np.ndarray) -> int:
    """The largest difference, in levels."""
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    return int(np.abs(a.astype(int) - b.astype(int)).max())


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


def test_a_failure_within_a_batch_is_raised_after_the_images_in_flight(
    open_on_gpu: OpenOnGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePasses, "fails_at", {2})
    upscaler = open_on_gpu()
    batch = random_image((5, 16, 24, 3))
    with pytest.raises(BackendError, match="broken, says this test"):
        upscaler(batch)
    assert (upscaler(batch) == ~batch).all()


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
    """In a process of its own, as other tests import it; with a stand-in, as it may not be installed."""
    code = """
import sys
from importlib.machinery import ModuleSpec

class Finder:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == "torch" else None
    def create_module(self, spec):
        print("imported", flush=True)

sys.meta_path.insert(0, Finder())
from pipeline import Upscaler
Upscaler("identity", backend="onnx").close()
print("closed")
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "closed\n"


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
