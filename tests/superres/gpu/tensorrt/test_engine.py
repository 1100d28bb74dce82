"""Engines: their key, the sizes that they support, and their build."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.models import catalogue
from pipeline.superres.gpu.tensorrt import engine, library
from pipeline.superres.gpu.tensorrt.engine import EngineKey, Shapes
from pipeline.superres.gpu.tensorrt.network import EngineResources
from tests.superres.gpu.tensorrt.keys import KEY


@pytest.mark.parametrize("field", [f.name for f in fields(EngineKey)])
def test_every_field_of_the_key_changes_the_digest(field: str) -> None:
    value: Any = getattr(KEY, field)
    changes: dict[str, Any] = {field: Shapes.fixed(180, 322) if field == "shapes" else value + "x"}
    other = replace(KEY, **changes)
    assert other.digest != KEY.digest


def test_a_key_is_restored_from_json() -> None:
    assert EngineKey.parse(asdict(KEY)) == KEY


@pytest.mark.parametrize(
    ("height", "width", "supported"), [(180, 320, True), (1080, 1920, True), (1081, 1920, False), (360, 300, False)]
)
def test_an_engine_for_several_sizes_supports_those_between(height: int, width: int, supported: bool) -> None:
    assert Shapes((180, 320), (720, 1280), (1080, 1920)).supports(height, width) is supported


@pytest.fixture
def rtx() -> library.TensorRtLibrary:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: no engine was built")
    return library.load("rtx")


def test_a_model_that_tensorrt_can_not_parse_is_refused_in_one_line(
    rtx: library.TensorRtLibrary, tmp_path: Path
) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model")
    spec = replace(catalogue.find("identity", np.float16), path=path)
    with pytest.raises(ModelError, match=r"broken\.onnx: rtx .* can't parse it: ") as caught:
        engine.build_engine(rtx, spec, Shapes.fixed(64, 64))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("precision", ["fp16", "fp32", "tf32", "bf16"])
def test_tensorrt_rtx_builds_engines_for_several_sizes(rtx: library.TensorRtLibrary, precision: str) -> None:
    model = catalogue.find("clear-x2", precision)
    assert engine.build_engine(rtx, model, Shapes((64, 64), (128, 128), (256, 256)))


def test_prelu_is_left_as_it_is_where_that_is_requested(rtx: library.TensorRtLibrary) -> None:
    model = catalogue.find("srvgg-8x1", np.float16)
    rewritten, plain = (engine.build_engine(rtx, model, Shapes.fixed(64, 64), as_max) for as_max in (True, False))
    assert rewritten != plain


@pytest.mark.parametrize("as_max", [True, False])
def test_engines_with_and_without_rewritten_prelu_are_cached_apart(as_max: bool) -> None:
    gpu: Any = SimpleNamespace(facts=SimpleNamespace(name="A GPU", capability="9.0", driver="1"))
    cache: Any = None
    resources = EngineResources(gpu, None, cache, catalogue.find("identity", np.float16), prelu_as_max=as_max)
    assert ("Max" in resources.key(Shapes.fixed(64, 64)).options) == as_max
