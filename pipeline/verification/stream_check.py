"""Compares copied streams with their originals: packet by packet, in sync with the video, and by their labels."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.media.pcm import is_pcm
from pipeline.verification.packet_digest import PacketDigests
from pipeline.verification.tracks import Track
from pipeline.verification.verdict import Fault, count_phrase

_MAX_SHIFT = 0.001  # seconds by which streams may move against the video, in addition to rounding by the output's clock
_MAX_REENCODED_SHIFT = 0.1  # seconds by which re-encoded audio may begin or end elsewhere: a packet or two
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_EVENT_FIELDS = 8  # of an ASS event, before its text

TrackPair = tuple[Track, Track]


def pair_tracks(source: list[Track], output: list[Track]) -> tuple[list[TrackPair], list[Track]]:
    """Pair tracks of one kind with their copies, by content if possible, else in order.

    Returns:
        The pairs, by index in the source, and the tracks of the source without a copy.
    """
    free = list(output)
    pairs: list[TrackPair] = []
    for is_copy in (_has_same_content, _has_similar_content, _has_same_codec, _has_compatible_language):
        for track in source:
            if any(track is paired for paired, _ in pairs):
                continue
            copy = next((other for other in free if is_copy(track, other)), None)
            if copy is not None:
                free.remove(copy)
                pairs.append((track, copy))
    pairs.sort(key=lambda both: both[0].index)
    return pairs, [track for track in source if not any(track is paired for paired, _ in pairs)]


def compare_tracks(source: Track, copy: Track, shift: float) -> Iterator[Fault | str]:
    """Yield faults and remarks about the content of `copy`; `shift`: of the output's clock in seconds."""
    if source.kind == "attachment":
        yield from _compare_attachments(source, copy)
    elif source.codec == copy.codec:
        yield from _compare_packets(source, copy, shift)
    elif source.kind == "subtitle" and _texts(source) is not None and _texts(copy) is not None:
        yield f"{source} was converted to {copy.codec}"
        yield from _compare_cues(source, copy, shift)
    elif source.kind == "audio":
        yield f"{source} was re-encoded as {copy.codec}"
        yield from _compare_extent(source, copy, shift)
    else:
        yield Fault("stream-changed", f"{source} was converted to {copy.codec}")


def compare_lead_in(source: Track, copy: Track, shift: float) -> Iterator[Fault]:
    """Yield a fault if decoders begin to return samples of copied audio at another time than those of the source."""
    before, after = source.packets, copy.packets
    if source.kind != "audio" or source.codec != copy.codec or not (len(before) and len(after)):
        return
    late = float(after.times[0] + after.lead_in - before.times[0] - before.lead_in) - shift
    if abs(late) > _MAX_SHIFT + copy.tick:
        by = f"{abs(late) * 1000:.1f} ms too {'late' if late > 0 else 'early'}"
        yield Fault("sync", f"{source}: decoding begins {by}", 1, float(before.times[0]))


def compare_labels(source: Track, copy: Track) -> Iterator[Fault]:
    """Yield faults about language, title and disposition of `copy`."""
    if source.language != copy.language:
        language = copy.language or "not tagged"
        yield Fault("language", f"{source}: its language is {language}, not {source.language or 'none'}")
    if source.title != copy.title:
        yield Fault("title", f"{source}: its title is {copy.title!r}, not {source.title!r}")
    if lost := source.flags & ~copy.flags:
        names = str(lost.name or lost).replace("|", ", ")
        yield Fault("disposition", f"{source}: is no longer marked as {names}")


def _compare_attachments(source: Track, copy: Track) -> Iterator[Fault]:
    if source.data != copy.data:
        sizes = f"{len(copy.data)} bytes, the source's has {len(source.data)}"
        yield Fault("attachment", f"{source}: its content differs ({sizes})")
    if source.name != copy.name:
        yield Fault("attachment", f"{source}: its file name is {copy.name!r}")


