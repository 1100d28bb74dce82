"""The .param and .bin files of a network."""

import hashlib
from pathlib import Path

import pytest

from pipeline.errors import ModelError
from pipeline.models.ncnn.files import read_ncnn
from tests.models.ncnn.networks import param, plain, random

PARAM, WEIGHTS = param("Input image 0 1 x 2=3", "Scale tested 1 1 x y 0=3"), plain(random(3))


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """The .param file of a network whose .bin is beside it."""
    (tmp_path / "net.ncnn.param").write_bytes(PARAM)
    (tmp_path / "net.ncnn.bin").write_bytes(WEIGHTS)
    return tmp_path / "net.ncnn.param"


def test_either_file_of_a_network_can_be_named(network: Path) -> None:
    model, digests = read_ncnn(network)
    assert digests == {"net.ncnn.bin": hashlib.sha256(WEIGHTS).hexdigest()}
    assert read_ncnn(network.with_suffix(".bin")) == (model, {"net.ncnn.param": hashlib.sha256(PARAM).hexdigest()})


def test_missing_second_file_is_named(network: Path) -> None:
    network.with_suffix(".bin").unlink()
    with pytest.raises(ModelError, match=r"^net\.ncnn\.bin is missing beside it; a network of ncnn has a \.param and"):
        read_ncnn(network)


def test_second_file_that_is_a_folder_is_refused(network: Path) -> None:
    network.with_suffix(".bin").unlink()
    network.with_suffix(".bin").mkdir()
    with pytest.raises(ModelError, match=r"net\.ncnn\.bin beside it can't be read \(Is a directory\)"):
        read_ncnn(network)


def test_missing_first_file_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_ncnn(tmp_path / "net.param")


def test_enormous_graph_is_refused_before_it_is_read(network: Path) -> None:
    with network.open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(ModelError, match=r"net\.ncnn\.param has 1099511627776 bytes; up to 16777216 are supported"):
        read_ncnn(network)
