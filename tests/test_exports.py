"""The public API: complete, and fast to import."""

import subprocess
import sys

import pytest

import pipeline


def test_every_exported_name_exists() -> None:
    for name in pipeline.__all__:
        assert getattr(pipeline, name) is not None


def test_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = pipeline.nonsense


def test_all_errors_have_one_root() -> None:
    from pipeline import errors

    found = [value for value in vars(errors).values() if isinstance(value, type)]
    assert all(issubclass(error, pipeline.UprezError) for error in found)
    assert all(error.__name__ in str(errors.__doc__) for error in found)


def test_import_of_the_package_imports_no_library() -> None:
    heavy = "{'numpy', 'av', 'onnx', 'onnxruntime', 'cv2', 'pydantic', 'tensorrt_rtx', 'cuda.core'}"
    code = f"import sys, pipeline; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
