"""Streams beside the video: each planted fault is found."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import verify
from tests import clips, remux
from tests.cases import streams
from tests.jobs import upscale
from tests.verification import plants
from tests.verification.plants import kinds


class TestStreams:
    """Faults beside the video. Streams: 0 video, 1 and 2 audio, 3 subtitles, 4 attachment."""

    def test_a_copy_has_no_faults(self, rich: Path, tmp_path: Path) -> None:
        assert verify(rich, plants.copy(rich, tmp_path / "out.mkv")).faults == ()

    @pytest.mark.parametrize(("number", "at"), [(0, 0.0), (9, 0.192)])
    def test_a_missing_packet_is_found(self, rich: Path, tmp_path: Path, number: int, at: float) -> None:
        verdict = verify(rich, plants.copy(rich, tmp_path / "out.mkv", {1: plants.dropped(number)}))
        (fault,) = verdict.faults
        assert (fault.kind, fault.count) == ("packet-lost", 1)
        assert fault.at == pytest.approx(at, abs=0.03)
        assert f"packet {number}" in fault.message

    def test_a_changed_packet_is_found(self, rich: Path, tmp_path: Path) -> None:
        (fault,) = verify(rich, plants.copy(rich, tmp_path / "out.mkv", {2: plants.flipped(9)})).faults
        assert (fault.kind, fault.count) == ("packet-changed", 1)
        assert "audio 2" in fault.message
        assert "packet 9" in fault.message

    @pytest.mark.parametrize("by", [5, -5, 2])
    def test_audio_out_of_sync_is_found(self, rich: Path, tmp_path: Path, by: int) -> None:
        late = plants.copy(rich, tmp_path / "in.mkv", dict.fromkeys((0, 1, 2, 3), plants.later(100)))
        moved = dict.fromkeys((0, 1, 2, 3), plants.later(100)) | {1: plants.later(100 + by)}
        (fault,) = verify(late, plants.copy(rich, tmp_path / "out.mkv", moved)).faults
        assert fault.kind == "sync"
        assert f"by up to {abs(by)}.0 ms {'late' if by > 0 else 'early'}" in fault.message

    def test_a_common_shift_is_no_fault(self, rich: Path, tmp_path: Path) -> None:
        def chapters(old: list[Any]) -> list[Any]:
            return [c | {"start": c["start"] + 10**8, "end": c["end"] + 10**8} for c in old]

        moved = dict.fromkeys((0, 1, 2, 3), plants.later(100))
        assert verify(rich, plants.copy(rich, tmp_path / "out.mkv", moved, chapters=chapters)).faults == ()

    @pytest.mark.parametrize(
        ("index", "track"),
        [(1, "audio 1 (aac, eng, Loud)"), (3, "subtitle 3 (subrip, eng)"), (4, "attachment 4 (font.ttf)")],
    )
    def test_a_missing_stream_is_found(self, rich: Path, tmp_path: Path, index: int, track: str) -> None:
        verdict = verify(rich, plants.copy(rich, tmp_path / "out.mkv", without=[index]))
        assert [f.message for f in verdict.faults] == [f"{track} is missing"]

    def test_streams_in_another_order_are_found(self, rich: Path, tmp_path: Path) -> None:
        swapped = plants.copy(rich, tmp_path / "out.mkv", order=[0, 2, 1, 3, 4])
        assert kinds(verify(rich, swapped)) == ["stream-moved"]

    @pytest.mark.parametrize(
        ("key", "kind", "message"),
        [
            ("language", "language", "its language is ger, not eng"),
            ("title", "title", "its title is 'ger', not 'Loud'"),
        ],
    )
    def test_a_changed_language_or_title_is_found(
        self, rich: Path, tmp_path: Path, key: str, kind: str, message: str
    ) -> None:
        def label(stream: Any) -> None:
            if stream.index == 1:
                stream.metadata[key] = "ger"

        (fault,) = verify(rich, plants.copy(rich, tmp_path / "out.mkv", labels=label)).faults
        assert fault.kind == kind
        assert message in fault.message

    def test_a_changed_disposition_is_found(self, rich: Path, tmp_path: Path) -> None:
        def label(stream: Any) -> None:
            stream.disposition = 0

        (fault,) = verify(rich, plants.copy(rich, tmp_path / "out.mkv", labels=label)).faults
        assert (fault.kind, "no longer marked as default" in fault.message) == ("disposition", True)

    def test_a_changed_attachment_is_found(self, rich: Path, tmp_path: Path) -> None:
        assert kinds(verify(rich, plants.copy(rich, tmp_path / "out.mkv", attachment=b"other"))) == ["attachment"]

    @pytest.mark.parametrize(("suffix", "is_complete"), [(".mkv", True), (".ts", False)])
    def test_a_timecode_may_be_stored_as_a_tag(self, tmp_path: Path, suffix: str, is_complete: bool) -> None:
        streams.timecode.make(tmp_path)
        coded = tmp_path / streams.timecode.name
        verdict = verify(coded, upscale(coded, tmp_path / f"out{suffix}").path)
        assert verdict.complete == is_complete
        assert is_complete == any("is stored as a tag" in remark for remark in verdict.remarks)

    def test_a_missing_chapter_is_found(self, rich: Path, tmp_path: Path) -> None:
        (fault,) = verify(rich, plants.copy(rich, tmp_path / "out.mkv", chapters=lambda old: old[:1])).faults
        assert (fault.kind, fault.message) == ("chapter", "1 of 2 chapters are present")

    def test_a_changed_chapter_is_found(self, rich: Path, tmp_path: Path) -> None:
        def change(old: list[Any]) -> list[Any]:
            return [old[0] | {"end": old[0]["end"] - 10**8}, old[1] | {"metadata": {"title": "Zwei"}}]

        verdict = verify(rich, plants.copy(rich, tmp_path / "out.mkv", chapters=change))
        assert [f.message for f in verdict.faults] == [
            "chapter 1 begins or ends 0.100 s earlier",
            "chapter 2 has the title 'Zwei', not 'Two'",
        ]

    def test_changed_tags_are_found(self, rich: Path, tmp_path: Path) -> None:
        verdict = verify(rich, plants.copy(rich, tmp_path / "out.mkv", metadata={"title": "another"}))
        assert kinds(verdict) == ["title", "metadata"]
        assert verdict.faults[1].message == "the tag artist (somebody) is missing"
        verdict = verify(rich, plants.copy(rich, tmp_path / "other.mkv", metadata={"title": "a film", "artist": "x"}))
        assert [f.message for f in verdict.faults] == ["the tag artist is 'x', not 'somebody'"]

    def test_converted_subtitles_are_compared_by_their_words(self, rich: Path, tmp_path: Path) -> None:
        result = upscale(rich, tmp_path / "out.mp4").path
        verdict = verify(rich, result)
        assert kinds(verdict) == ["stream-lost"]  # the attachment, which mp4 can't hold
        assert "subtitle 3 (subrip, eng) was converted to mov_text" in verdict.remarks

    @pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
    def test_headers_of_transport_streams_are_ignored(self, tmp_path: Path, suffix: str) -> None:
        source = clips.make(tmp_path / "in.ts", frames=25)
        assert verify(source, upscale(source, tmp_path / f"out{suffix}").path).faults == ()

    @pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
    def test_start_codes_may_become_lengths(self, tmp_path: Path, suffix: str) -> None:
        clip = clips.make(tmp_path / "clip.ts", audio=False)
        source = remux.write_source(tmp_path / "in.ts", remux.copied(clip))
        assert verify(source, upscale(source, tmp_path / f"out{suffix}").path).faults == ()

    @pytest.mark.parametrize("suffix", [".mkv", ".mov"])
    def test_samples_may_be_divided_into_other_packets(self, tmp_path: Path, suffix: str) -> None:
        noise = np.random.default_rng(1).integers(-9999, 9999, (1, 50_000), np.int16)
        source = remux.write_source(tmp_path / "in.mov", remux.audio_track(noise, "pcm_s16le"))
        result = upscale(source, tmp_path / f"out{suffix}").path
        assert verify(source, result).faults == ()
        other = remux.write_source(tmp_path / "other.mov", remux.audio_track(noise // 2, "pcm_s16le"))
        assert "packet-changed" in kinds(verify(other, result))

    def test_reencoded_audio_is_reported_and_compared_by_its_extent(self, tmp_path: Path) -> None:
        source = remux.write_source(tmp_path / "in.mkv", remux.audio_track(remux.make_clicks(2.0), "aac"))
        reencoded = remux.write_source(tmp_path / "out.mkv", remux.audio_track(remux.make_clicks(2.0), "ac3"))
        short = remux.write_source(tmp_path / "short.mkv", remux.audio_track(remux.make_clicks(1.7), "ac3"))
        assert verify(source, reencoded).faults == ()
        assert "audio 1 (aac) was re-encoded as ac3" in verify(source, reencoded).remarks
        (fault,) = verify(source, short).faults
        assert (fault.kind, "ends" in fault.message) == ("sync", True)
