"""The models that have names; each becomes an engine, which needs no GPU."""

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.models import catalogue

DTYPES = [np.float32, np.float16]
SHIPPED = [(name, dtype) for name in (*catalogue.embedded(), "identity", "srvgg-24x8") for dtype in DTYPES]


def test_the_default_is_embedded() -> None:
    assert catalogue.DEFAULT in catalogue.embedded()


@pytest.mark.parametrize(("name", "dtype"), SHIPPED)
def test_each_is_found_in_both_precisions(name: str, dtype: type[np.floating]) -> None:
    assert catalogue.find(name, dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("name", catalogue.embedded())
@pytest.mark.parametrize("dtype", DTYPES)
def test_embedded_ones_are_small_and_licensed(name: str, dtype: type[np.floating]) -> None:
    spec = catalogue.find(name, dtype)
    assert spec.name == name
    assert spec.path.stat().st_size < 500_000
    assert spec.parameters <= 100_000
    assert spec.licence == "CC0-1.0"


@pytest.mark.parametrize(("name", "dtype"), SHIPPED)
def test_each_becomes_a_tensorrt_rtx_engine(name: str, dtype: type[np.floating]) -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: no engine was built")
    from pipeline.superres import engine, flavour

    assert len(engine.build(flavour.load("rtx"), catalogue.find(name, dtype), 180, 320)) > 10_000


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"no model called 'clear-x9'; there are clear-x2, identity"):
        catalogue.find("clear-x9", np.float32)


def test_srvgg_of_a_silly_size_is_refused() -> None:
    with pytest.raises(ModelError, match="1 to 512 features"):
        catalogue.find("srvgg-9999x1", np.float32)


def test_srvgg_keeps_the_picture_a_picture() -> None:
    import onnxruntime as ort

    spec = catalogue.find("srvgg-24x8", np.float32)
    picture = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
    (result,) = ort.InferenceSession(str(spec.path)).run(None, {spec.input: picture})
    assert np.abs(result - picture.repeat(2, axis=2).repeat(2, axis=3)).max() < 1
