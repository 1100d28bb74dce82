"""Placeholders in addresses and secrets."""

from pathlib import Path

import pytest

from pipeline.config.placeholders import Template, expand
from pipeline.errors import SettingsError


def test_placeholders_expand_to_variables_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("abc\n")
    monkeypatch.setenv("NAME", "x")
    assert expand(f"${{NAME}}: ${{file:{tmp_path}/token}}") == "x: abc"


def test_text_without_placeholders_is_unchanged() -> None:
    assert expand("a $ b {c}") == "a $ b {c}"


def test_a_marked_template_is_shown_as_it_was_written() -> None:
    template = Template("a${NAME}b${file:/x}")
    assert len(template.marked) == 4
    assert template.unmark(template.marked[1:]) == "${NAME}b${file:/x}"
    assert template.without_placeholders() == "ab"
    assert not template.begins_with_placeholder
    assert Template("${NAME}").begins_with_placeholder


@pytest.mark.parametrize("text", ["${1}", "${file:}", "${NICK", "a\nb"])
def test_an_invalid_placeholder_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^an address or a secret contains [^\n]*$") as caught:
        expand(text)
    assert text not in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8 text; allowed is one line of text"):
        expand(f"${{file:{tmp_path}/key}}")
