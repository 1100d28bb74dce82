"""Download of a release file into the cache, which continues where it was interrupted. Needs the extra `download`.

pooch compares the digest and moves the file to its name; how the bytes are fetched is `ResumingDownload`.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from pipeline.errors import ModelError, OutputError
from pipeline.models.release_files import ReleaseFile
from pipeline.system.cache import cache_folder

if TYPE_CHECKING:
    import requests

OFFLINE_VARIABLE = "UPREZ_OFFLINE"

Report = Callable[[int], None]
"""Called with the number of bytes that are present."""

_ATTEMPTS = 5
_PAUSE_SECONDS = 1.0  # before the second attempt; longer before later ones
_TIMEOUTS = (10.0, 30.0)  # seconds to connect, and between two parts of the response
_CHUNK = 4096  # what is lost of a connection that breaks is less than this


def downloaded_path(file: ReleaseFile) -> Path | None:
    """The downloaded file; None if it is not in the cache, is another one, or the cache can't be used."""
    try:
        path = cache_folder("downloads") / file.file_name
        if path.stat().st_size != file.size:  # spares the digest of a file that is incomplete
            return None
        with path.open("rb") as content:
            is_right = hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    except (OSError, OutputError):
        return None
    return path if is_right else None


def download(file: ReleaseFile, report: Report = lambda present: None) -> Path:
    """Download a file, or find it in the cache.

    Args:
        file: The file.
        report: Called as the file grows.

    Raises:
        ModelError: In one line: the connection failed repeatedly, the content is not that of the official file, the
            variable UPREZ_OFFLINE is set, the extra is not installed, or the file can't be written.
    """
    if path := downloaded_path(file):
        return path
    folder = cache_folder("downloads")
    if os.environ.get(OFFLINE_VARIABLE):
        raise ModelError(
            f"{file.name} is not downloaded, since {OFFLINE_VARIABLE} is set; unset it, or copy {file.url} to {folder}"
        )
    try:
        import pooch
    except ImportError as error:
        raise ModelError(f"downloads need pooch ({error}): pip install 'uprez[download]'") from error
    pooch.get_logger().setLevel("ERROR")
    part = folder / f"{file.file_name}.part"
    try:
        with FileLock(f"{part}.lock"):
            fetch = ResumingDownload(file, part, report)
            known_hash = f"sha256:{file.sha256}"
            return Path(pooch.retrieve(file.url, known_hash, file.file_name, folder, downloader=fetch))
    except ValueError as error:  # the digest
        raise ModelError(
            f"{file.url}: not the official file, its SHA-256 differs from {file.sha256[:12]}...; nothing was kept"
        ) from error
    except OSError as error:
        raise ModelError(f"{part}: {error.strerror or error}; set UPREZ_CACHE to a folder with free space") from error


class ResumingDownload:
    """Fetches a file into a .part file, and gives it to pooch once it has the size of the official file."""

    def __init__(self, file: ReleaseFile, part: Path, report: Report) -> None:
        self._file = file
        self._part = part
        self._report = report

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Fetch `url` into `output_file`. Raises ModelError."""
        import requests

        reason = ""
        for attempt in range(_ATTEMPTS):
            if self._present() == self._file.size:
                break
            time.sleep(_PAUSE_SECONDS * attempt)
            try:
                self._attempt(url)
            except requests.RequestException as error:
                reason = f" ({_reason(error)})"
        present = self._present()
        if present != self._file.size:
            raise ModelError(
                f"{url}: stopped at {present} of {self._file.size} bytes{reason}; {self._file.command} continues"
            )
        os.replace(self._part, output_file)

    def _present(self) -> int:
        """The size of the .part file, which is removed if it is larger than the official file."""
        size = self._part.stat().st_size if self._part.exists() else 0
        if size > self._file.size:
            self._part.unlink()
            return 0
        return size

    def _attempt(self, url: str) -> None:
        """Fetch what is missing. Raises requests' errors, and ModelError for what another attempt can't change."""
        import requests

        start = self._present()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUTS) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                self._part.unlink(missing_ok=True)
                return
            if 400 <= response.status_code < 500:
                raise ModelError(f"{url}: the server answers {response.status_code} {response.reason}")
            response.raise_for_status()
            self._write(response, start if _continues(response, start) else 0, url)

    def _write(self, response: requests.Response, start: int, url: str) -> None:
        present = start
        with self._part.open("r+b" if start else "wb") as part:
            part.seek(start)
            for chunk in response.iter_content(_CHUNK):
                present += len(chunk)
                if present > self._file.size:
                    part.truncate(0)
                    raise ModelError(f"{url}: not the official file, more than its {self._file.size} bytes were sent")
                part.write(chunk)
                self._report(present)


def _continues(response: requests.Response, start: int) -> bool:
    """True if a response begins at the byte that was requested."""
    return response.status_code == 206 and str(response.headers.get("Content-Range", "")).startswith(f"bytes {start}-")


def _reason(error: Exception) -> str:
    """The kind of an error of requests, and the system's reason if there is one."""
    return " ".join(str(error.__cause__ or error.__context__ or error).split())[:120] or type(error).__name__
