"""Removal of secrets from text, in whatever encoding they occur there."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from urllib.parse import unquote, unquote_plus

REDACTED = "…"
_SCHEME = r"\b[A-Za-z][A-Za-z0-9+.-]+:"
_LOGIN = re.compile(rf"({_SCHEME}/{{0,2}})[^\s'\"]*@|(?<=['\"])({_SCHEME}//)[^'\"\n]*@")
_QUERY = re.compile(rf"({_SCHEME}//[^\s'\"?#]*[?#])[^\s'\"]+")
_MIN_LENGTH = 4  # characters: a shorter secret by itself also occurs in ordinary words
_MAX_PATTERNS = 64  # older ones are forgotten: a password file that changes every hour must not fill the memory


def redact_logins(text: str) -> str:
    """`text` without logins and queries of addresses, for text in which no address was expected."""
    if ":" not in text:
        return text
    return _QUERY.sub(rf"\1{REDACTED}", _LOGIN.sub(rf"\1\2{REDACTED}@", text))


class Redactor:
    """Replaces known secrets in text. Any thread may add secrets and redact."""

    def __init__(self) -> None:
        self._patterns: dict[str, str] = {}
        self._compiled: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, secret: str, even_short: bool = False) -> None:
        """Redact `secret` from now on, as it is and percent-decoded.

        Args:
            secret: Ignored if it is shorter than four characters, as it would be found inside ordinary words.
            even_short: Redact it whatever its length.
        """
        forms = [
            form for form in {secret, unquote(secret), unquote_plus(secret)} if even_short or len(form) >= _MIN_LENGTH
        ]
        with self._lock:
            if all(form in self._patterns for form in forms):
                return
            for form in forms:
                self._patterns[form] = self._patterns.pop(form, "") or _in_any_encoding(form)
            while len(self._patterns) > _MAX_PATTERNS:
                self._patterns.pop(next(iter(self._patterns)))
            self._compiled = None

    def add_login(self, login: str) -> None:
        """Redact user and password: each alone, together before the @ of an address, and as HTTP Basic credentials."""
        user, _, password = login.partition(":")
        for secret in (login, user, password):
            self.add(secret)
        self.add(f"{login}@", even_short=True)
        credentials = f"{unquote(user)}:{unquote(password)}".encode()
        for encoded in (base64.b64encode(credentials), base64.urlsafe_b64encode(credentials)):
            self.add(encoded.decode().rstrip("="))

    def redact(self, text: str) -> str:
        """`text` with each secret replaced by …."""
        with self._lock:
            if self._compiled is None and self._patterns:
                longest_first = sorted(self._patterns.items(), key=lambda item: -len(item[0]))
                self._compiled = re.compile("|".join(pattern for _, pattern in longest_first))
            pattern = self._compiled
        return pattern.sub(REDACTED, text) if pattern else text


def _in_any_encoding(secret: str) -> str:
    """A pattern that matches `secret` raw and as URLs (any subset of characters), JSON, HTML and Python write it."""
    escaped = html.escape(secret)
    forms = {
        escaped,
        escaped.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        html.escape(secret, quote=False),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        "".join(repr(character)[1:-1] for character in secret),
        "".join(ascii(character)[1:-1] for character in secret),
        "".join(repr(character.encode())[2:-1] for character in secret),
        repr("\"'" + secret)[4:-1],  # both quotes, so that one is escaped
        ascii("\"'" + secret)[4:-1],
        repr(b"\"'" + secret.encode())[5:-1],
    }
    longest_first = sorted(forms, key=len, reverse=True)
    return "|".join([*map(re.escape, longest_first), "".join(map(_percent_encoded_or_not, secret))])


def _percent_encoded_or_not(character: str) -> str:
    """A pattern of `character`, percent-encoded or not."""
    encoded = "".join(f"%{byte:02x}" for byte in character.encode())
    space = r"|\+" if character == " " else ""
    return f"(?:{re.escape(character)}|(?i:{encoded}){space})"
