"""Text from outside, such as names of files and tags, made safe for terminals and logs."""

from __future__ import annotations

import re

# Control characters of ASCII and Latin-1 but tab and newline, surrogates, separators of lines, and marks that reverse
# the order in which text is shown.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str, one_line: bool = False) -> str:
    """`text` with control characters, and others that a terminal would act on, as escapes such as \\x1b.

    Args:
        text: Any text.
        one_line: Escape tabs and newlines as well.
    """
    text = _UNPRINTABLE.sub(_escaped, text)
    return text.replace("\n", "\\n").replace("\t", "\\t") if one_line else text


def _escaped(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
