"""Rewritten networks compute what the network without foreign conventions computes."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.models import synthetic
from pipeline.models.importing.conventions import BYTES, KNOWN_RANGES, UNIT, Conventions, Overrides, Pixels, ValueRange
from pipeline.models.importing.images import photograph
from pipeline.models.importing.rewriting import kept_white, needs_rewriting, rewritten, with_free_size
from pipeline.models.importing.signature import read_signature
from tests.models.importing.foreign import Foreign, plain_network

LEVEL = 1 / 255


def conventions_of(foreign: Foreign, **changes: object) -> Conventions:
    facts: dict[str, object] = {
        "scale": 2,
        "channels": "bgr" if foreign.reversed else "rgb",
        "output_reversed": foreign.output_reversed,
        "input_range": foreign.input_range,
        "output_range": foreign.output_range,
        "input_dtype": foreign.dtype,
        "output_dtype": foreign.dtype,
        "layout": foreign.layout,
        "size_multiple": foreign.multiple,
        "size": None,
        "declared_size": None,
        "border": -(-foreign.border // 2),
        "excess": -foreign.border % 2,
    }
    return Conventions(**facts | changes)  # type: ignore[arg-type]


def run(model: onnx.ModelProto, image: Pixels, conventions: Conventions | None = None) -> Pixels:
    """Run a network on an image in 0..1, as a session does."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    white = kept_white(conventions) if conventions else 1.0
    order = -1 if conventions and conventions.channels == "bgr" else 1
    dtype = np.float16 if "float16" in source.type else np.float32
    tensor = np.ascontiguousarray(image[::order][None] * white).astype(dtype)
    (output,) = session.run(None, {source.name: tensor})
    return np.asarray(output[0][::order].astype(np.float32) / white)


@pytest.fixture(scope="module")
def plain() -> onnx.ModelProto:
    return plain_network()


