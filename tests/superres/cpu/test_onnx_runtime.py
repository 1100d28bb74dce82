"""Networks in ONNX Runtime, by providers."""

from typing import Any

import numpy as np
import pytest

from pipeline.errors import BackendError
from pipeline.models import catalogue
from pipeline.superres.cpu.network import CpuNetwork
from pipeline.superres.cpu.onnx_runtime import OnnxRuntimeNetwork
from pipeline.superres.cpu.runtimes import RUNTIMES
from pipeline.superres.output_check import textured_image
from pipeline.system.onnx_runtime import load_onnx_runtime

OTHER = "AzureExecutionProvider"  # the only other provider of the usual package; it leaves every operator to the CPU
MODEL = catalogue.find("srvgg-4x1", np.float32)


def test_a_provider_beside_the_cpu_gets_the_network_with_an_input_of_one_size() -> None:
    if OTHER not in load_onnx_runtime().get_available_providers():
        pytest.skip(f"this build of ONNX Runtime has no {OTHER}")
    image = textured_image(48, 64, MODEL)
    expected = OnnxRuntimeNetwork(MODEL, (1, 1), 1, "CPUExecutionProvider").request().run(image)
    request = OnnxRuntimeNetwork(MODEL, (48, 64), 1, OTHER, memory_pattern=False).request()
    np.testing.assert_array_equal(request.run(image), expected)
    with pytest.raises(Exception, match="Got invalid dimensions"):
        request.run(textured_image(32, 64, MODEL))


def test_a_provider_that_is_not_active_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            assert not options["enable_fallback"]

        def get_providers(self) -> list[str]:
            return ["CPUExecutionProvider"]

    monkeypatch.setattr(load_onnx_runtime(), "InferenceSession", Session)
    coreml = next(runtime for runtime in RUNTIMES if runtime.name == "coreml")
    with pytest.raises(BackendError, match="CoreML in ONNX Runtime can't load srvgg-4x1: CoreMLExecutionProvider is"):
        CpuNetwork(MODEL, (48, 64), coreml)


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("coreml", ("CoreMLExecutionProvider", {"ModelFormat": "MLProgram"})),
        ("directml", ("DmlExecutionProvider", {})),
        ("migraphx", ("MIGraphXExecutionProvider", {})),
    ],
)
def test_providers_are_opened_with_their_options_and_the_cpu_for_other_operators(
    name: str, provider: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[Any, ...]] = []

    class Session:
        def __init__(self, source: Any, options: Any, providers: Any, enable_fallback: int) -> None:
            opened.append((type(source), options.enable_mem_pattern, options.intra_op_num_threads, providers))

        def get_providers(self) -> list[str]:
            return [provider[0], "CPUExecutionProvider"]

    monkeypatch.setattr(load_onnx_runtime(), "InferenceSession", Session)
    runtime = next(runtime for runtime in RUNTIMES if runtime.name == name)
    CpuNetwork(MODEL, (48, 64), runtime, threads=3)
    assert opened == [(bytes, name != "directml", 3, [provider, "CPUExecutionProvider"])]
