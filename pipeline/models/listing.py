"""All models that `model` accepts by name, and those that a package or a download would add, for a list of them.

Imports neither NumPy nor ONNX.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from pipeline.errors import ModelError
from pipeline.models import added
from pipeline.models.builtin import BUILT_IN_MODELS
from pipeline.models.download import downloaded_path
from pipeline.models.packaged_models import PACKAGED_MODELS
from pipeline.models.packages import PackagedModel, WeightsPackage
from pipeline.models.release_files import RELEASE_FILES

Kind = Literal["shipped", "installed", "downloaded", "added", "possible", "generated"]


@dataclass(frozen=True)
class ListedModel:
    """A row of the list of models, which stands for several similar models if its name ends with "...".

    Attributes:
        name: As `model` accepts it.
        kind: "shipped" with uprez, "installed" by a package, "downloaded", "added" by the user, "possible" after the
            command in the description, or "generated" when it is used.
        scales: Output size divided by input size, ascending; () if unknown.
        parameters: The smallest and the largest number of learned weights; () if unknown.
        licence: Licence of the weights.
        description: What it is for, in one line.
    """

    name: str
    kind: Kind
    scales: tuple[int, ...]
    parameters: tuple[int, ...]
    licence: str
    description: str


def listed_models(*, every: bool = False) -> Iterator[ListedModel]:
    """The models in the order of a list: shipped, added, installed, possible.

    Args:
        every: Whether each possible model has a row of its own, instead of one for each package.
    """
    for model in BUILT_IN_MODELS:
        counts = (model.parameters, model.parameters)
        yield ListedModel(model.name, "shipped", (model.scale,), counts, model.licence, model.description)
    for name in added.names():
        yield _added_row(name)
    for file in RELEASE_FILES:
        counts, path = (file.parameters, file.parameters), downloaded_path(file)
        text = file.purpose if path else f"{file.purpose}: {file.command} (with uprez[torch])"
        kind: Kind = "downloaded" if path else "possible"
        yield ListedModel(file.name, kind, (file.scale,), counts, file.licence, text)
    possible = []
    for packaged in PACKAGED_MODELS:
        if packaged.installed_file():
            yield _row([packaged], packaged.name, "installed", packaged.purpose)
        else:
            possible.append(packaged)
    for package, group in groupby(possible, key=lambda model: model.package):
        models = list(group)
        if every:
            yield from (_row([model], model.name, "possible", _offer(package, model.purpose)) for model in models)
        else:
            first = models[0].name.partition("-")[0]
            yield _row(models, f"{first}-...", "possible", _offer(package, f"{len(models)} models"))


def names() -> list[str]:
    """The names of all models in the list."""
    return [model.name for model in listed_models(every=True)]


def _offer(package: WeightsPackage, text: str) -> str:
    return f"{text}: {package.install_command}"


def _added_row(name: str) -> ListedModel:
    """The row of an added model; if its record is damaged, with the reason in place of what is unknown."""
    try:
        own = added.load(name)
    except ModelError as error:
        return ListedModel(name, "added", (), (), "unknown", str(error))
    text = own.description or f"added from {own.found.get('file', 'a file')}"
    return ListedModel(name, "added", (own.scale,), (own.parameters, own.parameters), own.licence, text)


def _row(models: list[PackagedModel], name: str, kind: Kind, description: str) -> ListedModel:
    counts = [model.parameters for model in models]
    scales = tuple(sorted({model.scale for model in models}))
    return ListedModel(name, kind, scales, (min(counts), max(counts)), models[0].package.licence, description)