@settings(max_examples=25)
@given(
    known=st.sampled_from(KNOWN_RANGES),
    output=st.sampled_from([None, UNIT, BYTES]),
    reverse=st.booleans(),
    output_reversed=st.booleans(),
    layout=st.sampled_from(["nchw", "nhwc"]),
    multiple=st.sampled_from([1, 2, 4]),
    border=st.integers(0, 9),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_any_combination_gives_the_image_of_the_plain_network_within_a_level(
    plain: onnx.ModelProto,
    known: ValueRange,
    output: ValueRange | None,
    reverse: bool,
    output_reversed: bool,
    layout: str,
    multiple: int,
    border: int,
    dtype: str,
) -> None:
    if reverse:
        known = known.reversed()
    foreign = Foreign(plain, known, output or known, False, output_reversed, layout, multiple, border, dtype)
    foreign.reversed = reverse
    conventions = conventions_of(foreign, border=-(-border // 2 // multiple) * multiple)
    conventions = conventions_of(foreign, border=conventions.border, excess=2 * conventions.border - border)
    if conventions.excess < 0:
        conventions = conventions_of(
            foreign, border=conventions.border + multiple, excess=conventions.excess + 2 * multiple
        )
    model = foreign.model()
    changed = rewritten(model, read_signature(model, Overrides(layout=layout)), conventions, "foreign")
    onnx.checker.check_model(changed, full_check=True)
    image = photograph(16, 24, 3)
    difference = np.abs(run(changed, image, conventions) - run(plain, image))
    inside = (
        difference[:, 2 * border + 16 : -2 * border - 16, 2 * border + 16 : -2 * border - 16] if border else difference
    )
    assert inside.max(initial=0) < LEVEL


def test_half_precision_stays_half_precision(plain: onnx.ModelProto) -> None:
    foreign = Foreign(plain, BYTES, UNIT, dtype="float16")
    model = foreign.model()
    conventions = conventions_of(foreign)
    changed = rewritten(model, read_signature(model, Overrides()), conventions, "half")
    assert changed.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    image = photograph(16, 24, 3)
    assert np.abs(run(changed, image, conventions) - run(plain, image)).max() < LEVEL


def test_bytes_at_both_ends_become_floats(plain: onnx.ModelProto) -> None:
    foreign = Foreign(plain, BYTES, BYTES, dtype="uint8", layout="nhwc")
    model = foreign.model()
    changed = rewritten(model, read_signature(model, Overrides()), conventions_of(foreign), "bytes")
    onnx.checker.check_model(changed, full_check=True)
    assert not any(
        a.i == onnx.TensorProto.UINT8 for node in changed.graph.node for a in node.attribute if a.name == "to"
    )
    image = photograph(16, 24, 3)
    np.testing.assert_allclose(run(changed, image), run(plain, image).clip(0, 1), atol=1e-5)


def test_a_border_is_continued_by_the_pixels_of_the_edge(plain: onnx.ModelProto) -> None:
    foreign = Foreign(plain, border=14)
    model = foreign.model()
    changed = rewritten(model, read_signature(model, Overrides()), conventions_of(foreign), "border")
    image = photograph(16, 24, 3)
    padded = np.pad(image, ((0, 0), (7, 7), (7, 7)), mode="edge")
    np.testing.assert_allclose(run(changed, image), run(plain, padded)[:, 14:-14, 14:-14], atol=1e-5)


class TestMetadata:
    def facts(self, foreign: Foreign, **stated: str) -> dict[str, str]:
        model = foreign.model()
        onnx.helper.set_model_props(model, stated)
        changed = rewritten(model, read_signature(model, Overrides()), conventions_of(foreign), "their name")
        return {entry.key: entry.value for entry in changed.metadata_props}

    def test_what_the_session_applies_is_in_the_metadata(self) -> None:
        facts = self.facts(Foreign(input_range=BYTES, output_range=BYTES, reversed=True, multiple=4))
        assert facts == {
            "uprez.name": "their name",
            "uprez.channels": "bgr",
            "uprez.range": "255",
            "uprez.multiple": "4",
        }

    def test_what_the_graph_applies_is_not(self) -> None:
        assert self.facts(Foreign(input_range=BYTES, layout="nhwc"))["uprez.range"] == "1"

    def test_the_file_keeps_its_own_metadata(self) -> None:
        facts = self.facts(Foreign(), **{"uprez.name": "mine", "uprez.licence": "MIT", "author": "me"})
        assert (facts["uprez.name"], facts["uprez.licence"], facts["author"]) == ("mine", "MIT", "me")


def test_a_network_of_this_project_needs_no_rewriting() -> None:
    foreign = Foreign()
    assert not needs_rewriting(foreign.model(), conventions_of(foreign))
    for other in (
        Foreign(input_range=BYTES, output_range=BYTES),
        Foreign(reversed=True),
        Foreign(layout="nhwc"),
        Foreign(border=2),
        Foreign(multiple=2),
        Foreign(dtype="float64"),
        Foreign(output_reversed=True),
    ):
        assert needs_rewriting(other.model(), conventions_of(other))
    declared = conventions_of(foreign, declared_size=(64, 64))
    assert needs_rewriting(foreign.model(), declared)


def test_a_declared_size_is_removed(tmp_path: Path) -> None:
    model = Foreign(shape=[1, 3, 24, 40]).model()
    free = with_free_size(model)
    assert run(free, photograph(30, 33, 3)).shape == (3, 60, 66)
    assert model.graph.input[0].type.tensor_type.shape.dim[2].dim_value == 24


@pytest.mark.parametrize("opset", [9, 10, 11, 13])
def test_older_operators_are_used_where_the_file_has_older_ones(opset: int) -> None:
    model = synthetic.identity(np.float32)
    model.opset_import[0].version = opset
    model.ir_version = 4
    conventions = conventions_of(Foreign(input_range=BYTES), scale=1, border=3, excess=1, input_dtype="float32")
    changed = rewritten(model, read_signature(model, Overrides()), conventions, "old")
    onnx.checker.check_model(changed)
    session = ort.InferenceSession(changed.SerializeToString(), providers=["CPUExecutionProvider"])
    image = photograph(8, 8, 3)
    (output,) = session.run(None, {"uprez_input": image[None]})
    expected = np.pad(255 * image, ((0, 0), (2, 2), (2, 2)), mode="edge")
    np.testing.assert_allclose(output[0], expected, rtol=1e-5)
