"""Addresses of sources and outputs, which may contain secrets: only `Address.reveal` returns those."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from pipeline.config.placeholders import Template
from pipeline.config.redaction import REDACTED, Redactor
from pipeline.errors import SettingsError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?")  # two letters at least: C:\clips is a path
_REMOTE = re.compile(r"(?!file:)([A-Za-z][A-Za-z0-9+.-]+):(/|.*@)")  # one slash suffices: Path removes the second
_LOCAL = ("webcam", "file")  # schemes that no login follows
_PUBLISHING = ("rtmp", "rtmps", "rtmpe", "rtmpt", "rtmpte", "rtmpts")  # the last part of the path is the stream key
_AUTHORITY = re.compile(r"([^/?#]*)([^?#]*)(.*)", re.DOTALL)
# A host and its port, each of which may be the mark of a placeholder.
_HOST = re.compile(r"(\[[^\]@]*\]|[^:@\[\]]*)(:[\d\U000F0000-\U000FFFFD]*)?")
_LAST_PORT = 65_535
_ADVICE = (
    "write / ? # in a password as %2F %3F %23, or put it into ${NAME} or ${file:/a/path}, and IPv6 into brackets; "
    "ports end at 65535"
)


class Address:
    """An address, a device, or a path. `str` and `repr` show it without user, password, query and stream key.

    Args:
        text: Such as rtsp://camera/stream, webcam:0 or out/a.mkv. It may contain ${NAME}, an environment variable, and
            ${file:/a/path}, a file of one line, which are looked up at each `reveal`. As user or password their values
            are percent-encoded, so that any password is possible.

    Attributes:
        redacted: The address without its secrets, placeholders as they were written.

    Raises:
        SettingsError: It is empty, or the end of its password is ambiguous.
    """

    __slots__ = ("_parts", "_redactor", "_template", "_text", "redacted")

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        if not self._text:
            raise SettingsError("an address is empty; give one such as rtsp://camera/stream, webcam:0, or a path")
        self._template = Template(self._text)
        self._parts = _split(self._template)
        self.redacted = self._template.unmark(self._parts.redacted)
        self._redactor = Redactor()
        self._add_secrets(self._template.without_placeholders())
        if self._parts.is_broken:
            raise SettingsError(f"{self.redacted}: user, password, host and port are ambiguous: {_ADVICE}")

    @property
    def scheme(self) -> str:
        """Such as rtsp or webcam; empty for a path. Raises as `reveal` if the address begins with a placeholder."""
        return _parts(self.reveal()).scheme if self._template.begins_with_placeholder else self._parts.scheme

    def reveal(self) -> str:
        """The complete address. Raises SettingsError, which names it, if a variable or file is missing."""
        values = self._template.values()
        login = self._parts.login
        safe = "" if ":" in login else ":"  # one placeholder may stand for user:password
        quoted = {mark: quote(value, safe=safe) for mark, value in values.items()}
        head, rest = self._parts.head, self._parts.rest
        address = head.translate(values) + login.translate(quoted) + rest.translate(values)
        for value in values.values():
            self._redactor.add(value)
        self._add_secrets(address)
        return address

    def redact(self, text: str) -> str:
        """`text` without this address's secrets, in whatever encoding they occur there."""
        with contextlib.suppress(SettingsError):  # a missing variable or file can't be in the text
            text = text.replace(self.reveal(), self.redacted)
        return self._redactor.redact(text)

    def _add_secrets(self, address: str) -> None:
        parts = _parts(address)
        for secret in parts.secrets:
            self._redactor.add(secret)
        if parts.login.strip(":@"):
            self._redactor.add_login(parts.login.removesuffix("@"))

    def __str__(self) -> str:
        return self.redacted

    def __repr__(self) -> str:
        return f"Address({self.redacted!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validated,
            json_schema_input_schema=core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )

    @classmethod
    def _validated(cls, value: Any) -> Address:
        if isinstance(value, Address):
            return value
        if not isinstance(value, str | os.PathLike):
            raise ValueError("should be an address such as rtsp://camera/stream, or a path")
        try:
            return cls(os.fspath(value))
        except SettingsError as error:
            raise ValueError(str(error)) from None


