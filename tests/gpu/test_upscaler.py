"""Arrays on the GPU, shared with PyTorch and CuPy, give the pixels of arrays on the host."""

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipeline
from pipeline.system.cuda import Gpu
from tests.images import random_image

SHAPES = [(48, 64), (48, 64, 3), (48, 64, 4), (3, 48, 64, 3), (33, 51, 3)]
SAMPLES = Path(__file__).parent.parent.parent / "samples"


def channels_first(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(image, -1, -3)) if image.ndim > 2 else image


def channels_last(image: np.ndarray) -> np.ndarray:
    return np.moveaxis(image, -3, -1) if image.ndim > 2 else image


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.fixture
def upscaler() -> Iterator[pipeline.Upscaler]:
    with pipeline.Upscaler("clear-x2", backend="tensorrt", engine="fused") as upscaler:
        yield upscaler


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tensor_has_the_pixels_of_an_array_on_the_host(
    torch: Any, upscaler: pipeline.Upscaler, shape: tuple[int, ...], dtype: Any
) -> None:
    image = random_image(shape, dtype)
    result = torch.from_dlpack(upscaler(torch.from_numpy(channels_first(image)).cuda()))
    assert result.is_cuda
    np.testing.assert_array_equal(channels_last(result.cpu().numpy()), upscaler(image))


def test_a_tensor_of_blue_green_red_has_the_pixels_of_red_green_blue(torch: Any, upscaler: pipeline.Upscaler) -> None:
    image = random_image((48, 64, 3))
    expected = upscaler(image)
    with pipeline.Upscaler("clear-x2", backend="tensorrt", engine="fused", order="bgr") as reversed_upscaler:
        tensor = torch.from_numpy(channels_first(image[..., ::-1])).cuda()
        result = torch.from_dlpack(reversed_upscaler(tensor))
    np.testing.assert_array_equal(channels_last(result.cpu().numpy())[..., ::-1], expected)


def test_the_context_of_the_calling_thread_is_preserved(upscaler: pipeline.Upscaler) -> None:
    from cuda.bindings import driver

    (status,) = driver.cuCtxSetCurrent(driver.CUcontext(0))
    assert int(status) == 0
    upscaler(random_image((48, 64, 3)))
    list(upscaler.stream([random_image((48, 64, 3))] * 3))
    status, context = driver.cuCtxGetCurrent()
    assert (int(status), int(context)) == (0, 0)


def test_an_array_of_cupy_has_the_pixels_of_an_array_on_the_host(upscaler: pipeline.Upscaler) -> None:
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    image = random_image((48, 64, 3))
    result = cupy.from_dlpack(upscaler(cupy.asarray(channels_first(image))))
    np.testing.assert_array_equal(channels_last(cupy.asnumpy(result)), upscaler(image))


def test_a_tensor_with_padded_rows_is_read(torch: Any, upscaler: pipeline.Upscaler) -> None:
    image = random_image((48, 80, 3))
    part = torch.from_numpy(channels_first(image)).cuda()[:, 3:40, 7:66]
    result = torch.from_dlpack(upscaler(part))
    np.testing.assert_array_equal(channels_last(result.cpu().numpy()), upscaler(image[3:40, 7:66]))


def test_the_result_shares_its_memory_with_the_tensor(torch: Any, upscaler: pipeline.Upscaler) -> None:
    result = upscaler(torch.zeros(3, 48, 64, dtype=torch.uint8, device="cuda"))
    assert torch.from_dlpack(result).data_ptr() == result.address


@pytest.mark.parametrize("side_stream", [False, True])
def test_tensors_are_read_after_the_kernels_that_write_them(
    torch: Any, upscaler: pipeline.Upscaler, side_stream: bool
) -> None:
    """A long kernel runs before each tensor is written, and the default stream's is overwritten at once."""
    images = [random_image((48, 64, 3), seed=seed) for seed in range(12)]
    sources = [torch.from_numpy(channels_first(image)).cuda() for image in images]
    expected = [upscaler(image) for image in images]
    stream = torch.cuda.Stream() if side_stream else torch.cuda.default_stream()
    target = torch.zeros_like(sources[0])

    def written() -> Iterator[Any]:
        for source in sources:
            own = torch.zeros_like(source) if side_stream else target
            torch.cuda._sleep(2_000_000)  # cycles
            own.copy_(source)
            yield own
            if not side_stream:
                target.zero_()

    with torch.cuda.stream(stream):
        results = [torch.from_dlpack(result).cpu().numpy() for result in upscaler.stream(written())]
    for result, image in zip(results, expected, strict=True):
        np.testing.assert_array_equal(channels_last(result), image)


def test_the_memory_of_results_is_freed_with_their_tensors(torch: Any, upscaler: pipeline.Upscaler) -> None:
    source = torch.zeros(3, 540, 960, dtype=torch.uint8, device="cuda")
    upscaler(source)
    before = Gpu(0).free_memory
    for _ in range(300):  # 1.8 GB
        torch.from_dlpack(upscaler(source)).add_(1)
    torch.cuda.synchronize()
    assert before - Gpu(0).free_memory < 256 * 2**20


def test_results_on_the_gpu_remain_valid_after_close(torch: Any) -> None:
    image = random_image((48, 64, 3))
    with pipeline.Upscaler("clear-x2", backend="tensorrt", engine="fused") as upscaler:
        expected = upscaler(image)
        result = upscaler(torch.from_numpy(channels_first(image)).cuda())
    np.testing.assert_array_equal(channels_last(torch.from_dlpack(result).cpu().numpy()), expected)


def test_the_host_path_has_the_pixels_of_onnx_runtime_within_the_precision(upscaler: pipeline.Upscaler) -> None:
    image = np.kron(random_image((12, 16, 3)), np.ones((4, 4, 1), np.uint8))
    with pipeline.Upscaler("clear-x2", backend="onnx") as on_cpu:
        assert pipeline.psnr(on_cpu(image), upscaler(image)) > 45


@pytest.mark.timeout(180)
def test_a_torch_module_is_upscaled_on_the_gpu(torch: Any) -> None:
    """Its network is exported, examined, and built by TensorRT."""
    pytest.importorskip("onnx")
    convolution = torch.nn.Conv2d(3, 12, 3, padding=1)
    with torch.no_grad():
        convolution.weight.mul_(0.02)
        convolution.bias.zero_()
        for output in range(12):
            convolution.weight[output, output // 4, 1, 1] = 1
    module = torch.nn.Sequential(convolution, torch.nn.PixelShuffle(2)).cuda()
    image = np.kron(random_image((12, 16, 3)), np.ones((4, 4, 1), np.uint8))
    tensor = torch.from_numpy(channels_first(image)).cuda()
    with torch.inference_mode():
        expected = module(tensor[None].float() / 255)[0].mul(255).round().clamp(0, 255)
    with pipeline.Upscaler(module, backend="tensorrt") as upscaler:
        result = torch.from_dlpack(upscaler(tensor)).float()
    assert float((result - expected).abs().max()) <= 1


def test_the_sample_prints_every_frame(
    torch: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With fused kernels, so that no engine is built."""
    monkeypatch.syspath_prepend(SAMPLES)
    import torch_frames

    monkeypatch.setattr(pipeline, "Upscaler", functools.partial(pipeline.Upscaler, engine="fused"))
    monkeypatch.setattr(sys, "argv", ["torch_frames.py"])
    torch_frames.main()
    assert len(capsys.readouterr().out.splitlines()) == len(list(pipeline.read_rgb(SAMPLES / "clip.mp4")))
