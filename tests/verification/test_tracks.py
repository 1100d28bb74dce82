"""Streams, chapters and tags of a file are read as they are compared."""

from pathlib import Path

from av.stream import Disposition

from pipeline.verification.tracks import group_by_kind, read_contents


def test_streams_have_their_kind_labels_and_attachments(rich: Path) -> None:
    contents = read_contents(rich, 0, {})
    assert contents.main.kind == "video"
    assert [str(track) for track in contents.tracks] == [
        "audio 1 (aac, eng, Loud)",
        "audio 2 (aac, fre, Backwards)",
        "subtitle 3 (subrip, eng)",
        "attachment 4 (font.ttf)",
    ]
    assert contents.tracks[0].flags == Disposition.default
    assert contents.tracks[3].data == b"glyphs"


def test_chapters_and_tags_are_read(rich: Path) -> None:
    contents = read_contents(rich, 0, {})
    assert [(chapter.start, chapter.end, chapter.title) for chapter in contents.chapters] == [
        (0.0, 1.0, "One"),
        (1.0, 2.0, "Two"),
    ]
    assert {"title": "a film", "artist": "somebody"}.items() <= contents.metadata.items()


def test_tracks_are_grouped_in_order(rich: Path) -> None:
    groups = {
        kind: [track.index for track in tracks] for kind, tracks in group_by_kind(read_contents(rich, 0, {}).tracks)
    }
    assert groups == {"audio": [1, 2], "subtitle": [3], "attachment": [4]}
