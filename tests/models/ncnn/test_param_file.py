"""Parsing of .param files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ModelError
from pipeline.models.ncnn.param_file import LARGEST_PARAM_FILE, MAGIC, parse_param_file
from tests.models.ncnn.networks import refusal

GRAPH = b"""7767517
2 2
Input        data  0 1 data 0=156 2=3
Convolution  conv1 1 1 data out 0=16 1=3 5=1 6=432 9=2 -23310=1,1.000000e-01
"""


def test_param_file_gives_layers_with_names_numbers_and_arrays() -> None:
    image, convolution = parse_param_file(GRAPH)
    assert (image.kind, image.inputs, image.outputs, image.numbers) == ("Input", (), ("data",), {0: 156, 2: 3})
    assert (convolution.name, convolution.inputs, convolution.outputs) == ("conv1", ("data",), ("out",))
    assert convolution.numbers == {0: 16, 1: 3, 5: 1, 6: 432, 9: 2}
    assert convolution.floats(10) == (0.1,)


def test_absent_parameters_have_the_given_defaults() -> None:
    _, convolution = parse_param_file(GRAPH)
    assert (convolution.integer(3, 1), convolution.number(18), convolution.integers(11)) == (1, 0.0, ())


def test_parameter_with_a_fraction_is_refused_as_integer() -> None:
    (layer,) = parse_param_file(b"7767517\n1 1\nSplit s 0 1 a 0=1.5\n")
    with pytest.raises(ModelError, match=r"its parameter 0 is 1\.5; an integer"):
        layer.integer(0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with ''"),
        (b"7767516\n1 1\n", "begins with '7767516' instead of 7767517"),
        (MAGIC.to_bytes(4, "little") + bytes(4), "binary form"),
        (b"\xff\xfe\xfd", "not text"),
        (b"7767517\n", "second line"),
        (b"7767517\nmany layers\n", "second line"),
        (b"7767517\n3 3\nInput a 0 1 a\n", "contains 1 of 3 layers: the file is cut off"),
        (b"7767517\n1 1\nInput a 0\n", "line 3, 'Input a 0', is no layer"),
        (b"7767517\n1 1\nInput a 0 2 x\n", "is no layer"),
        (b"7767517\n1 1\nInput a 0 -1\n", "is no layer"),
        (b"7767517\n1 1\nInput a 0 1 x 0=?\n", "is no layer"),
        (b"7767517\n1 1\nInput a 0 1 x 0=nan\n", "is no layer"),
        (b"7767517\n1 1\nInput a 0 1 x 0=99999999999\n", "is no layer"),
        (b"7767517\n1 1\nInput a 0 1 x -23300=2,1\n", "is no layer"),
        (bytes(LARGEST_PARAM_FILE + 1), "too large"),
    ],
)
def test_file_that_is_no_graph_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message) as raised:
        parse_param_file(content)
    assert "\n" not in str(raised.value)


@given(st.binary(max_size=80))
def test_any_other_content_is_refused_or_parsed(content: bytes) -> None:
    assert "\n" not in refusal(b"7767517\n1 1\n" + content, b"")


@given(st.integers(0, len(GRAPH) - 1))
def test_file_cut_off_anywhere_is_refused_unless_only_a_parameter_lacks(length: int) -> None:
    try:
        layers = parse_param_file(GRAPH[:length])
    except ModelError:
        return
    assert [layer.kind for layer in layers] == ["Input", "Convolution"]
