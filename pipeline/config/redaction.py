"""What must not be told, and how it is found in a text whatever its encoding."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from urllib.parse import unquote, unquote_plus

HIDDEN = "…"
_LOGIN = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]+:/{0,2})[^\s'\"]*@")
_LEAST = 4  # characters: a shorter secret alone is found in innocent words
_MOST_KEPT = 64  # the oldest go: a password file that changes each hour must not fill the memory


def without_logins(text: str) -> str:
    """`text` without what stands before the @ of an address, which people type where no address belongs."""
    return _LOGIN.sub(rf"\1{HIDDEN}@", text)


class Secrets:
    """Strings that must not be told; any thread may add some, and clean."""

    def __init__(self) -> None:
        self._patterns: dict[str, str] = {}
        self._compiled: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, secret: str, even_short: bool = False) -> None:
        """Hide `secret`, as it is and without its percent-encoding, if it is long enough not to lie in any word."""
        forms = [form for form in {secret, unquote(secret), unquote_plus(secret)} if even_short or len(form) >= _LEAST]
        with self._lock:
            if all(form in self._patterns for form in forms):
                return
            for form in forms:
                self._patterns[form] = self._patterns.pop(form, "") or _in_any_form(form)
            while len(self._patterns) > _MOST_KEPT:
                self._patterns.pop(next(iter(self._patterns)))
            self._compiled = None

    def add_login(self, login: str) -> None:
        """Hide user and password, alone, as they stand before the @ of an address, and in the form of HTTP's Basic."""
        user, _, password = login.partition(":")
        for secret in (login, user, password):
            self.add(secret)
        self.add(f"{login}@", even_short=True)
        pair = f"{unquote(user)}:{unquote(password)}".encode()
        for coded in (base64.b64encode(pair), base64.urlsafe_b64encode(pair)):
            self.add(coded.decode().rstrip("="))

    def cleaned(self, text: str) -> str:
        """`text` with … in place of each."""
        with self._lock:
            if self._compiled is None and self._patterns:
                longest_first = sorted(self._patterns.items(), key=lambda item: -len(item[0]))
                self._compiled = re.compile("|".join(pattern for _, pattern in longest_first))
            pattern = self._compiled
        return pattern.sub(HIDDEN, text) if pattern else text


def _in_any_form(secret: str) -> str:
    """A pattern of `secret`, raw or as URLs (each character as it likes), JSON, HTML and Python write it."""
    quotes = html.escape(secret)
    forms = {
        quotes,
        quotes.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
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
    return "|".join([*map(re.escape, longest_first), "".join(map(_in_url, secret))])


def _in_url(character: str) -> str:
    """A pattern of `character`, percent-encoded or not."""
    coded = "".join(f"%{byte:02x}" for byte in character.encode())
    space = r"|\+" if character == " " else ""
    return f"(?:{re.escape(character)}|(?i:{coded}){space})"
