"""Every case of the corpus through the real command line; plain FFmpeg judges the result (tests/cases/seen.py)."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.cases import (
    CASES,
    TOPICS,
    cases_of,
    colours,
    command,
    error,
    hdr,
    pictures,
    samples,
    seen,
    seen_colours,
    shapes,
    streams,
    table,
    time,
    transparency,
)
from tests.cases.case import DAMAGED, REFUSED, Case
from tests.cases.command import Run

MS = Fraction(1, 1000)
INTO = {time: (".mkv", ".mp4"), streams: (".mkv", ".mp4"), shapes: (".mkv", ".mp4")}
COLOURED = [case for topic in (colours, hdr, transparency) for case in cases_of(topic)]
ON_GPU = os.environ.get("UPREZ_TEST_BACKEND", "onnx") != "onnx"
UNMEASURED = {"dv-ntsc.avi", "alpha-to-prores.mov"}  # FFmpeg resamples the first, and ProRes loses something
_CHANGED = {8: 2, 10: 2, 12: 4}  # levels that a flat field may be off, by bits, where its pixel format changes
WAYS = [(case, suffix) for topic in TOPICS for case in cases_of(topic) for suffix in INTO.get(topic, (".mkv",))]


def _told(way: tuple[Case, str]) -> str:
    return f"{way[0].name!r} into {way[1]}"


@pytest.fixture(scope="module", params=WAYS, ids=_told)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    case, suffix = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPREZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield command.run(case, tmp_path_factory.mktemp("case"), suffix)


def test_the_exit_code_tells_how_it_went(run: Run) -> None:
    assert run.outcome.code == run.expected.code, run.outcome.said


def test_what_is_special_is_said_in_one_line_each(run: Run) -> None:
    assert "Traceback" not in run.outcome.said
    into_mp4 = run.result is not None and run.result.suffix == ".mp4"
    for words in run.expected.says + (run.expected.says_in_mp4 if into_mp4 else ()):
        assert re.search(words, _without_names(run), re.IGNORECASE), f"nothing said like {words!r}: {run.outcome.said}"


def _without_names(run: Run) -> str:
    """What was said, without the names of files, which may hold the words that are looked for."""
    return re.sub(rf"{re.escape(run.case.name)}|out\.\w+", "", run.outcome.said)


def test_nothing_is_left_beside_the_result(run: Run) -> None:
    assert run.left == ()
    assert (run.result is None) == (run.expected.code == REFUSED), run.outcome.said


def test_every_frame_comes_once_and_in_order(run: Run) -> None:
    came, wanted = [shown.number for shown in run.shown], run.wanted
    assert len(came) == len(wanted), f"{came} instead of {wanted}; {run.outcome.said}"
    unlike = [(a, b) for a, b in zip(came, wanted, strict=True) if a != b and not _unreadable(run, a, b)]
    assert not unlike, f"{came} instead of {wanted}"


def _unreadable(run: Run, *numbers: int | None) -> bool:
    """Whether a damaged frame can't be compared: coding it once more may tip its barcode either way."""
    return run.expected.code == DAMAGED and None in numbers


def test_every_frame_is_shown_at_its_own_time(run: Run) -> None:
    came, wanted = seen.relative(run.shown), run.times
    assert len(came) == len(wanted), run.outcome.said
    if run.result is None or "%" in run.result.name or run.result.suffix == ".png":
        return  # pictures know no time
    assert came == sorted(set(came)), "times that don't advance"
    tick = _tick(run.result)
    late = [(float(a), float(b)) for a, b in zip(came, wanted, strict=True) if b is not None and abs(a - b) > tick]
    assert not late, f"came at, wanted at: {late}"


def _tick(path: Path) -> Fraction:
    with av.open(f"file:{path}") as container:
        return max(stream.time_base for stream in container.streams.video)


