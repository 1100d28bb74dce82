"""The corpus: small files that are awkward or broken in one way each, and what must come of each.

pattern.py draws frames that carry their number, chart.py such that try colours, film.py writes films of them,
bitstreams.py the bytes that no library writes, and a module a topic holds the cases. seen.py and seen_colours.py find
what is in a file, by plain FFmpeg; command.py runs uprez; error.py holds colours against truth.py, a float64 model.
`python -m tests.cases.table` makes them all and writes what came out.
"""

from types import ModuleType

from tests.cases import colours, damage, excerpts, fields, hdr, names, pictures, shapes, streams, time, transparency
from tests.cases.case import Case


def cases_of(topic: ModuleType) -> list[Case]:
    """The cases of a topic's module, in the order in which they stand there, single ones and tuples."""
    values = [value if isinstance(value, tuple) else (value,) for value in vars(topic).values()]
    return [case for listed in values for case in listed if isinstance(case, Case)]


TOPICS = (time, excerpts, streams, damage, pictures, shapes, fields, colours, hdr, transparency, names)
CASES = [case for topic in TOPICS for case in cases_of(topic)]
