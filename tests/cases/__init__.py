"""The corpus: small files that are awkward or broken in one way each, and the expected output of each.

pattern.py draws frames that carry their number as a barcode, chart.py frames that test colours, film.py writes films of
them, bitstreams.py makes bytes that no library writes, and one module per topic holds the cases. probe.py and
probe_colours.py read a file with plain FFmpeg; command.py runs uprez; requirements.py and colour_requirements.py state
what must hold for every output; sample_error.py compares colours with reference.py, a float64 model.
`python -m tests.cases.table` runs all cases and writes the table of their outputs.
"""

from types import ModuleType

from tests.cases import (
    colours,
    damage,
    excerpts,
    file_names,
    hdr,
    images,
    interlacing,
    shapes,
    streams,
    timing,
    transparency,
)
from tests.cases.case import Case


def cases_of(topic: ModuleType) -> list[Case]:
    """Returns the cases of a topic's module in the order of their definition, single ones and those in tuples."""
    values = [value if isinstance(value, tuple) else (value,) for value in vars(topic).values()]
    return [case for listed in values for case in listed if isinstance(case, Case)]


TOPICS = (
    timing,
    excerpts,
    streams,
    damage,
    images,
    shapes,
    interlacing,
    colours,
    hdr,
    transparency,
    file_names,
)
CASES = [case for topic in TOPICS for case in cases_of(topic)]
INTO_MP4 = (timing, streams, shapes)
"""Topics whose cases are also written into an .mp4; all are written into a .mkv."""
