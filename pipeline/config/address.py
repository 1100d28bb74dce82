"""Addresses of sources and outputs. They hold secrets, which nobody sees but who asks for them by `reveal`."""

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
from pipeline.config.redaction import HIDDEN, Secrets
from pipeline.errors import SettingsError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?")  # two letters at least: C:\clips is a path
_REMOTE = re.compile(r"(?!file:)([A-Za-z][A-Za-z0-9+.-]+):(/|.*@)")  # with one slash: so it is when it was a Path
_LOCAL = ("webcam", "file")  # no user can stand in what follows these
_PUBLISHING = ("rtmp", "rtmps", "rtmpe", "rtmpt", "rtmpte", "rtmpts")  # the path's last part is the publisher's key
_AUTHORITY = re.compile(r"([^/?#]*)([^?#]*)(.*)", re.DOTALL)
# A host and its port, where the mark of a place may stand.
_HOST = re.compile(r"(\[[^\]@]*\]|[^:@\[\]]*)(:[\d\U000F0000-\U000FFFFD]*)?")
_LAST_PORT = 65_535
_ADVICE = (
    "write / ? # in a password as %2F %3F %23, or put it into ${NAME} or ${file:/a/path}, and IPv6 into brackets; "
    "ports end at 65535"
)


class Address:
    """An address, a device, or a path. `str` and `repr` show it without user, password, query and publisher's key.

    text: may hold ${NAME}, a variable of the environment, and ${file:/a/path}, a file of one line, which are looked up
    anew at each `reveal`. In the place of user or password they are percent-encoded then, so that any password will do.

    Raises SettingsError if it is empty, or if nobody can tell where its password ends.
    """

    __slots__ = ("_parts", "_secrets", "_template", "_text", "shown")

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        if not self._text:
            raise SettingsError("an address is empty; allowed are such as rtsp://camera/stream, webcam:0, or a path")
        self._template = Template(self._text)
        self._parts = _split(self._template)
        self.shown = self._template.written(self._parts.shown)
        self._secrets = Secrets()
        self._hide(self._template.without())
        if self._parts.is_broken:
            raise SettingsError(f"{self.shown}: can't tell user, password, host and port apart: {_ADVICE}")

    @property
    def scheme(self) -> str:
        """Such as rtsp, http or webcam; empty for a path. Raises as `reveal` where the address begins with a place."""
        return _parts(self.reveal()).scheme if self._template.begins_with_place else self._parts.scheme

    def reveal(self) -> str:
        """The whole. Raises SettingsError with the name of a variable or file that is missing."""
        values = self._template.values()
        login = self._parts.login
        safe = "" if ":" in login else ":"  # one place may hold user:password
        quoted = {mark: quote(value, safe=safe) for mark, value in values.items()}
        head, rest = self._parts.head, self._parts.rest
        whole = head.translate(values) + login.translate(quoted) + rest.translate(values)
        for value in values.values():
            self._secrets.add(value)
        self._hide(whole)
        return whole

    def cleaned(self, text: str) -> str:
        """`text` without this address's secrets, in whatever encoding they stand there."""
        with contextlib.suppress(SettingsError):  # what is missing can't stand there
            text = text.replace(self.reveal(), self.shown)
        return self._secrets.cleaned(text)

    def _hide(self, address: str) -> None:
        parts = _parts(address)
        for secret in parts.secrets:
            self._secrets.add(secret)
        if parts.login.strip(":@"):
            self._secrets.add_login(parts.login.removesuffix("@"))

    def __str__(self) -> str:
        return self.shown

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

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
    """Raise SettingsError, which tells nothing secret, if `path` is an address, which files can't be at."""
    match = _REMOTE.match(str(path))
    if match and not (Path(path).exists() or Path(path).parent.exists()):
        raise SettingsError(f"{match[1]}://{HIDDEN}: is an address, no file; `uprez live` reads and publishes those")


@dataclass(frozen=True)
class _Parts:
    """head: scheme://. login: with its @. rest: all that follows. shown: all that may be told. secrets: but the login.

    is_broken: what should be host and port is neither.
    """

    scheme: str
    head: str
    login: str
    rest: str
    shown: str
    secrets: tuple[str, ...] = ()
    is_broken: bool = False


def _split(template: Template) -> _Parts:
    """The parts of an address with places. Nothing is known of one that begins with a place."""
    text = template.marked
    if not template.begins_with_place:
        return _parts(text)
    return _Parts("", "", "", text, text[0] + HIDDEN * (len(text) > 1), tuple(re.split(r"\W", template.without())))


def _parts(text: str) -> _Parts:
    match = _SCHEME.match(text)
    scheme, head = (match[1].lower(), match[0]) if match else ("", "")
    rest = text[len(head) :]
    if not match or scheme in _LOCAL or not (match[2] or "@" in rest or "://" in rest):
        return _Parts(scheme, "", "", text, text)
    everything = tuple(re.split(r"[/?#@:&;=]", rest if match[2] else text))
    if not match[2]:  # a scheme is forgotten, or one stands before another
        return _Parts(scheme, "", "", text, HIDDEN, everything)
    authority, path, query = _AUTHORITY.fullmatch(rest).groups()  # type: ignore[union-attr]
    login, at, host = authority.rpartition("@")
    if "@" in path + query or not _is_host(host):  # a password with a slash, perhaps: nobody can tell
        shown = f"{head}{HIDDEN}"
        return _Parts(scheme, head, login + at, rest[len(login + at) :], shown, everything, not _is_host(host))
    keys = _keys(scheme, path)
    way = "/".join(HIDDEN if part in keys else part for part in path.split("/"))
    shown = f"{head}{at if not login else ''}{host}{way}{query[:1]}{HIDDEN * bool(query[1:])}"
    values = tuple(pair.partition("=")[2] or pair for pair in re.split("[?#&;]", query))
    return _Parts(scheme, head, login + at, host + path + query, shown, (*_pieces(keys), query[1:], *values))


def _is_host(host: str) -> bool:
    """Whether it can be a host and its port; a number that is none may be a password."""
    match = _HOST.fullmatch(host)
    port = (match[2] or "")[1:] if match else ""
    return match is not None and not (port.isdecimal() and (len(port) > 5 or int(port) > _LAST_PORT))


def _keys(scheme: str, path: str) -> set[str]:
    """The parts of a path that are secret: publishers' keys, and user=admin_password=…, as some cameras want it."""
    parts = [part for part in path.split("/") if part]
    return {part for part in parts if "=" in part} | set(parts[-1:] if scheme in _PUBLISHING else [])


def _pieces(keys: set[str]) -> list[str]:
    return [piece for key in keys for piece in (key, *re.split("[=&;_]", key))]
