"""Placeholders for values stored elsewhere: ${NAME}, an environment variable; ${file:/a/path}, a file of one line."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from pipeline.errors import SettingsError

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_]\w*|file:[^{}]+)\}", re.ASCII)
_FIRST_MARK = 0xF0000  # in a private-use plane of Unicode: such a character stands for a placeholder
_INVISIBLE = ("Cc", "Co", "Cs")  # Unicode categories that no setting may contain: control, private use, surrogates
_MAX_BYTES = 65_536  # read of a file: one of secrets is small


class Template:
    """Text with placeholders.

    Attributes:
        marked: The text with one private-use character for each placeholder, so that no separator is inside one.

    Raises:
        SettingsError: The text contains control characters, or ${ without a valid placeholder. The message doesn't
            quote the text, which may be secret.
    """

    __slots__ = ("_names", "marked")

    def __init__(self, text: str) -> None:
        if has_invisible(text):
            raise SettingsError("an address or a secret contains control characters; allowed is one line of text")
        names = _PLACEHOLDER.findall(text)
        marks = iter(range(_FIRST_MARK, _FIRST_MARK + len(names)))
        self._names = {_FIRST_MARK + index: name for index, name in enumerate(names)}
        self.marked = _PLACEHOLDER.sub(lambda _: chr(next(marks)), text)
        if "${" in self.marked:
            raise SettingsError(
                "an address or a secret contains ${, but neither ${NAME} nor ${file:/a/path}; write $ as %24"
            )

    @property
    def begins_with_placeholder(self) -> bool:
        return ord(self.marked[0]) in self._names if self.marked else False

    def values(self) -> dict[int, str]:
        """The present value of each placeholder, by its mark's code point.

        Raises:
            SettingsError: A variable isn't set or a file can't be read; the message names it.
        """
        return {mark: _look_up(name) for mark, name in self._names.items()}

    def unmark(self, marked: str) -> str:
        """`marked` with its placeholders as the user wrote them."""
        return marked.translate({mark: f"${{{name}}}" for mark, name in self._names.items()})

    def without_placeholders(self) -> str:
        """The text with its placeholders removed."""
        return self.marked.translate(dict.fromkeys(self._names, ""))


def expand(text: str) -> str:
    """`text` with its placeholders replaced by their values. Raises SettingsError as `Template` and its `values`."""
    template = Template(text)
    return template.marked.translate(template.values())


def has_invisible(text: str) -> bool:
    """Whether `text` contains control, private-use or surrogate characters."""
    return any(unicodedata.category(character) in _INVISIBLE for character in text)


def _look_up(name: str) -> str:
    if name.startswith("file:"):
        value = _read(Path(name.removeprefix("file:")))
    elif name in os.environ:
        value = os.environ[name]
    else:
        raise SettingsError(f"${{{name}}}: not set in the environment: set it, or name a file: ${{file:/a/path}}")
    if has_invisible(value):
        raise SettingsError(f"${{{name}}}: contains control characters or several lines; allowed is one line of text")
    return value


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode().rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"${{file:{path}}}: can't be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise SettingsError(f"${{file:{path}}}: is not UTF-8 text; allowed is one line of text") from None