def test_sound_stays_in_time_with_the_picture(run: Run) -> None:
    if "audio" not in run.kinds or run.expected.clicks == ():
        return
    assert run.result is not None, run.outcome.said
    heard = [[click - run.shown[0].time for click in clicks] for clicks in seen.clicks(run.result)]
    wanted = _clicks(run, len(heard))
    assert [len(clicks) for clicks in heard] == [len(clicks) for clicks in wanted], f"{heard} instead of {wanted}"
    for came, meant in zip(heard, wanted, strict=True):
        apart = [round(float(a - b) * 1000, 3) for a, b in zip(came, meant, strict=True)]
        assert max(map(abs, apart)) <= 1, f"milliseconds late: {apart}"


def _clicks(run: Run, sounds: int) -> list[list[Fraction]]:
    """When each of the sounds has to click, from the first frame."""
    if run.expected.clicks is not None:
        return [list(run.expected.clicks)] * sounds
    first = run.given[0].time or Fraction(0)
    return [[click - first for click in clicks] for clicks in seen.clicks(run.source)]


def test_all_streams_are_there(run: Run) -> None:
    assert Counter(stream.kind for stream in run.streams) == Counter(run.kinds), run.outcome.said


def test_copied_streams_are_the_same_packet_for_packet(run: Run) -> None:
    if run.result is None or not set(run.kinds) - {"video"}:
        return
    given = seen.streams(run.source)
    for kind in ("audio", "subtitle", "cover"):
        ours = [stream for stream in run.streams if stream.kind == kind]
        theirs = [stream for stream in given if stream.kind == kind]
        for copy, original in zip(ours, theirs, strict=False):  # how many there must be is another test's concern
            if copy.codec == original.codec:
                same = _part if run.case.is_part else _same
                assert same(copy.packets, original.packets, original.hidden), f"{kind} {copy.codec}"


def _same(copies: tuple[bytes, ...], originals: tuple[bytes, ...], hidden: int) -> bool:
    """Of what is hidden at the beginning, only what a decoder needs must come along.

    ADTS headers, which sound in a transport stream has before each packet, belong to the container.
    """
    missing = len(originals) - len(copies)
    pairs = zip(copies, originals[max(0, missing) :], strict=False)
    return 0 <= missing <= hidden and all(theirs.endswith(ours) for ours, theirs in pairs)


def _part(copies: tuple[bytes, ...], originals: tuple[bytes, ...], hidden: int) -> bool:
    """Whether the copies are originals that follow each other."""
    lengths = range(len(originals) - len(copies) + 1)
    return any(_same(copies, originals[first : first + len(copies)], 0) for first in lengths)


def test_subtitles_say_the_same_at_the_same_times(run: Run) -> None:
    if run.result is None or "subtitle" not in run.kinds:
        return
    came, given = seen.subtitles(run.result), seen.subtitles(run.source)
    assert [[text for _, text in stream] for stream in came] == [[text for _, text in stream] for stream in given]
    first, was_first = run.shown[0].time, run.given[0].time
    for ours, theirs in zip(came, given, strict=True):
        assert all(abs(a - first - (b - was_first)) <= MS for (a, _), (b, _) in zip(ours, theirs, strict=True))


def test_languages_and_titles_stay(run: Run) -> None:
    if run.result is None or run.case not in cases_of(streams):
        return
    fields = slice(0, 1) if run.result.suffix == ".mp4" else slice(None)  # an mp4 has no titles of streams
    given = seen.streams(run.source)
    for kind in {stream.kind for stream in given} & set(run.kinds):
        came = Counter(stream.about[fields] for stream in run.streams if stream.kind == kind)
        assert came == Counter(stream.about[fields] for stream in given if stream.kind == kind), kind
    assert seen.title(run.result) == seen.title(run.source)
    assert seen.timecode(run.result) == seen.timecode(run.source)


def test_chapters_stay(run: Run) -> None:
    if run.result is None or run.case not in cases_of(streams):
        return
    assert seen.chapters(run.result) == seen.chapters(run.source)


def test_the_shape_stays(run: Run) -> None:
    if run.case in cases_of(shapes):
        assert run.result is not None, run.outcome.said
        assert run.shown[0].size == tuple(side * run.case.scale for side in run.given[0].size)
        assert seen.shape(run.result) == seen.shape(run.source)


