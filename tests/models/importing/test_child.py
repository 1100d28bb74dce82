"""The child process of an examination: its replies, and its limits on time and memory."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models import synthetic
from pipeline.models.importing import child
from pipeline.models.importing.conventions import BYTES, Conventions, Overrides
from tests.models.importing.foreign import Foreign


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


def examine(path: Path, seconds: float = 60) -> dict[str, object]:
    return child.examine_in_child(path, Overrides(), path.with_name("written.onnx"), seconds)


def test_the_reply_has_the_conventions_and_the_network_is_written(path: Path) -> None:
    reply = examine(Foreign(input_range=BYTES, output_range=BYTES).saved(path))
    assert isinstance(reply["conventions"], dict)
    assert Conventions.from_json(reply["conventions"]).input_range == BYTES
    assert reply["is_rewritten"]
    assert onnx.load(path.with_name("written.onnx")).graph.name


def test_nothing_is_written_if_nothing_is_rewritten(path: Path) -> None:
    onnx.save(synthetic.identity(np.float32), path)
    assert not examine(path)["is_rewritten"]
    assert not path.with_name("written.onnx").exists()


def test_a_refusal_is_one_line(path: Path) -> None:
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"^.*model\.onnx: not a valid ONNX model .*$"):
        examine(path)


def endless_network() -> onnx.ModelProto:
    """An identity with a loop that never ends."""
    flag = onnx.helper.make_tensor_value_info("flag", onnx.TensorProto.BOOL, [])
    count = onnx.helper.make_tensor_value_info("count", onnx.TensorProto.INT64, [])
    image = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, None)
    last = onnx.helper.make_tensor_value_info("last", onnx.TensorProto.FLOAT, None)
    still = onnx.helper.make_tensor_value_info("still", onnx.TensorProto.BOOL, [])
    steps = [
        onnx.helper.make_node("Identity", ["flag"], ["still"]),
        onnx.helper.make_node("Identity", ["image"], ["last"]),
    ]
    body = onnx.helper.make_graph(steps, "body", [count, flag, image], [still, last])
    model = synthetic.identity(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(True), "forever"))
    model.graph.node[0].CopyFrom(onnx.helper.make_node("Loop", ["", "forever", "input"], ["output"], body=body))
    return model


def test_a_network_that_never_ends_is_ended(path: Path) -> None:
    onnx.save(endless_network(), path)
    with pytest.raises(ModelError, match="did not end within 3 s: it has an endless loop, or is too slow"):
        examine(path, seconds=3)


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limits on memory")
def test_a_network_that_needs_10_gb_is_refused(path: Path) -> None:
    model = synthetic.identity(np.float32)
    shape = onnx.numpy_helper.from_array(np.array([900, 3, 1000, 1000], np.int64), "shape")
    model.graph.initializer.append(shape)
    model.graph.node[0].output[0] = "copy"
    model.graph.node.extend(
        [
            onnx.helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
            onnx.helper.make_node("ReduceSum", ["huge"], ["sum"]),
            onnx.helper.make_node("Add", ["copy", "sum"], ["output"]),
        ]
    )
    onnx.save(model, path)
    with pytest.raises(ModelError, match="needs more memory than a trial may use"):
        examine(path)


def test_a_crash_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "nonsense")  # Python refuses to start
    with pytest.raises(ModelError, match=r"its trial ended in a crash \(exit code 1\)"):
        examine(path)


def test_a_signal_is_named() -> None:
    """A private function is called, as no network ends the child by a signal on every machine."""
    assert child._ending(-11) == "SIGSEGV"
    assert child._ending(-200) == "signal 200"


def test_a_process_that_can_not_be_started_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(path / "nothing"))
    with pytest.raises(ModelError, match="no process could be started for its trial"):
        examine(path)


def test_a_network_that_can_not_be_written_is_refused(path: Path) -> None:
    Foreign(layout="nhwc").saved(path)
    with pytest.raises(ModelError, match=r"Not a directory; set UPREZ_CACHE to a folder with free space"):
        child.examine_in_child(path, Overrides(), path / "written.onnx")
