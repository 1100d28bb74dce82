"""The two files of an ncnn network: NAME.param, the graph, and NAME.bin, the weights, in one folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError
from pipeline.models.ncnn.converter import convert_ncnn
from pipeline.models.ncnn.param_file import LARGEST_PARAM_FILE
from pipeline.models.spec import LARGEST_MODEL

if TYPE_CHECKING:
    import onnx

SUFFIXES = (".param", ".bin")


def read_ncnn(path: Path) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Convert a network, either file of which may be named.

    Args:
        path: The .param or the .bin file. The other one is expected beside it.

    Returns:
        The model, and the SHA-256 digest of the other file, by its name.

    Raises:
        ModelError: In one line, without the file's name: a file is missing, damaged or not supported.
        OSError: The file that was named can't be read.
    """
    other = path.with_suffix(next(suffix for suffix in SUFFIXES if suffix != path.suffix.lower()))
    content = _read(path)
    try:
        companion = _read(other)
    except FileNotFoundError as error:
        raise ModelError(
            f"{other.name} is missing beside it; a network of ncnn has a .param and a .bin file"
        ) from error
    except OSError as error:
        raise ModelError(f"{other.name} beside it can't be read ({error.strerror})") from error
    param, weights = (content, companion) if path.suffix.lower() == ".param" else (companion, content)
    return convert_ncnn(param, weights), {other.name: hashlib.sha256(companion).hexdigest()}


def _read(path: Path) -> bytes:
    largest = LARGEST_PARAM_FILE if path.suffix.lower() == ".param" else LARGEST_MODEL
    if (size := path.stat().st_size) > largest:
        raise ModelError(f"{path.name} has {size} bytes; up to {largest} are supported")
    return path.read_bytes()
