"""Settings that were renamed: their old names are accepted for one more version, with a warning."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

from pipeline.errors import SettingsError

log = logging.getLogger(__name__)

# Old name: new name. An entry is removed one version after the one that introduced the new name.
RENAMED_KEYS: Mapping[str, str] = {"silence": "timeout"}


def with_current_names(values: Mapping[str, Any], origin: object = None) -> dict[str, Any]:
    """`values` with renamed settings under their present names.

    Args:
        values: Settings by name, from a config file or from keyword arguments.
        origin: The source of the values, such as a config file: the warning goes to the log and names it. None: they
            are keyword arguments of the caller, who gets a DeprecationWarning.

    Raises:
        SettingsError: A setting is given under both names.
    """
    current: dict[str, Any] = {}
    for name, value in values.items():
        new = RENAMED_KEYS.get(name, name)
        if new in current or (new != name and new in values):
            where = f"{origin}: " if origin else ""
            raise SettingsError(f"{where}`{name}` and `{new}` are one setting; give `{new}` alone")
        if new != name:
            _warn(name, new, origin)
        current[new] = value
    return current


def _warn(old: str, new: str, origin: object) -> None:
    message = f"`{old}` is now called `{new}`; the old name will be removed in the next version"
    if origin:
        log.warning("%s: %s", origin, message)
    else:
        warnings.warn(message, DeprecationWarning, stacklevel=4)  # the caller of the public function
