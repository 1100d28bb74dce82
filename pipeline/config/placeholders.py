"""Text with places for what is kept elsewhere: ${NAME}, a variable of the environment, ${file:/a/path}, a file."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from pipeline.errors import SettingsError

_PLACE = re.compile(r"\$\{([A-Za-z_]\w*|file:[^{}]+)\}", re.ASCII)
_FIRST_MARK = 0xF0000  # a plane of Unicode for private use: such a character stands for a place
_UNSEEN = ("Cc", "Co", "Cs")  # Unicode's categories of what no setting holds: control, private use, surrogates
_MOST_BYTES = 65_536  # a file of secrets is small; another is a mistake


class Template:
    """Text with places. marked: the text, with one character for each place, so that no separator lies in a place.

    Raises SettingsError, without the text, for what can't be one.
    """

    __slots__ = ("_names", "marked")

    def __init__(self, text: str) -> None:
        if has_unseen(text):
            raise SettingsError("an address or a secret holds control characters; a single line of text is allowed")
        names = _PLACE.findall(text)
        marks = iter(range(_FIRST_MARK, _FIRST_MARK + len(names)))
        self._names = {_FIRST_MARK + index: name for index, name in enumerate(names)}
        self.marked = _PLACE.sub(lambda _: chr(next(marks)), text)
        if "${" in self.marked:
            raise SettingsError(
                "an address or a secret holds ${, but neither ${NAME} nor ${file:/a/path}; write $ as %24"
            )

    @property
    def begins_with_place(self) -> bool:
        return ord(self.marked[0]) in self._names if self.marked else False

    def values(self) -> dict[int, str]:
        """What each mark stands for now. Raises SettingsError with the name of the variable or file that is missing."""
        return {mark: _looked_up(name) for mark, name in self._names.items()}

    def written(self, marked: str) -> str:
        """`marked` as the user wrote it."""
        return marked.translate({mark: f"${{{name}}}" for mark, name in self._names.items()})

    def without(self) -> str:
        """The text with nothing in its places."""
        return self.marked.translate(dict.fromkeys(self._names, ""))


def expanded(text: str) -> str:
    """`text` with what its places stand for. Raises SettingsError with the name of what is missing."""
    template = Template(text)
    return template.marked.translate(template.values())


def has_unseen(text: str) -> bool:
    return any(unicodedata.category(character) in _UNSEEN for character in text)


def _looked_up(name: str) -> str:
    if name.startswith("file:"):
        value = _read(Path(name.removeprefix("file:")))
    elif name in os.environ:
        value = os.environ[name]
    else:
        raise SettingsError(f"${{{name}}}: not set in the environment: set it, or name a file: ${{file:/a/path}}")
    if has_unseen(value):
        raise SettingsError(f"${{{name}}}: holds control characters or several lines; one line of text is allowed")
    return value


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode().rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"${{file:{path}}}: can't be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise SettingsError(f"${{file:{path}}}: is not text in UTF-8; one line of text is allowed") from None
