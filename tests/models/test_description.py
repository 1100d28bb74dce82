"""The description of a model as a table."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models import catalogue, synthetic
from pipeline.models.description import describe_model
from pipeline.models.importing.conventions import BYTES, Overrides, ValueRange
from tests.models.importing.foreign import Foreign

pytestmark = pytest.mark.usefixtures("private_data")


def test_a_named_model_is_described_by_its_facts() -> None:
    facts = dict(describe_model("clear-x2"))
    assert (facts["model"], facts["scale"], facts["values"], facts["sizes"]) == ("clear-x2", "x2", "0..1", "any")
    assert (facts["receptive field"], facts["licence"]) == ("8 pixels around each", "CC0-1.0")


def test_a_file_is_described_by_what_its_trial_found(tmp_path: Path) -> None:
    foreign = Foreign(input_range=BYTES, output_range=BYTES, layout="nhwc", multiple=4, border=14, output_reversed=True)
    facts = dict(describe_model(str(foreign.saved(tmp_path / "theirs.onnx"))))
    assert facts["model"] == "theirs"
    assert facts["channels"] == "red, green, blue, the opposite order in the output"
    assert (facts["values"], facts["layout"]) == ("0..255", "NHWC (channels last)")
    assert facts["sizes"] == "multiples of 4: other frames are continued by their mirror image"
    assert facts["border"] == "8 pixels on each side are added before it"
    assert facts["displacement"] == "none"


def test_what_was_stated_is_shown(tmp_path: Path) -> None:
    known = ValueRange.parse("imagenet")
    path = Foreign(input_range=known, output_range=known).saved(tmp_path / "theirs.onnx")
    facts = dict(describe_model(str(path), Overrides(range="imagenet", channels="rgb")))
    assert facts["values"] == "imagenet (-2.12..2.25, -2.04..2.43, -1.80..2.64)"


def test_a_declared_size_is_shown(tmp_path: Path) -> None:
    path = Foreign(shape=[1, 3, 64, 96]).saved(tmp_path / "theirs.onnx")
    assert dict(describe_model(str(path)))["sizes"] == "any (the file declares 96x64, which it does not need)"


def test_an_added_model_is_described_as_the_file_was(tmp_path: Path) -> None:
    path = tmp_path / "theirs.onnx"
    onnx.save(synthetic.nearest(np.float32, 3), path)
    catalogue.add_model(path, "mine")
    facts, of_file = dict(describe_model("mine")), dict(describe_model(str(path)))
    assert facts.pop("model") == "mine"
    assert of_file.pop("model") == "nearest-x3"
    assert facts == of_file


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="no model called 'theirs'"):
        describe_model("theirs")
