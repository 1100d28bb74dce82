"""Several codec contexts yield the frames, times and counts of one."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import pytest
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import UprezError
from pipeline.flow.blocking import Aborted
from pipeline.flow.telemetry import Trace
from pipeline.frame import Frame
from pipeline.media.decoding.decoder import Decoder
from pipeline.media.decoding.parallel_contexts import ParallelDecoding, open_software_context
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.probe import probe
from pipeline.media.reading.source import Source
from tests import clips, waiting
from tests.media.decoding.parallel_clips import IRREGULAR, KINDS, decode, in_software, make, make_with_two_descriptions

REPORTS = "aspect-change.ts captions-a53.ts dropped-frames.ts film-and-video.vob hvc1.mp4 late-audio.vob two-edits.mov"


@pytest.fixture
def reasons(caplog: pytest.LogCaptureFixture) -> Sequence[str]:
    """The reasons why one context continued, as they are logged."""
    caplog.set_level(logging.DEBUG, "pipeline.media.decoding.parallel_contexts")

    class Reasons(Sequence[str]):
        def __getitem__(self, index: Any) -> Any:
            return [record.getMessage().partition("continues: ")[2] for record in caplog.records][index]

        def __len__(self) -> int:
            return len(caplog.records)

    return Reasons()


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_those_of_one_context(tmp_path: Path, kind: str, reasons: Sequence[str]) -> None:
    path = make(tmp_path, kind)
    assert decode(path, in_software()) == decode(path)
    assert list(reasons) == []


@pytest.mark.parametrize("kind", IRREGULAR)
def test_irregular_streams_are_decoded_by_one_context(tmp_path: Path, kind: str) -> None:
    path = make(tmp_path, kind)
    assert decode(path, in_software()) == decode(path)


@pytest.mark.parametrize("kind", ["interlaced frames", "one GOP", "intra refresh"])
def test_another_context_decodes_irregular_streams_if_it_is_given(tmp_path: Path, kind: str) -> None:
    opened = []

    def open_alone(source: Source) -> VideoCodecContext:
        opened.append(open_software_context(source, 2))
        return opened[0]

    path = make(tmp_path, kind)
    assert decode(path, replace(in_software(), alone=open_alone)) == decode(path)
    assert [context.is_open for context in opened] == [True]


def test_own_context_decodes_irregular_streams_if_another_one_can_not_be_opened(tmp_path: Path) -> None:
    def refuse(source: Source) -> VideoCodecContext:
        raise UprezError("can't be read again")

    path = make(tmp_path, "interlaced frames")
    assert decode(path, replace(in_software(), alone=refuse)) == decode(path)


@pytest.mark.parametrize(
    ("kind", "contexts", "reason"),
    [("interlaced frames", 2, "it is interlaced"), ("one GOP", 2, "it is short"), ("AV1", 9, "it is short")],
)
def test_reason_for_one_context_is_logged(
    tmp_path: Path, kind: str, contexts: int, reason: str, reasons: Sequence[str]
) -> None:
    decode(make(tmp_path, kind), in_software(contexts))
    assert list(reasons) == [reason]


@pytest.mark.parametrize(("contexts", "capacity", "min_packets"), [(2, 1, 24), (5, 3, 2), (3, 500, 30)])
def test_numbers_of_contexts_and_frames_do_not_matter(
    tmp_path: Path, contexts: int, capacity: int, min_packets: int
) -> None:
    path = make(tmp_path, "open GOPs of H.264")
    assert decode(path, in_software(contexts, capacity, min_packets)) == decode(path)


@pytest.mark.parametrize("name", REPORTS.split())
def test_real_files_are_decoded_like_by_one_context(media: Path, name: str) -> None:
    path = media / "reports" / name
    if not path.exists():
        pytest.skip(f"no {name}")
    assert decode(path, in_software()) == decode(path)


def contexts_are_idle() -> bool:
    """True if every context waits for a segment."""
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("uprez-worker")]
    return all(waiting.blocked_in(thread, "wait") and waiting.blocked_in(thread, "_next_run") for thread in workers)


def test_packets_are_read_ahead_also_while_frames_wait(tmp_path: Path) -> None:
    """If all frames that wait were yielded first, contexts would have nothing to do in the meantime."""
    path, distance = make(tmp_path, "closed GOPs of H.264"), []
    with FileSource(path) as source:
        decoder = Decoder(source, probe(path).video.format, in_software(3, capacity=500))
        frames = 0
        for packets, packet in enumerate(source, 1):
            frames += len(list(decoder.feed(packet)))
            waiting.until(contexts_are_idle)  # they have decoded all that they were given
            if frames:
                distance.append(packets - frames)
        decoder.close()
    assert len(distance) > 20
    assert min(distance) > 2 * 12


def test_each_context_records_its_spans_in_a_trace(tmp_path: Path) -> None:
    trace = Trace()
    path = make(tmp_path, "closed GOPs of H.264")
    assert decode(path, replace(in_software(3), trace=trace)) == decode(path)
    assert {span[:3] for span in trace.spans} == {
        ("threads", name, name) for name in ("decoder 0", "decoder 1", "decoder 2")
    }
    assert all(begin < end for *_, begin, end, _ in trace.spans)


def test_packets_that_an_edit_list_hides_yield_no_frame(tmp_path: Path, reasons: Sequence[str]) -> None:
    """The first frame of the edit is in the middle of a GOP."""
    source, path = make(tmp_path, "open GOPs of H.264"), tmp_path / "edited.mp4"
    with av.open(str(source)) as original, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        for packet in original.demux(video=0):
            if packet.size and packet.pts is not None and packet.dts is not None:
                packet.stream = stream
                packet.pts, packet.dts = packet.pts - 200, packet.dts - 200  # milliseconds
                container.mux(packet)
    decoded = decode(path, in_software())
    assert decoded == decode(path)
    assert len(decoded.frames) < 100
    assert list(reasons) == []


@pytest.mark.parametrize("kind", ["open GOPs of H.264", "closed GOPs of H.265", "hidden frames of VP9"])
@pytest.mark.parametrize("share", [0.35, 0.7])
def test_zeroed_part_is_handled_as_by_one_context(tmp_path: Path, kind: str, share: float) -> None:
    path = make(tmp_path, kind)
    content = bytearray(path.read_bytes())
    at = int(share * len(content))
    content[at : at + 150] = bytes(150)
    path.write_bytes(content)
    assert decode(path, in_software()) == decode(path)


@pytest.mark.parametrize("kind", ["open GOPs of H.264", "open GOPs of MPEG-2", "AV1"])
def test_truncated_file_is_decoded_as_by_one_context(tmp_path: Path, kind: str) -> None:
    path = make(tmp_path, kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
    decoded = decode(path, in_software())
    assert decoded == decode(path)
    assert 0 < len(decoded.frames) < 100


def test_missing_part_of_a_transport_stream_is_handled_as_by_one_context(tmp_path: Path) -> None:
    path = make(tmp_path, "open GOPs of H.265 in a transport stream")
    content = path.read_bytes()
    at = len(content) // 2 // 188 * 188
    path.write_bytes(content[:at] + content[at + 188 * 4 :])
    decoded = decode(path, in_software())
    assert decoded == decode(path)
    assert "frame" in " ".join(map(str, decoded.facts))


def test_new_parameter_sets_in_mid_stream_are_used(tmp_path: Path) -> None:
    """The second part's GOPs repeat its own parameter sets; a decoder that starts there knows no others."""
    parts = []
    for index, options in enumerate(["ref=1:no-cabac=1", "ref=3:bframes=2"]):
        part = tmp_path / f"{index}.ts"
        made = {"x264-params": f"keyint=10:scenecut=0:{options}"}
        parts.append(clips.make(part, 60, (96, 64), audio=False, options=made).read_bytes())
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(parts))
    decoded = decode(path, in_software())
    assert decoded == decode(path)
    assert len(decoded.frames) == 120


