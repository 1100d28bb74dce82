"""The keyword arguments of `upscale` are the fields of `Settings`."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pipeline.config.settings import Settings
from pipeline.config.upscale_options import UpscaleOptions


def alternatives(annotation: Any) -> set[Any]:
    """The types that an annotation allows; of a Literal each value."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (types.UnionType, Union):
        return {each for part in get_args(annotation) for each in alternatives(part)}
    return set(get_args(annotation)) if get_origin(annotation) is Literal else {annotation}


def test_every_setting_can_be_given_as_a_keyword() -> None:
    assert UpscaleOptions.__optional_keys__ == frozenset(Settings.model_fields)


def test_every_keyword_accepts_what_its_setting_holds() -> None:
    hints = get_type_hints(UpscaleOptions)
    for name, field in get_type_hints(Settings, include_extras=True).items():
        if name in Settings.model_fields:
            assert alternatives(field) <= alternatives(hints[name]), name
