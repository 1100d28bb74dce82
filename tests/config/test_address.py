"""Addresses: their parts, their placeholders, and that they reveal no secret."""

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.config.address import Address, refuse_address
from pipeline.errors import SettingsError

WORDS = st.text(st.characters(exclude_categories=("Cc", "Co", "Cs"), exclude_characters="…$"), min_size=4, max_size=12)


class Holder(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)
    to: tuple[Address, ...]


@pytest.mark.parametrize(
    ("text", "scheme", "shown"),
    [
        ("rtsp://camera:554/stream", "rtsp", "rtsp://camera:554/stream"),
        ("rtsp://user:password@camera/stream", "rtsp", "rtsp://camera/stream"),
        ("RTSPS://first.last:p%40ss@camera", "rtsps", "RTSPS://camera"),
        ("rtsp://user:p@ss@camera/x", "rtsp", "rtsp://camera/x"),
        ("rtsp://:only-a-password@camera/x", "rtsp", "rtsp://camera/x"),
        ("rtsp://user:pass@[fe80::1%eth0]:554/x", "rtsp", "rtsp://[fe80::1%eth0]:554/x"),
        ("rtsp://camera/cam?channel=1&auth=c2VjcmV0", "rtsp", "rtsp://camera/cam?…"),
        ("rtsp://camera/user=admin_password=tlJwpbo6_channel=1.sdp", "rtsp", "rtsp://camera/…"),
        ("rtsp://camera/stream@2", "rtsp", "rtsp://…"),
        ("rtmp://server/app/key", "rtmp", "rtmp://server/app/…"),
        ("rtmp://server/app/key/", "rtmp", "rtmp://server/app/…/"),
        ("http://camera/live.m3u8#token", "http", "http://camera/live.m3u8#…"),
        ("udp://@239.0.0.1:1234", "udp", "udp://@239.0.0.1:1234"),
        ("async:rtsp://user:pass@camera", "async", "…"),
        ("user:pass@camera/stream", "user", "…"),
        ("webcam:0", "webcam", "webcam:0"),
        ("webcam:Logi @ desk", "webcam", "webcam:Logi @ desk"),
        ("file:out/a.mkv", "file", "file:out/a.mkv"),
        (r"C:\clips\a@b.mkv", "", r"C:\clips\a@b.mkv"),
        ("/clips/ä b@c.mkv", "", "/clips/ä b@c.mkv"),
        (":99.0", "", ":99.0"),
        (" out/ ", "", "out/"),
    ],
)
def test_an_address_is_shown_without_its_secrets(text: str, scheme: str, shown: str) -> None:
    address = Address(text)
    assert (address.scheme, str(address), address.reveal()) == (scheme, shown, text.strip())
    assert repr(address) == f"Address({shown!r})"
    assert address.redact(f"can't open '{text.strip()}'") == f"can't open '{shown}'"


@pytest.mark.parametrize(
    "text", ["rtsp://user:hun/ter22@camera/x", "rtsp://user:hun?ter22@camera", "rtsp://u:hunter22", "rtsp://u:7654322"]
)
def test_an_ambiguous_password_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(SettingsError, match="user, password, host and port are ambiguous: write / ") as caught:
        Address(text)
    assert "ter22" not in str(caught.value)
    assert "7654322" not in str(caught.value)


@pytest.mark.parametrize("text", ["clip.mp4", "C:/clips/a.mp4", "file:/clips/a.mp4", "a:b/c", "-", "/x/rtsp:/y"])
def test_a_path_is_no_address(text: str) -> None:
    refuse_address(Path(text))


def test_an_address_is_refused_as_a_path_unless_such_a_file_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for address in (
        "rtsp://user:hunter22@camera",
        Path("rtsp://user:hunter22@camera"),
        "rtsp:u:p@c/x",
        "https://server/a.mp4",
    ):
        with pytest.raises(SettingsError, match=r"^[a-z]+://…: is an address, not a file; `uprez live`"):
            refuse_address(address)
    (tmp_path / "odd:").mkdir()
    (tmp_path / "odd:" / "clip.mp4").touch()
    refuse_address(Path("odd:/clip.mp4"))
    refuse_address(Path("odd:/result.mkv"))


def test_an_address_longer_than_the_name_of_a_file_is_refused() -> None:
    with pytest.raises(SettingsError, match="is an address, not a file"):
        refuse_address(f"rtsp://camera/{'x' * 5000}")


def test_a_port_above_65535_is_refused() -> None:
    assert str(Address("rtsp://camera:65535/x")) == "rtsp://camera:65535/x"
    with pytest.raises(SettingsError, match="ports end at 65535"):
        Address("rtsp://camera:65536/x")


@pytest.mark.parametrize("text", ["", "  ", "rtsp://camera/\r\nX: y", "rtsp://${1}/x", "rtsp://${file:}/x"])
def test_an_invalid_address_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^an address [^\n]*$"):
        Address(text)


