"""The list of built-in models states what the networks themselves do."""

import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.models import catalogue
from pipeline.models.builtin import BUILT_IN_MODELS, BuiltInModel


def test_list_contains_every_embedded_network_and_the_default() -> None:
    assert [model.name for model in BUILT_IN_MODELS if model.file] == catalogue.embedded()
    assert BUILT_IN_MODELS[0].name == Settings().model


@pytest.mark.parametrize("model", BUILT_IN_MODELS, ids=lambda model: model.name)
def test_listed_facts_are_those_of_the_network(model: BuiltInModel) -> None:
    spec = catalogue.find(model.name, np.float32)
    assert (model.scale, model.parameters, model.licence) == (spec.scale, spec.parameters, spec.licence)
    if model.file:
        assert (model.file, model.description) == (spec.path, spec.description)
