"""`uprez models`: the list of models."""

from tests.cli.conftest import Call


def test_models_are_listed_with_scale_size_and_licence(uprez: Call) -> None:
    ended = uprez("models")
    assert ended.code == 0
    for word in ("clear-x2 (default)", "x2", "CC0-1.0", "identity", "srvgg-FxC", "span-FxB"):
        assert word in ended.out