def test_new_sample_description_in_mid_file_is_decoded_by_one_context(tmp_path: Path, reasons: Sequence[str]) -> None:
    """Only the packet at which it begins has its parameters, which decoders of later segments would not know."""
    path = make_with_two_descriptions(tmp_path)
    decoded = decode(path, in_software())
    assert decoded == decode(path)
    assert len(decoded.frames) == 120
    assert list(reasons) == ["the codec's parameters change"]


def test_packets_of_other_streams_keep_their_place(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mkv", 150, options={"x264-params": "keyint=10:scenecut=0"})
    latest, ahead = Fraction(0), []
    with FileSource(path, ReadOptions(frozenset({1}))) as source:
        decoder = Decoder(source, probe(path).video.format, in_software())
        items = [item for packet in source for item in decoder.feed(packet)] + list(decoder.finish())
        decoder.close()
        time_base = source.video.time_base or Fraction(0)
    for item in items:
        if isinstance(item, Frame):
            latest = item.pts * time_base
        else:
            ahead.append((item.pts or 0) * (item.time_base or 0) - latest)
    assert len(ahead) == len(clips.packets(path, "audio"))
    assert -1 < min(ahead) <= max(ahead) < 1  # seconds; three segments are more than one


class FailingContext:
    """A codec context whose decoding raises `error` at a packet."""

    def __init__(self, context: VideoCodecContext, at: int, error: Exception) -> None:
        self._context, self._at, self._error = context, at, error

    @property
    def is_open(self) -> bool:
        return self._context.is_open

    @property
    def sample_aspect_ratio(self) -> Fraction | None:
        return self._context.sample_aspect_ratio

    def decode(self, packet: Any) -> list[av.VideoFrame]:
        if packet is not None and packet.pts == self._at:
            raise self._error
        return self._context.decode(packet)

    def flush_buffers(self) -> None:
        self._context.flush_buffers()


def failing(at: int, error: Exception) -> ParallelDecoding:
    def open_context(source: Source) -> Any:
        return FailingContext(open_software_context(source, 2), at, error)

    return ParallelDecoding([open_context] * 2, 24, 2)


def test_one_context_continues_after_one_of_several_has_failed(tmp_path: Path, reasons: Sequence[str]) -> None:
    path = make(tmp_path, "open GOPs of H.264")
    assert decode(path, failing(40, av.error.MemoryError(12, "no memory"))) == decode(path)
    assert reasons[0].endswith("no memory")


def test_one_context_decodes_if_another_can_not_be_opened(tmp_path: Path, reasons: Sequence[str]) -> None:
    def refuse(source: Source) -> Any:
        raise RuntimeError("no device")

    path = make(tmp_path, "open GOPs of H.264")
    openers = [*in_software().openers, refuse]
    assert decode(path, ParallelDecoding(openers, 24, 2)) == decode(path)
    assert list(reasons) == ["no device"]


def test_unforeseen_error_of_a_decoder_is_raised(tmp_path: Path) -> None:
    path = make(tmp_path, "open GOPs of H.264")
    with pytest.raises(ZeroDivisionError):
        decode(path, failing(40, ZeroDivisionError()))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("uprez-worker")]


