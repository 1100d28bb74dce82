"""The public API: cheap to import, documented, and all that samples and benchmarks use."""

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipeline

ROOT = Path(__file__).parent.parent
USERS = sorted([*(ROOT / "samples").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
CONSTANTS = {"PATTERN_DESCRIPTION": "diagnostics/pattern_clip.py", "PIXEL_FORMATS": "frame.py", "Plane": "frame.py"}


@pytest.mark.parametrize("name", pipeline.__all__)
def test_every_public_name_can_be_imported_and_is_documented(name: str) -> None:
    value = getattr(pipeline, name)
    if name not in CONSTANTS:
        assert len(inspect.getdoc(value) or "") > 20


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_public_constant_is_followed_by_its_description(name: str) -> None:
    body = ast.parse((Path(pipeline.__file__).parent / CONSTANTS[name]).read_text()).body
    named = [isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name for node in body]
    description = body[named.index(True) + 1]
    assert isinstance(description, ast.Expr)
    assert isinstance(description.value, ast.Constant)


@pytest.mark.parametrize("name", pipeline.__all__)
def test_public_methods_and_properties_are_documented(name: str) -> None:
    value = getattr(pipeline, name)
    if not inspect.isclass(value):
        return
    for member_name, member in vars(value).items():
        if not member_name.startswith("_") and (inspect.isroutine(member) or isinstance(member, property)):
            assert inspect.getdoc(getattr(value, member_name)), member_name


def test_type_checkers_see_the_same_names_as_users() -> None:
    """The names imported under TYPE_CHECKING are those of `__all__`, and of the same objects."""
    tree = ast.parse(Path(pipeline.__file__).read_text())
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline."):
            for alias in node.names:
                found[alias.asname or alias.name] = (str(node.module), alias.name)
    assert sorted(found) == sorted(pipeline.__all__)
    for name, (module, own) in found.items():
        assert getattr(pipeline, name) is getattr(importlib.import_module(module), own), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pipeline' has no attribute 'nonsense'"):
        _ = pipeline.nonsense


def test_a_renamed_name_works_with_a_deprecation_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline._RENAMED", {"old_probe": "probe"})  # the table of real ones may be empty
    with pytest.warns(DeprecationWarning, match=r"^pipeline.old_probe is now pipeline.probe; ") as warned:
        assert pipeline.old_probe is pipeline.probe
    assert warned[0].filename == __file__


def test_all_errors_have_one_root_and_are_in_the_overview() -> None:
    from pipeline import errors

    found = [value for value in vars(errors).values() if isinstance(value, type)]
    assert all(issubclass(error, pipeline.UprezError) for error in found)
    assert all(error.__name__ in str(errors.__doc__) for error in found)
    assert all(error.__name__ in pipeline.__all__ for error in found)


def test_importing_the_package_imports_no_library() -> None:
    heavy = "{'numpy', 'av', 'onnx', 'onnxruntime', 'cv2', 'pydantic', 'tensorrt_rtx', 'cuda.core'}"
    code = f"import sys, pipeline; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("path", USERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_samples_and_benchmarks_use_public_names_only(path: Path) -> None:
    assert not list(private_uses(ast.parse(path.read_text(), str(path))))


def private_uses(tree: ast.Module) -> Iterator[str]:
    """What a program uses of the package beside public names: modules, and names that are not in `__all__`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("pipeline."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pipeline":
            names = [alias.name for alias in node.names]
            yield from names if node.module != "pipeline" else (name for name in names if name not in pipeline.__all__)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pipeline":
            yield from {node.attr} - {*pipeline.__all__}


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("import pipeline\npipeline.upscale('a')", []),
        ("from pipeline import upscale", []),
        ("import pipeline.files.job", ["pipeline.files.job"]),
        ("from pipeline.files.job import execute", ["execute"]),
        ("from pipeline import files", ["files"]),
        ("import pipeline\npipeline._HOMES", ["_HOMES"]),
    ],
)
def test_the_check_finds_private_uses(program: str, found: list[str]) -> None:
    assert list(private_uses(ast.parse(program))) == found
