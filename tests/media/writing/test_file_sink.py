"""Streams, labels, chapters and times are copied beside the upscaled video, as far as the container supports them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from pipeline.media.writing.container import ContainerFile
from pipeline.media.writing.file_sink import FileSink
from tests import remux
from tests.remux import (
    CLICK_SECONDS,
    attached,
    audio_track,
    click_times,
    contents,
    copied,
    cues,
    labels,
    make_clicks,
    write_source,
)

FONT = bytes(range(256)) * 20
IMAGE = bytes.fromhex(  # a PNG of one pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077 53de0000000c4944415408d763f8cfc000000301010018dd8d"
    "b00000000049454e44ae426082".replace(" ", "")
)
CHAPTERS: list[Any] = [
    {"id": i, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {"title": name}}
    for i, (a, b, name) in enumerate([(0, 900, "One"), (900, 2000, "Zwei")])
]
TAGS = {"title": "A film", "artist": "Me", "creation_time": "2020-01-02T03:04:05.000000Z"}
CUES = [(200, 500, "<b>Größe</b>\nzwei".encode()), (1000, 600, b'<font color="#ff0000">red</font> <i>i</i>')]


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Matroska file with nearly everything that there is."""
    folder = tmp_path_factory.mktemp("rich")
    second = write_source(folder / "second.mp4")
    return write_source(
        folder / "rich.mkv",
        copied(second, 0, language="jpn"),
        audio_track(make_clicks(), disposition=Disposition.default, language="ger", title="Ton"),
        audio_track(make_clicks(), disposition=Disposition.comment | Disposition.hearing_impaired, language="eng"),
        cues("subrip", *CUES, disposition=Disposition.forced, language="fre", title="Texte"),
        attached("a.ttf", "application/x-truetype-font", FONT),
        attached("cover.png", "image/png", IMAGE),
        metadata=TAGS,
        chapters=CHAPTERS,
    )


@pytest.fixture(scope="module")
def complete(rich: Path, tmp_path_factory: pytest.TempPathFactory) -> FileSink:
    return remux.remux(rich, tmp_path_factory.mktemp("complete") / "out.mkv")


@pytest.fixture(scope="module")
def iso(rich: Path, tmp_path_factory: pytest.TempPathFactory) -> FileSink:
    return remux.remux(rich, tmp_path_factory.mktemp("iso") / "out.mp4")


@pytest.fixture(scope="module")
def back(iso: FileSink, tmp_path_factory: pytest.TempPathFactory) -> FileSink:
    return remux.remux(iso.path, tmp_path_factory.mktemp("back") / "out.mkv")


def chapters(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    with av.open(str(path)) as container:
        found: list[Any] = container.chapters()
        return [(c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]["title"]) for c in found]


