"""Is every stream beside the picture in the result, packet for packet, in sync with it, and called the same?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.verification.packet_digest import Packets
from pipeline.verification.tracks import Track
from pipeline.verification.verdict import Fault, many

_SYNC = 0.001  # seconds that streams may move against the picture, beside what the result's clock rounds
_CODED_ANEW = 0.1  # seconds: sound that was encoded again may begin and end by a packet or two elsewhere
_SAMPLES = "pcm_"  # codecs whose packets are cut as each reader likes
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_EVENT_FIELDS = 8  # of an ASS event, before its text

Pair = tuple[Track, Track]


def pair(source: list[Track], result: list[Track]) -> tuple[list[Pair], list[Track]]:
    """Tracks of one kind with their copies: by content, else in order; and those of the source without one."""
    free = list(result)
    pairs: list[Pair] = []
    for same in (_same_content, _much_alike, _same_codec, _any):
        for track in source:
            if any(track is paired for paired, _ in pairs):
                continue
            copy = next((other for other in free if same(track, other)), None)
            if copy is not None:
                free.remove(copy)
                pairs.append((track, copy))
    pairs.sort(key=lambda both: both[0].index)
    return pairs, [track for track in source if not any(track is paired for paired, _ in pairs)]


def compare(source: Track, copy: Track, shift: float) -> Iterator[Fault | str]:
    """What `copy` has not of `source`, or otherwise: faults, and remarks. shift: of the picture, in seconds."""
    if source.kind == "attachment":
        yield from _attachment(source, copy)
        return
    if source.codec == copy.codec:
        yield from _packets(source, copy, shift)
    elif source.kind == "subtitle" and _texts(source) is not None and _texts(copy) is not None:
        yield f"{source} was converted to {copy.codec}"
        yield from _cues(source, copy, shift)
    elif source.kind == "audio":
        yield f"{source} was encoded anew as {copy.codec}"
        yield from _sound(source, copy, shift)
    else:
        yield Fault("stream-changed", f"{source} has become {copy.codec}")


def names(source: Track, copy: Track) -> Iterator[Fault]:
    """What `copy` is called, or marked as, otherwise than `source`."""
    if source.language != copy.language:
        yield Fault(
            "language", f"{source}: its language is {copy.language or 'not told'}, not {source.language or 'none'}"
        )
    if source.title != copy.title:
        yield Fault("title", f"{source}: its title is {copy.title!r}, not {source.title!r}")
    if lost := source.flags & ~copy.flags:
        told = str(lost.name or lost).replace("|", ", ")
        yield Fault("disposition", f"{source}: is no longer marked as {told}")


def _attachment(source: Track, copy: Track) -> Iterator[Fault]:
    if source.data != copy.data:
        yield Fault("attachment", f"{source}: {len(copy.data)} bytes that are not the {len(source.data)} of the source")
    if source.name != copy.name:
        yield Fault("attachment", f"{source}: is called {copy.name!r} now")


def _packets(source: Track, copy: Track, shift: float) -> Iterator[Fault]:
    before, after = source.packets, copy.packets
    if source.codec.startswith(_SAMPLES) and before.content == after.content:
        yield from _sound(source, copy, shift)
        return
    then, now = before.digests, after.digests
    if len(then) == len(now):
        changed = np.flatnonzero(then != now)
        if len(changed) and Counter(then.tolist()) == Counter(now.tolist()):
            first = int(changed[0])
            message = f"{source}: its packets are in another order, from packet {first} on"
            yield Fault("packet-changed", message, len(changed), _at(before, first))
        elif len(changed):
            yield _told("packet-changed", source, changed, "changed")
        same = np.flatnonzero(then == now)
        yield from _sync(source, before.seconds[same], after.seconds[same], copy.tick, shift)
        return
    lost, added = _beyond(before, after, shift), _beyond(after, before, -shift)
    if len(lost):
        yield _told("packet-lost", source, lost, "missing")
    if len(added):
        yield _told("packet-changed", copy, added, "not from the source, or there twice")
    here, there = _common(then, now)
    yield from _sync(source, before.seconds[here], after.seconds[there], copy.tick, shift)


def _told(kind: str, track: Track, places: NDArray[np.intp], what: str) -> Fault:
    first = int(places[0])
    at = _at(track.packets, first)
    where = f"packet {first}" if at is None else f"packet {first}, at {at:.3f} s"
    message = f"{track}: {many(len(places), 'packet')} {what}, {'the first ' if len(places) > 1 else ''}{where}"
    return Fault(kind, message, len(places), at)


def _at(packets: Packets, place: int) -> float | None:
    seconds = float(packets.seconds[place])
    return None if np.isnan(seconds) else seconds


def _sync(
    source: Track, before: NDArray[np.float64], after: NDArray[np.float64], tick: float, shift: float
) -> Iterator[Fault]:
    late = after - before - shift
    wrong = np.flatnonzero(np.abs(late) > _SYNC + min(tick, _SYNC) / 2)  # where a time is missing nothing is told
    if len(wrong):
        worst = max(late[wrong], key=abs)
        first = float(before[wrong[0]])
        by = f"{abs(worst) * 1000:.1f} ms {'late' if worst > 0 else 'early'}"
        message = (
            f"{source}: {many(len(wrong), 'packet')} out of sync with the picture by up to {by}, from {first:.3f} s on"
        )
        yield Fault("sync", message, len(wrong), first)


def _sound(source: Track, copy: Track, shift: float) -> Iterator[Fault]:
    """Sound whose packets are cut, or coded, anew: when it begins and ends."""
    before, after = source.packets, copy.packets
    if not (len(before) and len(after)):
        if len(before):
            yield Fault("packet-lost", f"{source}: not one packet is there", len(before))
        return
    ends = (("begins", before.seconds[0], after.seconds[0]), ("ends", before.end, after.end))
    for word, then, now in ends:
        late = float(now - then - shift)
        if abs(late) > _CODED_ANEW:
            by = f"{abs(late) * 1000:.0f} ms too {'late' if late > 0 else 'early'}"
            yield Fault("sync", f"{source}: {word} {by}", 1, float(then))


def _cues(source: Track, copy: Track, shift: float) -> Iterator[Fault]:
    """Subtitles in another form: their words, and when they are shown."""
    then, now = _texts(source) or [], _texts(copy) or []
    if then != now:
        count = sum((Counter(then) - Counter(now)).values()) or abs(len(then) - len(now)) or 1
        first = next((i for i, (a, b) in enumerate(zip(then, now, strict=False)) if a != b), min(len(then), len(now)))
        message = f"{source}: {many(count, 'line')} missing or changed, from line {first} on"
        yield Fault("packet-changed", message, count)
        return
    yield from _sync(source, source.packets.seconds, copy.packets.seconds, copy.tick, shift)


def _texts(track: Track) -> list[str] | None:
    """The bare words of each line; None of a codec that is not text."""
    if track.codec == "mov_text":
        return [_words(cue[2 : 2 + int.from_bytes(cue[:2], "big")]) for cue in track.packets.cues]
    if track.codec in ("subrip", "srt", "text", "webvtt"):
        return [_words(cue) for cue in track.packets.cues]
    if track.codec in ("ass", "ssa"):
        return [_words(cue.split(b",", _EVENT_FIELDS)[-1].replace(rb"\N", b"\n")) for cue in track.packets.cues]
    return None


def _words(cue: bytes) -> str:
    return " ".join(_MARKUP.sub("", cue.decode("utf-8", "replace")).replace("\0", "").split())


def _same_content(source: Track, copy: Track) -> bool:
    if source.kind == "attachment":
        return (source.name, source.data) == (copy.name, copy.data)
    return source.codec == copy.codec and source.packets.content == copy.packets.content and len(source.packets) > 0


def _much_alike(source: Track, copy: Track) -> bool:
    if source.kind == "attachment":
        return source.name == copy.name or source.data == copy.data
    common = len(np.intersect1d(source.packets.digests, copy.packets.digests))
    return common > 0 and 2 * common > min(len(source.packets), len(copy.packets))


def _same_codec(source: Track, copy: Track) -> bool:
    return (source.codec, source.language) == (copy.codec, copy.language)


def _any(source: Track, copy: Track) -> bool:
    return source.language == copy.language or not (source.language and copy.language)


def _beyond(these: Packets, those: Packets, shift: float) -> NDArray[np.intp]:
    """The places in `these` of what `those` lack, or have less often; of equal packets, those at other times."""
    at = these.seconds + shift
    near = float(np.nanmedian(np.diff(at))) / 2 if len(at) > 1 else 0.0
    left: dict[int, deque[float]] = defaultdict(deque)
    for digest, time in zip(those.digests.tolist(), those.seconds.tolist(), strict=True):
        left[digest].append(time)
    passed, alone = Counter[int](), []
    for place, (digest, time) in enumerate(zip(these.digests.tolist(), at.tolist(), strict=True)):
        times = left[digest]
        while times and times[0] < time - near:
            times.popleft()
            passed[digest] += 1
        if times and times[0] <= time + near:
            times.popleft()
        else:
            alone.append((place, digest))
    spare = passed + Counter({digest: len(times) for digest, times in left.items()})
    lost = []
    for place, digest in alone:
        if spare[digest]:
            spare[digest] -= 1
        else:
            lost.append(place)
    return np.array(lost, np.intp)


def _common(these: NDArray[np.uint64], those: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The places, in both, of what occurs once in each."""
    unique = [np.unique(each, return_index=True, return_counts=True) for each in (these, those)]
    once = [(values[counts == 1], places[counts == 1]) for values, places, counts in unique]
    _, here, there = np.intersect1d(once[0][0], once[1][0], return_indices=True)
    order = np.argsort(once[0][1][here])
    return once[0][1][here][order], once[1][1][there][order]
