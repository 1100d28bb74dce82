"""The keyword arguments of `upscale` are the fields of `Settings`, those of `Upscaler` some of `Upscaling`."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from pipeline.config.settings import Settings, Upscaling
from pipeline.config.upscale_options import UpscaleOptions
from pipeline.config.upscaler_options import UpscalerOptions


def alternatives(annotation: Any) -> set[Any]:
    """The types that an annotation allows; of a Literal each value."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (types.UnionType, Union):
        return {each for part in get_args(annotation) for each in alternatives(part)}
    return set(get_args(annotation)) if get_origin(annotation) is Literal else {annotation}


def test_every_setting_can_be_given_as_a_keyword() -> None:
    assert UpscaleOptions.__optional_keys__ == frozenset(Settings.model_fields)


def test_the_keywords_of_an_upscaler_are_settings_of_files_and_streams() -> None:
    assert UpscalerOptions.__optional_keys__ < frozenset(Upscaling.model_fields)


@pytest.mark.parametrize("options", [UpscaleOptions, UpscalerOptions])
def test_every_keyword_accepts_what_its_setting_holds(options: Any) -> None:
    hints = get_type_hints(options)
    for name, field in get_type_hints(Settings, include_extras=True).items():
        if name in hints:
            assert alternatives(field) <= alternatives(hints[name]), name