def tags(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {key.lower(): value for key, value in container.metadata.items()}


def same(ours: list[tuple[float, bytes]], theirs: list[tuple[float, bytes]]) -> bool:
    """Whether packets are the same byte for byte, at the same times to a millisecond."""
    close = all(abs(a[0] - b[0]) <= 0.001 for a, b in zip(ours, theirs, strict=True))
    return close and [content for _, content in ours] == [content for _, content in theirs]


class TestMatroskaToMatroska:
    def test_nothing_is_dropped_or_changed(self, complete: FileSink) -> None:
        assert (complete.dropped, complete.remarks, complete.repaired) == ([], [], 0)

    @pytest.mark.parametrize("index", [1, 2, 3, 4])
    def test_packets_are_unchanged(self, rich: Path, complete: FileSink, index: int) -> None:
        assert same(contents(complete.path, index), contents(rich, index))

    def test_labels_are_unchanged(self, rich: Path, complete: FileSink) -> None:
        assert labels(complete.path) == labels(rich)

    def test_an_attached_font_is_unchanged(self, complete: FileSink) -> None:
        with av.open(str(complete.path)) as container:
            (font,) = container.streams.attachments
            assert (font.name, font.mimetype, font.data) == ("a.ttf", "application/x-truetype-font", FONT)

    def test_cover_art_is_unchanged_and_marked_as_such(self, complete: FileSink) -> None:
        with av.open(str(complete.path)) as container:
            cover = container.streams.video[-1]
            index = cover.index
            assert cover.disposition == Disposition.attached_pic
            assert cover.metadata["filename"] == "cover.png"
        assert contents(complete.path, index)[0][1] == IMAGE

    def test_tags_and_chapters_are_unchanged(self, rich: Path, complete: FileSink) -> None:
        assert TAGS.items() <= tags(complete.path).items()
        assert chapters(complete.path) == chapters(rich)

    def test_counts_of_copied_packets_are_known_after_the_file_is_closed(self, rich: Path, complete: FileSink) -> None:
        assert {index: count for index, count in complete.copied.items() if count} == {
            index: len(contents(rich, index)) for index in (1, 2, 3, 4)
        }

    def test_counts_of_muxed_packets_match_the_file(self, complete: FileSink) -> None:
        for index, count in complete.muxed.items():
            assert len(contents(complete.path, index)) == count
        assert set(complete.muxed) == {0, 1, 2, 3, 4}


class TestMatroskaToMp4AndBack:
    def test_dropped_and_converted_streams_are_reported(self, iso: FileSink) -> None:
        assert iso.dropped == ["attachment stream 5 dropped: mp4 does not support attachments; .mkv does"]
        assert iso.remarks == ["subtitle stream 4 converted from subrip to mov_text: mp4 does not support subrip"]

    @pytest.mark.parametrize("index", [2, 3])
    def test_copied_audio_is_unchanged(self, rich: Path, iso: FileSink, back: FileSink, index: int) -> None:
        assert same(contents(iso.path, index), contents(rich, index))
        assert same(contents(back.path, index), contents(rich, index))

    def test_a_second_video_is_unchanged(self, rich: Path, iso: FileSink, back: FileSink) -> None:
        assert same(contents(iso.path, 1), contents(rich, 1))
        assert same(contents(back.path, 1), contents(rich, 1))

    def test_converted_cues_are_converted_back_unchanged(self, back: FileSink) -> None:
        with av.open(str(back.path)) as container:
            packets = [p for p in container.demux(container.streams[4]) if p.size]
            assert container.streams[4].codec_context.codec.canonical_name == "subrip"
            assert [(p.pts, p.duration, bytes(p)) for p in packets] == CUES

    def test_languages_and_titles_are_kept(self, rich: Path, back: FileSink) -> None:
        assert [(kind, *rest[:2]) for kind, *rest in labels(back.path) if kind == "audio"] == [
            ("audio", "ger", "Ton"),
            ("audio", "eng", None),
        ]
        kept = {disposition for *_, disposition in labels(back.path)}
        assert any(disposition & Disposition.hearing_impaired for disposition in kept)
        assert any(disposition & Disposition.forced for disposition in kept)

    def test_cover_art_is_kept(self, iso: FileSink, back: FileSink) -> None:
        for path in (iso.path, back.path):
            with av.open(str(path)) as container:
                (cover,) = (s for s in container.streams.video if s.disposition & Disposition.attached_pic)
                index = cover.index
            assert contents(path, index)[0][1] == IMAGE

    def test_tags_and_chapters_are_kept(self, rich: Path, iso: FileSink, back: FileSink) -> None:
        for path in (iso.path, back.path):
            assert TAGS.items() <= tags(path).items()
            assert chapters(path) == chapters(rich)

    def test_the_track_of_chapter_titles_is_not_reported_as_dropped(self, back: FileSink) -> None:
        assert back.dropped == []


def test_mpegts_reports_each_dropped_stream(rich: Path, tmp_path: Path) -> None:
    sink = remux.remux(rich, tmp_path / "out.ts")
    assert sink.dropped == [
        "subtitle stream 4 dropped: mpegts does not support subrip; .mkv does",
        "attachment stream 5 dropped: mpegts does not support attachments; .mkv does",
        "video stream 6 dropped: mpegts does not support cover art; .mkv does",
        "2 chapters dropped: mpegts does not support chapters; .mkv does",
    ]
    assert [kind for kind, *_ in labels(sink.path)] == ["video", "video", "audio", "audio"]


@pytest.mark.parametrize("source", [".mkv", ".mp4", ".ts", ".mov"])
@pytest.mark.parametrize("target", [".mkv", ".mp4", ".ts", ".mov"])
@pytest.mark.parametrize("start", [0.0, 0.3])
def test_copied_audio_stays_in_sync(tmp_path: Path, source: str, target: str, start: float) -> None:
    path = write_source(tmp_path / f"in{source}", audio_track(make_clicks(), start=start))
    sink = remux.remux(path, tmp_path / f"out{target}")
    assert sink.remarks == []
    assert click_times(sink.path) == pytest.approx(click_times(path), abs=0.001)
    assert click_times(path) == pytest.approx([start + click for click in CLICK_SECONDS], abs=0.0015)


@pytest.mark.parametrize("target", [".mkv", ".mp4"])
def test_a_shift_moves_all_streams_and_chapters(rich: Path, tmp_path: Path, target: str) -> None:
    sink = remux.remux(rich, tmp_path / f"out{target}", Fraction(1, 2))
    moved_chapters = [(start + Fraction(1, 2), end + Fraction(1, 2), title) for start, end, title in chapters(rich)]
    # In mp4 files the first chapter reaches back to zero.
    assert [c[target == ".mp4" :] for c in chapters(sink.path)[:1]] == [
        c[target == ".mp4" :] for c in moved_chapters[:1]
    ]
    assert chapters(sink.path)[1:] == moved_chapters[1:]
    assert click_times(sink.path) == pytest.approx(click_times(rich), abs=0.001)
    moved = [(time + 0.5, content) for time, content in contents(rich, 2)]
    assert same(contents(sink.path, 2), moved)


def test_tags_beyond_those_of_itunes_are_copied_to_mp4(tmp_path: Path) -> None:
    path = write_source(tmp_path / "in.mkv", metadata={"title": "A", "PURL": "http://x"})
    sink = remux.remux(path, tmp_path / "out.mp4")
    assert {"title": "A", "purl": "http://x"}.items() <= tags(sink.path).items()
    assert sink.dropped == []


def test_tags_that_mp4_does_not_support_beside_cover_art_are_reported(tmp_path: Path) -> None:
    path = write_source(
        tmp_path / "in.mkv", attached("c.png", "image/png", IMAGE), metadata={"title": "A", "PURL": "http://x"}
    )
    sink = remux.remux(path, tmp_path / "out.mp4")
    assert tags(sink.path)["title"] == "A"
    assert sink.dropped == ["tags dropped: mp4 does not support PURL here; .mkv does"]


@pytest.mark.parametrize("target", [".mov", ".mp4", ".mkv"])
def test_a_timecode_is_stored_once(tmp_path: Path, target: str) -> None:
    path = tmp_path / "in.mov"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"bf": "0"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.metadata["timecode"] = "01:00:00:00"
        for index in range(5):
            picture = av.VideoFrame.from_ndarray(np.full((72, 64), index, np.uint8), format="yuv420p")
            picture.pts, picture.time_base = index, Fraction(1, 25)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    sink = remux.remux(path, tmp_path / f"out{target}")
    assert sink.dropped == []
    with av.open(str(sink.path)) as container:
        first, *rest = container.streams
        assert {k.lower(): v for k, v in first.metadata.items()}["timecode"] == "01:00:00:00"
        assert [s.type for s in rest] == ([] if target == ".mkv" else ["data"])


def test_data_streams_are_copied_to_transport_streams_and_reported_elsewhere(tmp_path: Path) -> None:
    def klv(container: Any) -> Any:
        streams = [container.add_data_stream("klv"), container.add_data_stream("klv")]
        yield None
        for stream in streams:
            packet = av.Packet(b"\x06\x0e\x2b\x34" + bytes(20))
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, 1000), 100, 100
            yield packet

    path = write_source(tmp_path / "in.ts", klv)
    assert remux.remux(path, tmp_path / "a.ts").dropped == []
    assert [content for _, content in contents(tmp_path / "a.ts", 1)] == [content for _, content in contents(path, 1)]
    dropped = remux.remux(path, tmp_path / "a.mkv").dropped
    assert dropped == ["data streams 1, 2 dropped: matroska does not support klv"]