def _compare_packets(source: Track, copy: Track, shift: float) -> Iterator[Fault]:
    before, after = source.packets, copy.packets
    if is_pcm(source.codec) and before.content == after.content:
        yield from _compare_extent(source, copy, shift, _MAX_SHIFT + source.tick + copy.tick)
    elif len(before) == len(after):
        yield from _compare_in_place(source, copy, shift)
    else:
        lost, added = _missing(before, after, shift), _missing(after, before, -shift)
        if len(lost):
            yield _packet_fault("packet-lost", source, lost, "missing")
        if len(added):
            yield _packet_fault("packet-changed", copy, added, "not from the source, or repeated")
        here, there = _common(before.digests, after.digests)
        yield from _compare_times(source, before.times[here], after.times[there], copy.tick, shift)


def _compare_in_place(source: Track, copy: Track, shift: float) -> Iterator[Fault]:
    """Compare tracks with the same number of packets one by one."""
    before, after = source.packets.digests, copy.packets.digests
    changed = np.flatnonzero(before != after)
    if len(changed) and Counter(before.tolist()) == Counter(after.tolist()):
        first = int(changed[0])
        message = f"{source}: its packets are in another order, from packet {first} on"
        yield Fault("packet-changed", message, len(changed), _time_of(source.packets, first))
    elif len(changed):
        yield _packet_fault("packet-changed", source, changed, "changed")
    same = np.flatnonzero(before == after)
    yield from _compare_times(source, source.packets.times[same], copy.packets.times[same], copy.tick, shift)


def _packet_fault(kind: str, track: Track, places: NDArray[np.intp], what: str) -> Fault:
    first = int(places[0])
    at = _time_of(track.packets, first)
    where = f"packet {first}" if at is None else f"packet {first}, at {at:.3f} s"
    first_word = "the first " if len(places) > 1 else ""
    return Fault(kind, f"{track}: {count_phrase(len(places), 'packet')} {what}, {first_word}{where}", len(places), at)


def _time_of(packets: PacketDigests, place: int) -> float | None:
    time = float(packets.times[place])
    return None if np.isnan(time) else time


def _compare_times(
    source: Track, before: NDArray[np.float64], after: NDArray[np.float64], tick: float, shift: float
) -> Iterator[Fault]:
    """Compare the times of corresponding packets, in seconds; those without a timestamp are ignored."""
    late = after - before - shift
    tolerance = _MAX_SHIFT + min(tick, _MAX_SHIFT) / 2
    room = _shared_time(before) if source.kind == "audio" else np.zeros(len(before))
    wrong = np.flatnonzero((late < -tolerance) | (late > tolerance + room))
    if len(wrong):
        worst = max(late[wrong], key=abs)
        first = float(before[wrong[0]])
        by = f"{abs(worst) * 1000:.1f} ms {'late' if worst > 0 else 'early'}"
        packets = count_phrase(len(wrong), "packet")
        message = f"{source}: {packets} out of sync with the video by up to {by}, from {first:.3f} s on"
        yield Fault("sync", message, len(wrong), first)