def refuse_address(path: str | Path) -> None:
    """Raise SettingsError if `path` is an address rather than a local file. The message contains no secret."""
    match = _REMOTE.match(str(path))
    if match and not (os.path.exists(path) or os.path.exists(Path(path).parent)):
        raise SettingsError(
            f"{match[1]}://{REDACTED}: is an address, not a file; `uprez live` reads and publishes those"
        )


@dataclass(frozen=True)
class _Parts:
    """The parts of an address.

    Attributes:
        head: The scheme with its colon and slashes.
        login: User and password with their @.
        rest: All that follows.
        redacted: The address without secrets.
        secrets: All secrets but the login.
        is_broken: What should be host and port is neither.
    """

    scheme: str
    head: str
    login: str
    rest: str
    redacted: str
    secrets: tuple[str, ...] = ()
    is_broken: bool = False


def _split(template: Template) -> _Parts:
    """The parts of an address with placeholders. One that begins with a placeholder has unknown parts."""
    text, bare = template.marked, template.without_placeholders()
    if not template.begins_with_placeholder:
        parts = _parts(text)
        if parts.redacted != text or _parts(bare).redacted == bare:
            return parts
        return _Parts("", "", "", text, REDACTED, tuple(re.split(r"\W", bare)))  # a placeholder in the scheme hides it
    return _Parts(
        "", "", "", text, text[0] + REDACTED * (len(text) > 1), tuple(re.split(r"\W", template.without_placeholders()))
    )


def _parts(text: str) -> _Parts:
    match = _SCHEME.match(text)
    scheme, head = (match[1].lower(), match[0]) if match else ("", "")
    rest = text[len(head) :]
    if not match or scheme in _LOCAL or not (match[2] or "@" in rest or "://" in rest):
        return _Parts(scheme, "", "", text, text)
    everything = tuple(re.split(r"[/?#@:&;=]", rest if match[2] else text))
    if not match[2]:  # the scheme is missing, or precedes another
        return _Parts(scheme, "", "", text, REDACTED, everything)
    authority, path, query = _AUTHORITY.fullmatch(rest).groups()  # type: ignore[union-attr]
    login, at, host = authority.rpartition("@")
    if "@" in path + query or not _is_host(host):  # perhaps a password with a slash: ambiguous
        redacted = f"{head}{REDACTED}"
        return _Parts(scheme, head, login + at, rest[len(login + at) :], redacted, everything, not _is_host(host))
    keys = _keys(scheme, path)
    shown_path = "/".join(REDACTED if part in keys else part for part in path.split("/"))
    redacted = f"{head}{at if not login else ''}{host}{shown_path}{query[:1]}{REDACTED * bool(query[1:])}"
    values = tuple(pair.partition("=")[2] or pair for pair in re.split("[?#&;]", query))
    return _Parts(scheme, head, login + at, host + path + query, redacted, (*_pieces(keys), query[1:], *values))


def _is_host(host: str) -> bool:
    """Whether it can be a host and its port. Digits that are no valid port may be a password."""
    match = _HOST.fullmatch(host)
    port = (match[2] or "")[1:] if match else ""
    return match is not None and not (port.isdecimal() and (len(port) > 5 or int(port) > _LAST_PORT))


def _keys(scheme: str, path: str) -> set[str]:
    """The parts of a path that are secret: stream keys, and user=admin_password=…, as some cameras expect it."""
    parts = [part for part in path.split("/") if part]
    return {part for part in parts if "=" in part} | set(parts[-1:] if scheme in _PUBLISHING else [])


def _pieces(keys: set[str]) -> list[str]:
    return [piece for key in keys for piece in (key, *re.split("[=&;_]", key))]