@pytest.mark.parametrize(
    ("codec", "holders"),
    [("hdmv_pgs_subtitle", [".mkv"]), ("dvb_subtitle", [".mkv", ".ts"]), ("dvd_subtitle", [".mkv", ".mp4"])],
)
def test_bitmap_subtitles_are_copied_where_they_are_supported(tmp_path: Path, codec: str, holders: list[str]) -> None:
    def bitmaps(container: Any) -> Any:
        encoder = {"dvb_subtitle": "dvbsub", "dvd_subtitle": "dvdsub"}.get(codec)
        stream = container.add_stream(encoder) if encoder else container.add_mux_stream(codec)
        if encoder:
            stream.codec_context.time_base = Fraction(1, 1000)
        stream.time_base = Fraction(1, 1000)
        yield None
        packet = av.Packet(b"\x16\x00\x0b" + bytes(11) + b"\x80\x00\x00")
        packet.stream, packet.time_base, packet.pts, packet.dts, packet.duration = (
            stream,
            Fraction(1, 1000),
            100,
            100,
            50,
        )
        yield packet

    path = write_source(tmp_path / "in.mkv", bitmaps)
    for suffix in (".mkv", ".mp4", ".ts"):
        sink = remux.remux(path, tmp_path / f"out{suffix}")
        assert (sink.dropped == []) == (suffix in holders)
        if suffix in holders:
            assert len(contents(sink.path, 1)) == 1
        else:
            assert f"does not support {codec}; .mkv does" in sink.dropped[0]


