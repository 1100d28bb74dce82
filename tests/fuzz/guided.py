"""A parser under atheris: `python -m tests.fuzz.guided NAME CORPUS [OPTIONS OF LIBFUZZER]`."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # optional: `make fuzz` installs it

with atheris.instrument_imports(include=["pipeline"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer ends the process, with another code than 0 after a finding."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target.parse)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
