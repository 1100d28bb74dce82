"""DecodingContexts decodes with one or several contexts, and with a conservative one after a restart."""

from pathlib import Path

from pipeline.media.decoding.contexts import DecodingContexts
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.source import Source
from tests.media.decoding.parallel_clips import in_software, make


def decoded(contexts: DecodingContexts, source: Source) -> int:
    packets = [packet for packet in source if packet.stream_index == source.video.index]
    return sum(len(frames) for packet in [*packets, None] for frames in contexts.decode(packet))


def test_one_context_is_never_ahead(clip: Path) -> None:
    with FileSource(clip) as source:
        contexts = DecodingContexts(source)
        assert contexts.codec == "h264"
        assert contexts.in_use is None
        assert not contexts.is_ahead(0)
        assert decoded(contexts, source) == 12
        assert contexts.reorders


def test_restart_continues_with_one_conservative_context(tmp_path: Path) -> None:
    with FileSource(make(tmp_path, "closed GOPs of H.264")) as source:
        contexts = DecodingContexts(source, in_software())
        assert contexts.is_ahead(0)
        assert contexts.restart(possible=True)
        assert contexts.is_conservative
        assert not contexts.is_ahead(0)
        assert decoded(contexts, source) == 100


def test_without_packets_nothing_is_restarted(clip: Path) -> None:
    with FileSource(clip) as source:
        contexts = DecodingContexts(source)
        assert not contexts.restart(possible=False)
        assert decoded(contexts, source) == 12


def test_truncated_source_is_decoded_by_one_conservative_context(tmp_path: Path) -> None:
    path = make(tmp_path, "closed GOPs of MPEG-2")
    path.write_bytes(path.read_bytes()[:-500])
    with FileSource(path) as source:
        contexts = DecodingContexts(source, in_software())
        assert contexts.is_conservative
        assert not contexts.is_ahead(0)