def _shared_time(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the seconds by which each packet may follow its time: those that share one follow each other.

    That is up to the next time that differs; the last packets may take as long as those before them.
    """
    distinct, first, place = np.unique(times, return_index=True, return_inverse=True)
    if len(distinct) < 2:
        return np.zeros(len(times))
    lengths = np.diff(distinct)
    room: NDArray[np.float64] = np.append(lengths, lengths[-1])[place]
    room[first] = 0
    return room


def _compare_extent(
    source: Track, copy: Track, shift: float, tolerance: float = _MAX_REENCODED_SHIFT
) -> Iterator[Fault]:
    """Compare when audio begins and ends whose packets are divided or encoded in another way."""
    before, after = source.packets, copy.packets
    if not (len(before) and len(after)):
        if len(before):
            yield Fault("packet-lost", f"{source}: it has no packets", len(before))
        return
    ends = (("begins", before.times[0], after.times[0]), ("ends", before.end, after.end))
    for word, expected, actual in ends:
        late = float(actual - expected - shift)
        if abs(late) > tolerance:
            by = f"{abs(late) * 1000:.0f} ms too {'late' if late > 0 else 'early'}"
            yield Fault("sync", f"{source}: {word} {by}", 1, float(expected))


def _compare_cues(source: Track, copy: Track, shift: float) -> Iterator[Fault]:
    """Compare words and times of subtitles that were converted."""
    before, after = _texts(source) or [], _texts(copy) or []
    if before != after:
        count = sum((Counter(before) - Counter(after)).values()) or abs(len(before) - len(after)) or 1
        differing = (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
        first = next(differing, min(len(before), len(after)))
        message = f"{source}: {count_phrase(count, 'line')} missing or changed, from line {first} on"
        yield Fault("packet-changed", message, count)
        return
    yield from _compare_times(source, source.packets.times, copy.packets.times, copy.tick, shift)


def _texts(track: Track) -> list[str] | None:
    """Return the plain words of each cue, None for a codec that is not text."""
    if track.codec == "mov_text":
        return [_words(cue[2 : 2 + int.from_bytes(cue[:2], "big")]) for cue in track.packets.cues]
    if track.codec in ("subrip", "srt", "text", "webvtt"):
        return [_words(cue) for cue in track.packets.cues]
    if track.codec in ("ass", "ssa"):
        return [_words(cue.split(b",", _EVENT_FIELDS)[-1].replace(rb"\N", b"\n")) for cue in track.packets.cues]
    return None


def _words(cue: bytes) -> str:
    return " ".join(_MARKUP.sub("", cue.decode("utf-8", "replace")).replace("\0", "").split())


def _has_same_content(source: Track, copy: Track) -> bool:
    if source.kind == "attachment":
        return (source.name, source.data) == (copy.name, copy.data)
    return source.codec == copy.codec and source.packets.content == copy.packets.content and len(source.packets) > 0


def _has_similar_content(source: Track, copy: Track) -> bool:
    """Return True if more than half of the packets are equal."""
    if source.kind == "attachment":
        return source.name == copy.name or source.data == copy.data
    common = len(np.intersect1d(source.packets.digests, copy.packets.digests))
    return common > 0 and 2 * common > min(len(source.packets), len(copy.packets))


def _has_same_codec(source: Track, copy: Track) -> bool:
    return (source.codec, source.language) == (copy.codec, copy.language)


def _has_compatible_language(source: Track, copy: Track) -> bool:
    return source.language == copy.language or not (source.language and copy.language)


def _missing(packets: PacketDigests, others: PacketDigests, shift: float) -> NDArray[np.intp]:
    """Return the places in `packets` that `others` lack, or have less often; of equal packets, those at other times.

    Args:
        packets: The packets that are searched.
        others: The packets that they are searched in.
        shift: Added to the times of `packets` for comparison, in seconds.
    """
    times = packets.times + shift
    tolerance = float(np.nanmedian(np.diff(times))) / 2 if len(times) > 1 else 0.0
    left: dict[int, deque[float]] = defaultdict(deque)
    for digest, time in zip(others.digests.tolist(), others.times.tolist(), strict=True):
        left[digest].append(time)
    skipped, unmatched = Counter[int](), []
    for place, (digest, time) in enumerate(zip(packets.digests.tolist(), times.tolist(), strict=True)):
        candidates = left[digest]
        while candidates and candidates[0] < time - tolerance:
            candidates.popleft()
            skipped[digest] += 1
        if candidates and candidates[0] <= time + tolerance:
            candidates.popleft()
        else:
            unmatched.append((place, digest))
    spare = skipped + Counter({digest: len(candidates) for digest, candidates in left.items()})
    lost = []
    for place, digest in unmatched:
        if spare[digest]:
            spare[digest] -= 1
        else:
            lost.append(place)
    return np.array(lost, np.intp)


def _common(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places, in both, of digests that occur once in each."""
    unique = [np.unique(each, return_index=True, return_counts=True) for each in (first, second)]
    once = [(values[counts == 1], places[counts == 1]) for values, places, counts in unique]
    _, here, there = np.intersect1d(once[0][0], once[1][0], return_indices=True)
    order = np.argsort(once[0][1][here])
    return once[0][1][here][order], once[1][1][there][order]
