"""Options of encoders that write or read files, which a config file or a script of others must not set unnoticed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

# By their names, as x264, x265, SVT-AV1, libaom, vvenc, kvazaar and rav1e document them. What ends in "file" is one,
# but for "profile". `pass` writes statistics under a default name.
_FILES = re.compile(
    r"(.*-)?(pass(es)?|stats?|csv|(?<!pro)\w*(?<!pro)files?(-prefix|-name)?|passlog\w*|recon\w*|dump(-.*)?"
    r"|analysis-(save|load)|trace\w*|\w*path|clbin|prefix|debug|errlog|lambda-file|rcstats\w*)(-\w*)?",
    re.IGNORECASE,
)
_LISTS = re.compile(r".*(params|opts)", re.IGNORECASE)  # such as x264-params: NAME=VALUE:NAME=VALUE
_QUOTING = re.compile(r"[\\'\"]")  # with which FFmpeg lets names be written in other ways


def find_file_option(options: Mapping[str, str]) -> str:
    """The first of an encoder's `options`, or of its own options within them, that names a file; empty if none does."""
    for name, value in _each(options):
        if _FILES.fullmatch(name.replace("_", "-").strip("- ")):
            return name
        if name == "flags" and (re.search("pass", value, re.IGNORECASE) or any(map(str.isdecimal, value))):
            return f"{name}={value}"  # pass1 and pass2, or a number that may contain them
    return ""


def _each(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in options.items():
        yield name, value
        if _LISTS.fullmatch(name):
            if _QUOTING.search(value):
                yield "file", value  # its names can't be read here
            for part in re.split(r"[:,]", value):
                inner, _, of = part.partition("=")
                yield inner, of