def test_source_that_is_closed_first_ends_the_decoders(tmp_path: Path) -> None:
    """FFmpeg would abort the process if a context were closed while a thread decodes with it."""
    with FileSource(make(tmp_path, "closed GOPs of H.264")) as source:
        decoder = Decoder(source, probe(source.path).video.format, in_software(capacity=2))
        assert next(item for packet in source for item in decoder.feed(packet))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("uprez-worker")]
    decoder.close()


def test_abort_wakes_the_thread_that_waits_for_frames(tmp_path: Path) -> None:
    path = make(tmp_path, "closed GOPs of H.264")
    go_on = threading.Event()

    class StuckContext(FailingContext):
        def decode(self, packet: Any) -> list[av.VideoFrame]:
            go_on.wait(waiting.DEADLINE)
            return []

    def open_context(source: Source) -> Any:
        return StuckContext(open_software_context(source, 2), -1, RuntimeError())

    with FileSource(path) as source:
        decoder = Decoder(source, probe(path).video.format, ParallelDecoding([open_context] * 2, 8, 2))
        thread, outcome = waiting.in_thread(lambda: [list(decoder.feed(packet)) for packet in source])
        waiting.until(lambda: waiting.blocked_in(thread, "take"))
        decoder.abort()
        waiting.joined(thread)
        assert outcome == [Aborted]
        go_on.set()
        decoder.close()
