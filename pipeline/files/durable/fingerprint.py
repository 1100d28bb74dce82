"""The fingerprint of a job: everything that its output depends on, by names that users know."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.errors import InputError
from pipeline.files.plan import Plan
from pipeline.system import host

Fingerprint = Mapping[str, str]

# Settings that change how fast a job is, or what it prints, and no frame of its output.
_NO_EFFECT = frozenset(
    "device vram decoder dedup slots contexts threads queue decoders encoders strict overwrite to quiet as_json "
    "resume".split()
)
_SAMPLE_BYTES = 2**20  # that are read at the beginning, in the middle and at the end of a source
_DIGITS = 16  # of a digest in messages and files


def job_fingerprint(plan: Plan) -> Fingerprint:
    """Return the fingerprint of a plan: names and values. Raises InputError if the source can't be read."""
    encoding = replace(plan.encoding, encoders=1, gop=0, threads=0, waiting=0)
    values = {
        "source": source_digest(plan.media.files),
        "version": _versions(),
        "model": f"{plan.model.name} {plan.model.sha256[:_DIGITS]}",
        "backend": plan.backend,
        "encoding": digest(repr(encoding)),
        "frames": digest(repr((plan.size, plan.deinterlacing, plan.rotation, plan.excerpt, plan.time_shift))),
        "streams": digest(repr(sorted(plan.copied))),
    }
    names = [name for name in Settings.model_fields if name not in _NO_EFFECT and name != "model"]
    return values | {f"`{name}`": str(getattr(plan.settings, name)) for name in names}


def differences(before: Fingerprint, now: Fingerprint) -> list[str]:
    """Return a phrase for each entry that differs; derived entries only where no setting explains them."""
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    named = [_phrase(name, before.get(name), now.get(name)) for name in changed if name.startswith("`")]
    others = [name for name in changed if not name.startswith("`")]
    if "source" in others:
        named.insert(0, "the source has changed")
    for name in ("version", "model", "backend"):
        if name in others:
            named.append(_phrase(name, before.get(name), now.get(name)))
    return named or [f"another choice of {name}" for name in others]


def _versions() -> str:
    """Versions of what makes the packets of the video."""
    found = host.versions()
    return ", ".join(f"{name} {found.get(name, 'unknown')}" for name in ("uprez", "av", "ffmpeg"))


def _phrase(name: str, before: str | None, now: str | None) -> str:
    return f"{name} was {before}, is {now}"


def fingerprint_digest(fingerprint: Fingerprint) -> str:
    """Return a digest of a fingerprint, which identifies the job."""
    return digest(json.dumps(dict(fingerprint), sort_keys=True))


def digest(text: str) -> str:
    """Return the first digits of the SHA-256 of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def source_digest(files: tuple[Path, ...]) -> str:
    """Return a digest of sizes, modification times and samples of the contents of `files`."""
    sums = hashlib.sha256()
    try:
        for file in files:
            facts = file.stat()
            sums.update(f"{facts.st_size} {facts.st_mtime_ns} ".encode())
            for sample in _samples(file, facts.st_size) if len(files) == 1 else ():
                sums.update(sample)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    return sums.hexdigest()[:_DIGITS]


def _samples(file: Path, size: int) -> Iterator[bytes]:
    """Yield the first, the middle and the last bytes of `file`."""
    with file.open("rb") as content:
        for at in (0, max(0, size // 2), max(0, size - _SAMPLE_BYTES)):
            content.seek(at)
            yield content.read(_SAMPLE_BYTES)
