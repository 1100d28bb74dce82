"""The attributes of TensorRT that the package uses, in every TensorRT module that can be imported here.

NVIDIA's wheels of bindings, `tensorrt-cu13-bindings` and others, contain `tensorrt_bindings`, of which `tensorrt` is a
copy, and `tensorrt_lean_bindings`, which has the classes of the runtime alone.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BackendError
from pipeline.superres.gpu.tensorrt import engine, library, network
from pipeline.system import cuda

BUILD, RUN = Path(engine.__file__), Path(network.__file__)
CLASSES = {  # classes of TensorRT, by the names of the variables and attributes that have their objects
    BUILD: {
        "builder": "Builder",
        "network": "INetworkDefinition",
        "parser": "OnnxParser",
        "profile": "IOptimizationProfile",
        "config": "IBuilderConfig",
    },
    RUN: {
        "_runtime": "Runtime",
        "engine": "ICudaEngine",
        "_engine": "ICudaEngine",
        "context": "IExecutionContext",
        "_context": "IExecutionContext",
        "config": "IRuntimeConfig",
        "compiled": "IRuntimeCache",
        "_compiled": "IRuntimeCache",
    },
}
RTX_ALONE = {"_runtime_config", "save_runtime_cache"}  # methods that run if TensorRT has an IRuntimeCache


def used(path: Path, without: set[str]) -> set[tuple[str, ...]]:
    """Attributes of TensorRT in a source file, such as ("Builder", "create_network") or ("ILogger",)."""
    return set(_used(ast.parse(path.read_text(encoding="utf-8")), CLASSES[path], without))


def _used(node: ast.AST, classes: dict[str, str], without: set[str]) -> Iterator[tuple[str, ...]]:
    if isinstance(node, ast.FunctionDef) and node.name in without:
        return
    if isinstance(node, ast.Attribute):
        owner = _name(node.value)
        if owner == "trt":
            yield (node.attr,)
        elif isinstance(node.value, ast.Attribute) and _name(node.value.value) == "trt":
            yield node.value.attr, node.attr
        elif owner in classes:
            yield classes[owner], node.attr
    for child in ast.iter_child_nodes(node):
        yield from _used(child, classes, without)


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


@pytest.fixture(params=["tensorrt_rtx", "tensorrt", "tensorrt_bindings", "tensorrt_lean_bindings"])
def module(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param, reason=f"{request.param} is not installed", exc_type=ImportError)


def test_all_attributes_used_are_in_the_module(module: Any) -> None:
    without = set() if hasattr(module, "IRuntimeCache") else RTX_ALONE
    wanted = {("Runtime",), ("ILogger", "ERROR"), ("ILogger", "INTERNAL_ERROR")} | used(RUN, without)
    if "lean" not in module.__name__:
        wanted |= {("Builder",), ("ParserError", "desc")} | used(BUILD, set())
    optional = {("IRuntimeCache",), ("NetworkDefinitionCreationFlag", "STRONGLY_TYPED")}
    missing = [names for names in sorted(wanted - optional) if not has(module, names)]
    assert missing == []


def has(owner: Any, names: tuple[str, ...]) -> bool:
    for name in names:
        if not hasattr(owner, name):
            return False
        owner = getattr(owner, name)
    return True


def test_the_attributes_used_are_found_in_the_source() -> None:
    assert used(BUILD, set()) >= {
        ("NetworkDefinitionCreationFlag",),
        ("BuilderFlag", "TF32"),
        ("Builder", "build_serialized_network"),
        ("OnnxParser", "parse"),
        ("INetworkDefinition", "get_input"),
        ("IOptimizationProfile", "set_shape"),
        ("IBuilderConfig", "clear_flag"),
    }
    everywhere = {
        ("nptype",),
        ("Runtime", "deserialize_cuda_engine"),
        ("ICudaEngine", "device_memory_size_v2"),
        ("ICudaEngine", "create_execution_context"),
        ("IExecutionContext", "execute_async_v3"),
    }
    rtx = {("CudaGraphStrategy", "WHOLE_GRAPH_CAPTURE"), ("IRuntimeCache", "serialize")}
    assert used(RUN, set()) >= everywhere | rtx
    assert used(RUN, RTX_ALONE) >= everywhere
    assert not used(RUN, RTX_ALONE) & rtx


def test_a_runtime_without_a_driver_is_refused_or_refuses_all_engines(module: Any) -> None:
    if not cuda.unavailable_reason():
        pytest.skip("there is a GPU")
    if hasattr(module, "IRuntimeCache"):  # TensorRT-RTX creates a runtime without a driver
        runtime = library.with_logger("rtx", module).create_runtime()
        assert runtime.deserialize_cuda_engine(b"no engine" * 9) is None
    else:
        with pytest.raises(BackendError, match="can't use the GPU: createInferRuntime: "):
            library.with_logger("tensorrt", module).create_runtime()
