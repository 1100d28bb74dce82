"""The kinds of model files that can be imported. Each is read as an ONNX graph, in the child process of the trial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError, error_summary
from pipeline.models.importing.external_data import merge_external_data
from pipeline.models.ncnn.files import SUFFIXES as NCNN_SUFFIXES
from pipeline.models.ncnn.files import read_ncnn
from pipeline.models.pytorch.checkpoint import SUFFIXES as PYTORCH_SUFFIXES
from pipeline.models.pytorch.checkpoint import read_checkpoint
from pipeline.models.spec import LARGEST_MODEL

if TYPE_CHECKING:
    import onnx

Companions = dict[str, str]
"""The SHA-256 digests of the files that a model file needs, by their names relative to its folder."""

Read = Callable[[Path], "tuple[onnx.ModelProto, Companions]"]
"""Reads a file as an ONNX graph. Raises ModelError, without the file's name."""


def read_onnx(path: Path) -> tuple[onnx.ModelProto, Companions]:
    """Read an ONNX file, with its external data."""
    import onnx
    from google.protobuf.message import DecodeError

    if path.stat().st_size > LARGEST_MODEL:
        raise ModelError("larger than 2 GB; up to 2 GB is supported")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        companions = merge_external_data(model, path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        reason = error_summary(error)
        raise ModelError(f"not a valid ONNX model ({reason})") from error
    return model, companions


READERS: dict[str, Read] = {
    ".onnx": read_onnx,
    **dict.fromkeys(NCNN_SUFFIXES, read_ncnn),
    **dict.fromkeys(PYTORCH_SUFFIXES, read_checkpoint),
}
"""What reads each kind of file, by its suffix."""
