"""The child process of an examination, with limits on time and memory: a model can be any program.

parent ── JSON: file, overrides, where to write ──▶ child
parent ◀── JSON: conventions, or a refusal ──────── child
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.models.importing.conventions import Overrides

SECONDS = 60
_MEMORY = 4 * 2**30  # bytes, besides the weights
_COPIES = 8  # of the weights, in the file, in the graph, and in ONNX Runtime
_GRACE_SECONDS = 5


def examine_in_child(path: Path, overrides: Overrides, written: Path, seconds: float = SECONDS) -> dict[str, Any]:
    """Examine a model file in a child process.

    Args:
        path: The file.
        overrides: What the user states of it.
        written: Where the rewritten network is written, if it needs to be rewritten.
        seconds: Largest duration; then the child is killed.

    Returns:
        The reply: "conventions" (`Conventions.to_json`), "shift" and "error" (`Checked`), "companions" (the digests of
        other files that were read), and "is_rewritten".

    Raises:
        ModelError: The file is refused, or its examination exceeds the limits, or ends in a crash.
    """
    request = {"path": str(path), "overrides": asdict(overrides), "written": str(written), "seconds": seconds}
    try:
        ended = _ended_child(json.dumps(request).encode(), seconds)
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{path}: its trial on small images did not end within {seconds:g} s: it has an endless loop, or is too "
            "slow for this machine"
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: no process could be started for its trial: {error.strerror}") from error
    try:
        reply: dict[str, Any] = json.loads(ended.stdout)
    except ValueError as error:
        raise ModelError(f"{path}: its trial ended in a crash ({_ending(ended.returncode)})") from error
    if "refusal" in reply:
        raise ModelError(reply["refusal"])
    return reply


def _ended_child(request: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "pipeline.models.importing.child"],  # do not import from the current folder
        input=request,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_import_path())},
        start_new_session=True,  # Ctrl-C is for the parent, which then kills the child
        timeout=seconds,
        check=False,
    )


def main() -> None:
    """Read a request from standard input, examine the file, and write the reply to standard output."""
    reply_to = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # libraries may print
    request = json.load(sys.stdin)
    path = Path(request["path"])
    _limit_time(request["seconds"])
    _limit_memory(path.stat().st_size if path.is_file() else 0)
    try:
        reply = _reply(path, Overrides(**request["overrides"]), Path(request["written"]))
    except ModelError as error:
        reply = {"refusal": " ".join(str(error).split())}
    json.dump(reply, reply_to)
    reply_to.flush()
    os._exit(0)  # without waiting for the runtime's threads


def _reply(path: Path, overrides: Overrides, written: Path) -> dict[str, Any]:
    from pipeline.models.importing.examination import examine

    examined = examine(path, overrides, _limit_memory)
    if examined.content is not None:
        try:
            written.write_bytes(examined.content)
        except OSError as error:
            raise ModelError(f"{written}: {error.strerror}; set UPREZ_CACHE to a folder with free space") from error
    return {
        "conventions": examined.conventions.to_json(),
        "shift": examined.checked.shift,
        "error": examined.checked.error,
        "companions": examined.companions,
        "is_rewritten": examined.content is not None,
    }


def _limit_time(seconds: float) -> None:
    """Let the system end this process, even if the parent was killed."""
    if hasattr(signal, "alarm"):  # not on Windows
        signal.alarm(int(seconds + _GRACE_SECONDS))


def _limit_memory(weights: int) -> None:
    """Let the system limit the memory of this process, where it can, to what a network with this many bytes needs."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, limit in ((resource.RLIMIT_DATA, _MEMORY + _COPIES * weights), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, hard))


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _import_path() -> list[str]:
    """The import path of a child: first the folder that this process imported the package from."""
    root = str(Path(__file__).resolve().parents[3])
    return [root, *filter(None, [os.environ.get("PYTHONPATH")])]


if __name__ == "__main__":
    main()