def test_placeholders_are_replaced_by_variables_and_files_at_each_reveal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("p@:/?#ö 1\n", encoding="utf-8")
    monkeypatch.setenv("CAMERA_USER", "first.last")
    address = Address(f"rtsp://${{CAMERA_USER}}:${{file:{file}}}@camera/${{CAMERA_USER}}")
    assert address.reveal() == "rtsp://first.last:p%40%3A%2F%3F%23%C3%B6%201@camera/first.last"
    assert str(address) == "rtsp://camera/${CAMERA_USER}"
    file.write_text("another")
    assert address.reveal() == "rtsp://first.last:another@camera/first.last"
    assert address.redact("p@:/?#ö 1 another first.last 401") == "… … … 401", "an earlier value is no less secret"


def test_a_variable_may_contain_a_login_or_a_complete_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN", "user:p@ss/word")
    monkeypatch.setenv("CAMERA", "rtsp://user:hunter22@camera/stream?key=abcdef")
    assert Address("rtsp://${LOGIN}@camera").reveal() == "rtsp://user:p%40ss%2Fword@camera"
    address = Address("${CAMERA}")
    assert (address.scheme, str(address)) == ("rtsp", "${CAMERA}")
    assert address.redact("hunter22, abcdef and rtsp://user:hunter22@camera/stream?key=abcdef") == "…, … and ${CAMERA}"


def test_a_missing_variable_or_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOBODY", raising=False)
    with pytest.raises(SettingsError, match=r"^\${NOBODY}: not set in the environment: set it, or name a file"):
        Address("rtsp://${NOBODY}@camera").reveal()
    with pytest.raises(SettingsError, match=r"can't be read \(No such file or directory\)$"):
        Address(f"rtsp://user:${{file:{tmp_path}/none}}@camera").reveal()
    assert Address("rtsp://user:${NOBODY}@camera").redact("user") == "…", "known secrets are redacted all the same"


def test_a_value_of_several_lines_is_refused_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "hunter22\r\nX: y")
    with pytest.raises(SettingsError, match=r"^\${LINES}: contains control characters or several lines") as caught:
        Address("rtsp://camera/${LINES}").reveal()
    assert "hunter22" not in str(caught.value)


def test_a_secret_is_redacted_in_every_encoding() -> None:
    address = Address("rtsp://first.last:p%40s\"s'<w&rd@camera/x")
    raw = "p@s\"s'<w&rd"
    forms = [raw, quote(raw), quote(raw, safe="@").lower(), repr(raw), ascii(raw), json.dumps(raw), html.escape(raw)]
    forms += [base64.b64encode(f"first.last:{raw}".encode()).decode(), "p%40s\"s'<w&rd", "%70%40s%22s%27%3cw%26rd"]
    for form in forms:
        redacted = address.redact(f"before {form} after")
        assert (redacted[:7], redacted[-6:]) == ("before ", " after")
        assert not any(part in redacted for part in ("w&rd", "rd", "p@s", "p%40", form)), redacted


def test_a_short_secret_is_not_redacted_inside_words() -> None:
    address = Address("rtsp://a:b@camera/x?c=1")
    assert address.redact("a cab at 1 from rtsp://a:b@camera:554") == "a cab at 1 from rtsp://…camera:554"


@settings(max_examples=25)
@example(user="0000", password="0000", key="00'¡")
@given(user=WORDS, password=WORDS, key=WORDS)
def test_no_random_secret_remains_in_any_form(user: str, password: str, key: str) -> None:
    coded_user, coded_password, coded_key = (quote(secret, safe="") for secret in (user, password, key))
    address = Address(f"rtmp://{coded_user}:{coded_password}@host/app/{coded_key}?k={coded_key}")
    holder = Holder(to=(address,))
    for text in (str(address), repr(address), repr(holder), holder.model_dump_json(), str(holder.model_dump())):
        assert address.reveal() not in text
        assert "rtmp://host/app/…?…" in text
    for secret in (user, password, key):
        for form in (
            secret,
            quote(secret),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            html.escape(secret),
            ascii(secret),
        ):
            assert form not in address.redact(f"<{form}>")


def test_a_validation_error_quotes_no_address() -> None:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"to": ["rtsp://user:hun/ter22@camera"]})
    assert "ter22" not in str(caught.value)
    assert Holder.model_validate({"to": ["rtsp://a:b@c"]}) == Holder(to=(Address("rtsp://a:b@c"),))


@pytest.mark.parametrize("text", ["rt${X}p://user:hunter22@host/path", "rtstsp${fE}:/u:hunter22@hos/keo=1#&"])
def test_a_placeholder_in_the_scheme_does_not_hide_where_the_password_is(text: str) -> None:
    assert "hunter22" not in str(Address(text))


@pytest.mark.parametrize("text", ["out/${NAME}.mkv", "rtsp://${HOST}/stream", "udp://${HOST}:${PORT}"])
def test_a_placeholder_elsewhere_leaves_the_address_shown(text: str) -> None:
    assert str(Address(text)) == text
