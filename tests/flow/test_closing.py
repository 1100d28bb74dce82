"""The base class of objects that are used in a `with`."""

import pytest

from pipeline.flow.closing import Closing


class Resource(Closing):
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_leaving_a_with_closes_the_object_also_after_an_error() -> None:
    with Resource() as resource:
        assert resource.closed == 0
    assert resource.closed == 1
    with pytest.raises(RuntimeError), resource:
        raise RuntimeError("on purpose")
    assert resource.closed == 2
