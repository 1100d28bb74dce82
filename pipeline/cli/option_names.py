"""Translation of messages for the command line: names of settings in backticks become the options that set them."""

from __future__ import annotations

import logging
import re
from functools import cache

from pipeline.cli.printable import printable
from pipeline.config.redaction import redact_logins

_SETTING = re.compile(r"`(?P<name>[a-z]\w*)(?:\s*=\s*(?P<value>[^`]+))?`")
_UNLIKE_THEIR_FIELD = {
    "as_json": "--json",
    "everything": "--all",
    "input_options": "-i",
    "options": "-x",
    "output": "OUTPUT",
    "source": "SOURCE",
    "sources": "SOURCE",
}
# Parameters of commands that the settings don't have.
_OF_COMMANDS = frozenset(
    "all at compare config discard engines every everything models output quick reference save schema seconds shapes "
    "size trace version".split()
)


def with_options(message: str) -> str:
    """`message` with each setting that it names in backticks written as an option of the command line.

    `pix_fmt` becomes --pix-fmt, `pix_fmt="yuv420p"` becomes --pix-fmt yuv420p, `overwrite=True` becomes --overwrite
    and `audio=False` becomes --no-audio. Everything else in backticks, such as a command, is left as it is.
    """
    return _SETTING.sub(_as_option, message) if "`" in message else message


class MessageFormatter(logging.Formatter):
    """Formats log records as lines of the command line, the settings that they name in backticks as options.

    Control characters are escaped, and logins of addresses are redacted, in tracebacks as well.
    """

    def __init__(self) -> None:
        super().__init__("uprez: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return printable(redact_logins(with_options(super().format(record))))


def _as_option(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if name not in _known():
        return match[0]
    option = _UNLIKE_THEIR_FIELD.get(name, f"--{name.strip('_').replace('_', '-')}")
    if value is None or value == "True":
        return option
    if value == "False":
        return f"--no-{option.lstrip('-')}"
    return f"{option} {value.strip(chr(34) + chr(39))}"


@cache
def _known() -> frozenset[str]:
    from pipeline.config.live_settings import LiveSettings, StreamSettings
    from pipeline.config.renames import RENAMED_KEYS
    from pipeline.config.settings import Settings

    fields = [each for model in (Settings, StreamSettings, LiveSettings) for each in model.model_fields.items()]
    aliases = {field.alias for _, field in fields if field.alias}
    return frozenset({name for name, _ in fields} | aliases | {*RENAMED_KEYS} | _OF_COMMANDS | {"sources"})
