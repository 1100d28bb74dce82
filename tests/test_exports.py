"""The public API: cheap to import, documented, and all that samples and benchmarks use."""

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipeline
from pipeline.files.result_name import target_for
from pipeline.media.reading.image_sequence import ImageSequence

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


def test_renamed_names_stand_for_public_ones() -> None:
    assert set(pipeline._RENAMED.values()) <= set(pipeline.__all__)  # private, as the tests of the warning need it
    assert set(pipeline._RENAMED).isdisjoint(pipeline.__all__)


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


ON_CPU: dict[str, Any] = {"model": "identity", "backend": "onnx"}
OUTPUTS = {"MediaInfo", "ModelSpec", "Plan", "Result"}  # users are given these, and do not make them


def of_paths(value: Any) -> list[str]:
    """The parameters of a public function, or of a class and its own methods, that are paths but not strings."""
    methods = [member for name, member in vars(value).items() if name == "__init__" or not name.startswith("_")]
    functions = [value] if inspect.isfunction(value) else [getattr(each, "__func__", each) for each in methods]
    parameters = [
        parameter
        for function in functions
        if inspect.isfunction(function)
        for parameter in inspect.signature(function).parameters.values()
    ]
    return [str(each) for each in parameters if "Path" in str(each.annotation) and "str" not in str(each.annotation)]


@pytest.mark.parametrize("name", sorted({*pipeline.__all__} - OUTPUTS - {*CONSTANTS}))
def test_what_is_given_as_a_path_may_be_a_string(name: str) -> None:
    assert of_paths(getattr(pipeline, name)) == []


def test_the_check_of_paths_finds_functions_and_methods() -> None:
    assert of_paths(target_for) == ["source: 'Path'", "to: 'Path | None'"]
    assert len(of_paths(ImageSequence)) > 0


def measure_stages(clip: str) -> None:
    with pipeline.StageBenchmark(clip, pipeline.Settings.load(None, **ON_CPU), 0.01) as stages:
        assert stages.plan.media.path == Path(clip)


PATH_USERS: dict[str, Callable[[str, pipeline.Settings, str], object]] = {
    "read_frames": lambda clip, settings, to: next(pipeline.read_frames(clip)),
    "read_rgb": lambda clip, settings, to: next(pipeline.read_rgb(clip)),
    "save_png": lambda clip, settings, to: pipeline.save_png(f"{to}/image.png", np.zeros((2, 2, 3), np.uint8)),
    "write_pattern": lambda clip, settings, to: pipeline.write_pattern(f"{to}/clip.mp4", 64, 48, frames=2),
    "stream_workload": lambda clip, settings, to: pipeline.stream_workload(clip, Fraction(25)),
    "StageBenchmark": lambda clip, settings, to: measure_stages(clip),
    "measure_endurance": lambda clip, settings, to: pipeline.measure_endurance(clip, settings, 3),
    "preview": lambda clip, settings, to: pipeline.preview(clip, settings),
    "compare_files": lambda clip, settings, to: pipeline.compare_files(
        [clip], pipeline.ComparisonOptions(settings, reference=clip)
    ),
    "compare_models": lambda clip, settings, to: pipeline.compare_models(
        clip, ["identity"], pipeline.ComparisonOptions(settings)
    ),
    "make_plan": lambda clip, settings, to: pipeline.make_plan(pipeline.probe(clip), f"{to}/made.mkv", settings),
    "Settings.load": lambda clip, settings, to: pipeline.Settings.load(f"{to}/config.yaml"),
    "LiveSettings.load": lambda clip, settings, to: pipeline.LiveSettings.load(f"{to}/live.yaml"),
}


@pytest.mark.parametrize("name", PATH_USERS)
def test_a_path_as_a_string_is_used(name: str, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("crf: 18\n")
    (tmp_path / "live.yaml").write_text(f"source: {clip}\nshow: true\n")
    PATH_USERS[name](str(clip), pipeline.Settings.load(None, **ON_CPU), str(tmp_path))


def test_a_benchmark_of_a_clip_takes_its_path_as_a_string(clip: Path) -> None:
    options = pipeline.BenchmarkOptions(pipeline.Settings.load(None, **ON_CPU), str(clip), seconds=0.01, encode=False)
    assert pipeline.benchmark(options).clip == clip.name


def test_a_model_file_may_be_a_path() -> None:
    path = pipeline.find_model("clear-x2", "fp32").path
    assert pipeline.find_model(path, "fp32").path == path