def test_what_is_shown_turned_is_so_in_any_player(run: Run) -> None:
    if run.case in cases_of(shapes):
        given, made = seen_colours.first(run.source), seen_colours.first(run.result)
        kept = given.turn if run.result.suffix == ".mp4" else ()
        assert made.turn in (kept, ())


def test_depth_stays(run: Run) -> None:
    if run.case in cases_of(pictures):
        assert run.shown, run.outcome.said
        assert all(shown.bits >= run.expected.bits for shown in run.shown)


def test_every_sample_is_what_a_float64_model_makes_of_it(run: Run) -> None:
    worst = error.everywhere(run)
    if run.case in COLOURED and run.case.name not in UNMEASURED:
        assert worst is not None, run.outcome.said
    assert worst is None or worst <= _most(run), run.outcome.said


def test_known_colours_are_exact(run: Run) -> None:
    if run.case not in COLOURED:
        return
    worst = error.flats(run)
    assert worst is None or worst <= _most_of_flats(run), run.outcome.said


def _most_of_flats(run: Run) -> float:
    """Nothing where samples stay what they are; a level that rounding in another colour space makes two.

    Means of what is dithered are off by what rounding did to the source, half a level of at least two bits more.
    """
    given, made = (seen_colours.first(path).layout for path in (run.source, run.result))
    if made.bits < given.bits:
        return 0.125 + 0.02
    if run.expected.pixel is not None:
        return _CHANGED[given.bits]
    return _most(run) if ON_GPU and given.bits > 8 else 0


def test_alpha_is_enlarged_to_the_level(run: Run) -> None:
    worst = error.alpha(run)
    assert worst is None or worst <= _most(run) * (run.case.scale - 1), run.outcome.said


def _most(run: Run) -> int:
    """The most levels that a sample may be off: half floats hold 11 bits, and 16 bit goes through single ones."""
    return {8: 2, 10: 2, 12: 4, 16: 2}[_bits(run)] if ON_GPU else 1


def _bits(run: Run) -> int:
    """The lower depth of source and result."""
    return min(seen_colours.first(path).layout.bits for path in (run.source, run.result))


def test_the_pixel_format_stays_or_is_what_was_asked_for(run: Run) -> None:
    if run.case not in COLOURED:
        return
    assert run.result is not None, run.outcome.said
    given, made = seen_colours.first(run.source).layout, seen_colours.first(run.result).layout
    wanted = samples.layout(run.expected.pixel) if run.expected.pixel else given
    assert replace(made, name="") == replace(wanted, name=""), f"{made.name} of {given.name}: {run.outcome.said}"


def test_what_colours_mean_is_told_and_stays(run: Run) -> None:
    if run.case not in COLOURED:
        return
    assert run.result is not None, run.outcome.said
    given, made = seen_colours.first(run.source), seen_colours.first(run.result)
    told, meant = given.tags, given.meant
    for came, was in ((made.tags.primaries, told.primaries), (made.tags.transfer, told.transfer)):
        assert was in (samples.UNTOLD, came), made.tags
    if made.layout.kinds[:3] == given.layout.kinds[:3] == "YUV":
        assert (made.tags.matrix, made.tags.full) == (meant.matrix, meant.full)
    if all(picture.layout.sub_x or picture.layout.sub_y for picture in (given, made)):
        assert made.meant.siting == meant.siting


def test_what_is_told_of_the_display_and_the_light_stays(run: Run) -> None:
    if run.case in cases_of(hdr):
        assert run.result is not None, run.outcome.said
        given, made = seen_colours.hdr(run.source), seen_colours.hdr(run.result)
        assert made.light == given.light
        assert (made.display is None) == (given.display is None)
        assert [float(number) for number in made.display or ()] == pytest.approx(given.display or (), rel=1e-4)


def test_the_table_has_a_row_for_each_case() -> None:
    page = (Path(__file__).parent.parent / "docs" / "fidelity.md").read_text()
    rows = {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines()}
    assert not [case.name for case in CASES if f"`{table.spelt(case.name)}`" not in rows]


def test_every_case_has_a_name_of_its_own_and_says_what_is_awkward() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.about.endswith(".") for case in CASES)
