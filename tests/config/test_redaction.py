"""Redaction of secrets in text."""

from pipeline.config.redaction import Redactor, redact_logins


def test_redaction_takes_linear_time_whatever_the_text() -> None:
    redactor = Redactor()
    redactor.add("\\" * 40)
    redactor.add("%25" * 40)
    redactor.add("a " * 40)
    for text in ("\\" * 10_000, "%25" * 10_000, "%2525" * 10_000, "a+" * 30 + "a " * 9_000 + "b"):
        redactor.redact(text)


def test_the_oldest_secrets_are_forgotten_so_that_memory_does_not_grow() -> None:
    redactor = Redactor()
    for number in range(200):
        redactor.add(f"password-{number:04}-")
    assert redactor.redact("password-0199- password-0001-") == "… password-0001-"


def test_a_login_before_a_host_is_redacted_where_no_address_is_expected() -> None:
    assert redact_logins("no command rtsp://user:hunter22@camera/x") == "no command rtsp://…@camera/x"
    assert redact_logins("mail to someone about 3 @ 4") == "mail to someone about 3 @ 4"
