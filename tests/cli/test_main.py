"""Options of `uprez` itself."""

from tests.cli.conftest import Call


def test_version_is_printed(uprez: Call) -> None:
    assert uprez("--version").out.startswith("uprez 0.")
