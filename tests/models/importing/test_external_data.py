"""External data: read from the model's own folder, and from nowhere else."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models import synthetic
from pipeline.models.importing.external_data import file_digest, merge_external_data

NAME = "weights.data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


@pytest.fixture
def original() -> onnx.ModelProto:
    return synthetic.srvgg(8, 1, np.float32)


@pytest.fixture
def path(folder: Path, original: onnx.ModelProto) -> Path:
    """A model whose weights are in another file, as PyTorch's exporter writes it."""
    path = folder / "model.onnx"
    model = onnx.ModelProto()
    model.CopyFrom(original)
    onnx.save(model, path, save_as_external_data=True, location=NAME, size_threshold=0)
    return path


def parsed(path: Path) -> onnx.ModelProto:
    return onnx.load(path, load_external_data=False)


def relocated(path: Path, location: str) -> onnx.ModelProto:
    model = parsed(path)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    return model


def test_external_data_are_merged(path: Path, original: onnx.ModelProto) -> None:
    model = parsed(path)
    assert merge_external_data(model, path) == {NAME: file_digest(path.with_name(NAME))}
    for tensor, expected in zip(model.graph.initializer, original.graph.initializer, strict=True):
        assert not tensor.external_data
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor), onnx.numpy_helper.to_array(expected))


def test_a_model_in_one_file_is_left_as_it_is(original: onnx.ModelProto, path: Path) -> None:
    before = original.SerializeToString(deterministic=True)
    assert merge_external_data(original, path) == {}
    assert original.SerializeToString(deterministic=True) == before


def test_tensors_of_subgraphs_and_attributes_are_merged(folder: Path) -> None:
    (folder / NAME).write_bytes(np.array([5], np.float32).tobytes())
    tensor = onnx.TensorProto(data_type=onnx.TensorProto.FLOAT, dims=[1], name="t")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=NAME)
    constant = onnx.helper.make_node("Constant", [], ["c"], value=tensor)
    inner = onnx.helper.make_graph([constant], "inner", [], [onnx.helper.make_tensor_value_info("c", 1, [1])])
    branch = onnx.helper.make_node("If", ["flag"], ["y"], then_branch=inner, else_branch=inner)
    model = onnx.helper.make_model(onnx.helper.make_graph([branch], "g", [], []))
    merge_external_data(model, folder / "model.onnx")
    for attribute in model.graph.node[0].attribute:
        assert onnx.numpy_helper.to_array(attribute.g.node[0].attribute[0].t).tolist() == [5]


def test_links_inside_the_folder_are_followed(path: Path) -> None:
    path.with_name("real.data").write_bytes(path.with_name(NAME).read_bytes())
    path.with_name(NAME).unlink()
    path.with_name(NAME).symlink_to("real.data")
    assert set(merge_external_data(parsed(path), path)) == {NAME}


def test_links_to_the_folder_of_the_real_model_are_followed(path: Path, tmp_path: Path) -> None:
    """Caches of downloads have all files in one folder, and links to them in another."""
    shown = tmp_path / "shown"
    shown.mkdir()
    for file in (path, path.with_name(NAME)):
        (shown / file.name).symlink_to(file)
    assert set(merge_external_data(parsed(shown / path.name), shown / path.name)) == {NAME}


class TestRefused:
    @pytest.fixture
    def secret(self, path: Path, tmp_path: Path) -> Path:
        """A file outside of the model's folder, large enough for the weights."""
        secret = tmp_path / "secret"
        secret.write_bytes(path.with_name(NAME).read_bytes())
        return secret

    def refusal(self, model: onnx.ModelProto, path: Path) -> str:
        with pytest.raises(ModelError) as refused:
            merge_external_data(model, path)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    @pytest.mark.parametrize("location", ["../secret", "sub/../../secret"])
    def test_a_file_outside_of_the_folder_is_refused(self, path: Path, secret: Path, location: str) -> None:
        (path.parent / "sub").mkdir()
        assert "outside of the model's folder" in self.refusal(relocated(path, location), path)

    def test_an_absolute_path_is_refused(self, path: Path, secret: Path) -> None:
        assert "outside of the model's folder" in self.refusal(relocated(path, str(secret)), path)

    def test_a_link_to_the_outside_is_refused(self, path: Path, secret: Path) -> None:
        (path.parent / "link").symlink_to(secret)
        assert "outside of the model's folder" in self.refusal(relocated(path, "link"), path)

    def test_a_linked_folder_is_refused(self, path: Path, secret: Path) -> None:
        (path.parent / "sub").symlink_to(secret.parent)
        assert "outside of the model's folder" in self.refusal(relocated(path, "sub/secret"), path)

    def test_a_hard_link_is_refused(self, path: Path, secret: Path) -> None:
        os.link(secret, path.parent / "hard")
        assert "is a hard link" in self.refusal(relocated(path, "hard"), path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
    def test_a_device_or_pipe_is_refused(self, path: Path) -> None:
        os.mkfifo(path.parent / "pipe")
        assert "is not a file" in self.refusal(relocated(path, "pipe"), path)

    @pytest.mark.parametrize("location", ["missing.data", "nul\0", "x" * 5000])
    def test_a_file_that_does_not_exist_is_refused(self, path: Path, location: str) -> None:
        assert "can't be read" in self.refusal(relocated(path, location), path)

    def test_a_missing_location_is_refused(self, path: Path) -> None:
        assert "no location" in self.refusal(relocated(path, ""), path)

    def test_a_truncated_file_is_refused(self, path: Path) -> None:
        content = path.with_name(NAME).read_bytes()
        path.with_name(NAME).write_bytes(content[: len(content) // 2])
        assert "fewer than the model needs" in self.refusal(parsed(path), path)

    @pytest.mark.parametrize(("key", "value"), [("offset", "-4"), ("length", "-4"), ("offset", "two")])
    def test_offsets_that_make_no_sense_are_refused(self, path: Path, key: str, value: str) -> None:
        model = parsed(path)
        tensor = model.graph.initializer[0]
        kept = [(entry.key, entry.value) for entry in tensor.external_data if entry.key != key]
        tensor.ClearField("external_data")
        for name, text in [*kept, (key, value)]:
            tensor.external_data.add(key=name, value=text)
        assert "fewer than the model needs" in self.refusal(model, path)

    def test_a_model_of_more_than_2_gb_is_refused(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pipeline.models.importing.external_data.LARGEST_MODEL", 100)
        assert "larger than 2 GB" in self.refusal(parsed(path), path)
