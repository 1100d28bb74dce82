"""TLS in front of a server that has none, with a certificate of its own authority."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import trustme

from tests.servers.server import Server

_SECURE = {"rtsp": "rtsps", "rtmp": "rtmps", "http": "https"}


class Tls(Server):
    """Decrypts connections and forwards them to `server`. name: the host of the certificate."""

    def __init__(self, server: Server, name: str = "127.0.0.1") -> None:
        super().__init__()
        self.server, self.name = server, name

    @property
    def authority(self) -> Path:
        """The certificate of its authority, as PEM."""
        return self.folder / "authority.pem"

    def command(self) -> list[str]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        certificate = self.folder / "certificate.pem"
        authority.issue_cert(self.name).private_key_and_cert_chain_pem.write_to_path(str(certificate))
        settings = {"port": self.port, "to": self.server.port, "certificate": str(certificate)}
        return [sys.executable, "-m", "tests.servers.terminating", json.dumps(settings)]

    def address(self, behind: str) -> str:
        """Returns the encrypted address of `behind`, an address of the server."""
        scheme, rest = behind.split("://", 1)
        return f"{_SECURE[scheme]}://{re.sub(rf':{self.server.port}(?=/)', f':{self.port}', rest)}"
