"""Whom an encrypted connection may lead to."""

from __future__ import annotations

from pathlib import Path

_ENCRYPTED = ("rtsps", "rtmps", "https")


def tls_options(scheme: str, authorities: Path | None) -> dict[str, str]:
    """FFmpeg's options for an address of `scheme`: only who `authorities`, a file in PEM, vouch for, under that name.

    Without any, FFmpeg encrypts what it sends to whoever answers, as its protocols do by themselves.
    """
    if authorities is None or scheme not in _ENCRYPTED:
        return {}
    return {"tls_verify": "1", "ca_file": str(authorities.absolute())}
