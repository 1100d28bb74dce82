"""The corpus: small files that are awkward or broken in one way each, and what must come of each.

pattern.py draws frames that carry their number, film.py writes films of them, bitstreams.py the bytes that no library
writes, and a module a topic holds the cases. seen.py finds what is in a file, by plain FFmpeg; command.py runs uprez.
`python -m tests.cases.table` makes them all and writes what came out.
"""

from types import ModuleType

from tests.cases import damage, excerpts, names, pictures, shapes, streams, time
from tests.cases.case import Case


def cases_of(topic: ModuleType) -> list[Case]:
    """The cases of a topic's module, in the order in which they stand there."""
    return [value for value in vars(topic).values() if isinstance(value, Case)]


TOPICS = (time, excerpts, streams, damage, pictures, shapes, names)
CASES = [case for topic in TOPICS for case in cases_of(topic)]
