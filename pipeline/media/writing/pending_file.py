"""Files that are written under a temporary name and renamed once they are complete."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.media.av_errors import translate_write_errors

_MAX_PARTIALS = 1000  # .partial, .partial2 ... .partial999


class PendingFile:
    """The file `path`, written under a temporary name.

    It ends in one of three ways: `commit` renames it to `path`, `keep_partial` renames it to a name that marks it as
    incomplete, `discard` removes it. The writer has to close it before.

    Attributes:
        path: The name that `commit` gives the file.
        part: The temporary name.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        """Name the file; `folder`: of the temporary file, on the same file system. None: the folder of `path`."""
        self.path = path
        self.part = temporary_path((folder or path.parent) / path.name, path.suffix)

    def commit(self, overwrite: bool) -> Path:
        """Rename the file to `path`.

        Args:
            overwrite: Replace a file of that name.

        Raises:
            OutputError: A file of that name exists, or the file can't be renamed. The message names the partial file
                that is kept instead.
        """
        if os.path.exists(self.path) and not overwrite:
            raise OutputError(f"{self.path}: appeared during the job; the output is kept as {self.keep_partial()}")
        try:
            with translate_write_errors(self.path):
                os.replace(self.part, self.path)
        except OutputError as error:
            raise OutputError(f"{error}; the output is kept as {self.keep_partial()}") from error
        return self.path

    def keep_partial(self) -> Path:
        """Rename the file to NAME.partial.SUFFIX, and return that path."""
        return keep_as_partial(self.part, self.path.with_name(self.path.stem), self.path.suffix)

    def keep_after(self, finalize: Callable[[], object]) -> Path:
        """Call `finalize`, then do as `keep_partial`, whether it fails or not.

        Raises:
            OutputError: `finalize` raised it, for instance on a full disk. The message names what is kept.
        """
        try:
            finalize()
        except OutputError as error:
            raise OutputError(f"{error}; what was written until then is kept as {self.keep_partial()}") from error
        return self.keep_partial()

    def discard(self) -> None:
        """Remove the file, if it still has its temporary name."""
        self.part.unlink(missing_ok=True)


def temporary_path(path: Path, suffix: str = "") -> Path:
    """Return a temporary name beside `path`: in the same folder, so that renaming it to `path` is atomic."""
    return path.with_name(f"uprez-{secrets.token_hex(4)}.part{suffix}")


def keep_as_partial(part: Path, stem: Path, suffix: str = "") -> Path:
    """Rename `part` to the first free name of STEM.partialSUFFIX, STEM.partial2SUFFIX and so on, and return it."""
    names = (stem.with_name(f"{stem.name}.partial{count}{suffix}") for count in ("", *range(2, _MAX_PARTIALS)))
    kept = next(name for name in names if not os.path.exists(name))
    try:
        with translate_write_errors(kept):
            os.replace(part, kept)
    except OutputError as error:
        raise OutputError(f"{error}; it has the name {part.name}, wherever its folder is now") from error
    return kept
