"""TLS options: which servers an encrypted connection accepts."""

from __future__ import annotations

from pathlib import Path

_ENCRYPTED = ("rtsps", "rtmps", "https")


def tls_options(scheme: str, ca_file: Path | None) -> dict[str, str]:
    """FFmpeg's options for an address of `scheme`.

    Args:
        scheme: The scheme of the address, such as "rtsps".
        ca_file: Certificates in PEM; only servers whose certificate they signed, for that name, are accepted. With
            None, FFmpeg encrypts but checks no certificate, which is the default of its protocols.
    """
    if ca_file is None or scheme not in _ENCRYPTED:
        return {}
    return {"tls_verify": "1", "ca_file": str(ca_file.absolute())}