def test_styled_subtitles_are_not_converted_for_mp4(tmp_path: Path) -> None:
    def styled(container: Any) -> Any:
        stream = container.add_stream("ass")
        stream.codec_context.subtitle_header = b"[Script Info]\n\0"
        stream.time_base = Fraction(1, 1000)
        yield None

    path = write_source(tmp_path / "in.mkv", styled)
    assert remux.remux(path, tmp_path / "out.mp4").dropped == [
        "subtitle stream 1 dropped: mp4 does not support ass; .mkv does"
    ]
    assert remux.remux(path, tmp_path / "out.mkv").dropped == []


def test_a_packet_that_the_muxer_rejects_is_dropped_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_source(tmp_path / "in.mkv", audio_track(make_clicks()))
    mux, indices = ContainerFile.mux, []

    def reject_fifth(self: ContainerFile, packet: av.Packet[Any]) -> None:
        indices.append(packet.stream_index)
        if packet.stream_index == 1 and indices.count(1) == 5:
            raise av.error.PatchWelcomeError(0, "not yet")
        mux(self, packet)

    monkeypatch.setattr(ContainerFile, "mux", reject_fifth)
    sink = remux.remux(path, tmp_path / "out.mkv")
    assert sink.remarks == ["audio stream 1: packets dropped because the matroska muxer rejects them: 1"]
    assert sink.damaged == 1
    assert sink.muxed[1] == len(contents(sink.path, 1)) == len(contents(path, 1)) - 1


def test_audio_without_timestamps_gets_them(tmp_path: Path) -> None:
    path = write_source(tmp_path / "in.avi", audio_track(make_clicks(), "mp2"))
    sink = remux.remux(path, tmp_path / "out.mkv")
    assert [content for _, content in contents(sink.path, 1)] == [content for _, content in contents(path, 1)]
    assert click_times(sink.path) == pytest.approx(click_times(path), abs=0.001)


@pytest.mark.parametrize("name", ["world.mp4", "bigbuckbunny.mp4", "big_buck_bunny_0_30.webm"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_audio_of_real_files_is_copied_packet_for_packet(media: Path, tmp_path: Path, name: str, suffix: str) -> None:
    sink = remux.remux(media / name, tmp_path / f"out{suffix}")
    assert (sink.dropped, sink.remarks) == ([], [])
    assert same(contents(sink.path, 1), contents(media / name, 1))
