"""Complete outputs have no faults, and each planted fault is found by its kind and in its place."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import Verdict, verify
from pipeline.errors import InputError, SettingsError
from tests import clips
from tests.jobs import upscale
from tests.verification import plants
from tests.verification.plants import FRAMES, STEP, kinds, scene


class TestCompleteOutputs:
    @pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
    @pytest.mark.parametrize("crf", [17, 38])
    def test_the_output_of_a_job_is_complete(self, source: Path, tmp_path: Path, suffix: str, crf: int) -> None:
        result = upscale(source, tmp_path / f"out{suffix}", crf=crf).path
        verdict = verify(source, result)
        assert (verdict.faults, verdict.complete) == ((), True)
        assert (verdict.counts.source, verdict.counts.result) == (FRAMES, FRAMES)
        assert verify(source, result, quick=True).complete

    def test_the_output_of_a_network_is_complete(self, source: Path, tmp_path: Path) -> None:
        result = upscale(source, tmp_path / "out.mkv", model="clear-x2").path
        assert verify(source, result).faults == ()

    @pytest.mark.parametrize("scale", [1, 2, 3, 4])
    def test_any_scale_is_complete(self, source: Path, tmp_path: Path, scale: int) -> None:
        assert verify(source, plants.write(tmp_path / "out.mkv", scale=scale, crf=30)).faults == ()

    def test_a_video_with_every_kind_of_stream_is_complete(self, rich: Path, tmp_path: Path) -> None:
        assert verify(rich, upscale(rich, tmp_path / "out.mkv").path).faults == ()

    def test_streams_that_were_not_requested_are_no_fault(self, rich: Path, tmp_path: Path) -> None:
        result = upscale(rich, tmp_path / "out.mkv", streams="video").path
        assert verify(rich, result, streams="video").faults == ()
        assert kinds(verify(rich, result)) == ["stream-lost"] * 4

    def test_an_excerpt_is_complete(self, rich: Path, tmp_path: Path) -> None:
        part: dict[str, Any] = {"start": Fraction(1, 2), "end": Fraction(3, 2)}
        result = upscale(rich, tmp_path / "out.mkv", **part).path
        verdict = verify(rich, result, **part)
        assert (verdict.faults, verdict.counts.source) == ((), 25)
        assert "frame-lost" in kinds(verify(rich, result))

    def test_a_start_shifted_to_zero_is_no_fault(self, tmp_path: Path) -> None:
        late = plants.write(tmp_path / "in.mkv", times=[10_000 + STEP * i for i in range(FRAMES)])
        assert verify(late, plants.write(tmp_path / "out.mkv")).faults == ()

    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("world.mp4", marks=pytest.mark.long),
            pytest.param("bigbuckbunny.mp4", marks=pytest.mark.long),
            "testsrc2_odd_height_vp9.mp4",
            "av1_video.mkv",
        ],
    )
    @pytest.mark.parametrize("crf", [17, 38])
    def test_outputs_of_real_footage_are_complete(self, media: Path, tmp_path: Path, name: str, crf: int) -> None:
        result = upscale(media / name, tmp_path / "out.mkv", crf=crf, frames=120).path
        assert verify(media / name, result, frames=120).faults == ()


class TestFrameFaults:
    """Faults of frames. Frame 9 is shown at 0.36 s."""

    @staticmethod
    def planted(source: Path, tmp_path: Path, shown: Iterable[int], times: Iterable[int] | None = None) -> Verdict:
        return verify(source, plants.write(tmp_path / "out.mkv", shown, times, scale=2))

    @pytest.mark.parametrize("crf", [17, 38])
    def test_a_dropped_frame_that_leaves_a_gap_is_found(self, source: Path, tmp_path: Path, crf: int) -> None:
        kept = [index for index in range(FRAMES) if index != 9]
        verdict = verify(source, plants.write(tmp_path / "out.mkv", kept, [STEP * i for i in kept], crf=crf))
        assert [(f.kind, f.message) for f in verdict.faults] == [
            ("frame-lost", "1 frame is missing, at 0.360 s (frame 9)")
        ]

    def test_a_dropped_frame_whose_gap_was_closed_is_found(self, source: Path, tmp_path: Path) -> None:
        verdict = self.planted(source, tmp_path, [index for index in range(FRAMES) if index != 9])
        assert [(f.kind, f.count, f.at) for f in verdict.faults] == [("frame-lost", 1, 0.36), ("time", 14, 0.4)]
        assert verdict.faults[1].message == "14 frames, from frame 10 on, at 0.400 s are shown up to 40.0 ms too early"
        assert verdict.counts.late == pytest.approx(0.04)

    def test_a_repeated_frame_is_found(self, source: Path, tmp_path: Path) -> None:
        verdict = self.planted(source, tmp_path, sorted([*range(FRAMES), 9]))
        assert (verdict.counts.doubled, verdict.counts.lost) == (1, 0)
        assert verdict.faults[0].message == (
            "1 frame is shown twice: frame 9 of the source as frame 10 of the output, at 0.400 s"
        )

    def test_a_frame_in_place_of_another_is_found(self, source: Path, tmp_path: Path) -> None:
        verdict = self.planted(source, tmp_path, [9 if index == 10 else index for index in range(FRAMES)])
        assert [(f.kind, f.at) for f in verdict.faults] == [("frame-lost", 0.4), ("frame-doubled", 0.36)]

    def test_two_swapped_frames_are_found(self, source: Path, tmp_path: Path) -> None:
        verdict = self.planted(source, tmp_path, [*range(9), 10, 9, *range(11, FRAMES)])
        assert kinds(verdict) == ["frame-moved", "time"]
        assert (verdict.counts.moved, verdict.counts.lost) == (1, 0)

    @pytest.mark.parametrize(("first", "last"), [(0, 18), (5, FRAMES)])
    @pytest.mark.parametrize("closed", [False, True])
    def test_a_lost_beginning_or_end_is_found(
        self, source: Path, tmp_path: Path, first: int, last: int, closed: bool
    ) -> None:
        times = None if closed else [STEP * index for index in range(first, last)]
        verdict = self.planted(source, tmp_path, range(first, last), times)
        assert verdict.faults[0].kind == "frame-lost"
        assert verdict.counts.lost == FRAMES - (last - first)
        assert verdict.faults[0].at == (last * STEP / 1000 if first == 0 else 0)

    def test_frames_lost_in_several_places_are_found(self, source: Path, tmp_path: Path) -> None:
        kept = [index for index in range(FRAMES) if index not in (3, 4, 15)]
        verdict = self.planted(source, tmp_path, kept, [STEP * index for index in kept])
        assert [(f.kind, f.count, f.at) for f in verdict.faults] == [("frame-lost", 2, 0.12), ("frame-lost", 1, 0.6)]

    def test_a_frame_at_another_time_is_found(self, source: Path, tmp_path: Path) -> None:
        times = [STEP * index + (12 if index == 9 else 0) for index in range(FRAMES)]
        verdict = self.planted(source, tmp_path, range(FRAMES), times)
        assert [f.message for f in verdict.faults] == ["frame 9 at 0.360 s is shown 12.0 ms too late"]

    def test_a_slightly_wrong_rate_is_found(self, source: Path, tmp_path: Path) -> None:
        verdict = self.planted(source, tmp_path, range(FRAMES), [41 * index for index in range(FRAMES)])
        assert set(kinds(verdict)) == {"time"}

    @pytest.mark.parametrize(
        ("times", "message"),
        [
            (
                [STEP * i + 12 * (i % 2) for i in range(FRAMES)],
                "12 frames are shown up to 12.0 ms too late or early in 12",
            ),
            ([STEP * i + 12 * (i % 8 == 1) for i in range(FRAMES)], "frame 1 at 0.040 s is shown 12.0 ms too late"),
        ],
    )
    def test_several_frames_at_other_times_are_found(
        self, source: Path, tmp_path: Path, times: list[int], message: str
    ) -> None:
        assert self.planted(source, tmp_path, range(FRAMES), times).faults[0].message.startswith(message)

    def test_many_repeated_frames_are_one_fault(self, source: Path, tmp_path: Path) -> None:
        twice = sorted([*range(FRAMES), *range(0, FRAMES, 2)])
        fault = next(f for f in self.planted(source, tmp_path, twice).faults if f.kind == "frame-doubled")
        assert fault.message == "12 frames are shown twice in 12 places, the first at 0.000 s (frame 0)"

    def test_many_unlike_frames_are_one_fault(self, source: Path, tmp_path: Path) -> None:
        black = plants.write(tmp_path / "out.mkv", picture=lambda index: scene(index) * (index % 3 > 0))
        (fault,) = verify(source, black).faults
        assert (fault.kind, fault.count, " in 8 places, the first at 0.000 s" in fault.message) == ("picture", 8, True)

    def test_an_output_that_ends_too_late_is_found(self, source: Path, tmp_path: Path) -> None:
        times = [STEP * index + (5000 if index == FRAMES - 1 else 0) for index in range(FRAMES)]
        assert "time" in kinds(self.planted(source, tmp_path, range(FRAMES), times))

    def test_unlike_frames_are_found(self, source: Path, tmp_path: Path) -> None:
        def black(index: int) -> np.ndarray:
            return scene(index) * (index not in (6, 7))

        verdict = verify(source, plants.write(tmp_path / "out.mkv", picture=black))
        assert [(f.kind, f.count, f.at) for f in verdict.faults] == [("picture", 2, 0.24)]

    def test_an_output_without_any_frame_of_the_source_is_found(self, source: Path, tmp_path: Path) -> None:
        black = plants.write(tmp_path / "out.mkv", picture=lambda index: np.zeros_like(scene(index)))
        assert kinds(verify(source, black)) == ["picture"]

    def test_frames_of_a_still_video_are_interchangeable(self, tmp_path: Path) -> None:
        still = plants.write(tmp_path / "in.mkv", picture=lambda index: scene(0))
        assert verify(still, plants.write(tmp_path / "out.mkv", [0] * FRAMES)).faults == ()
        assert kinds(verify(still, plants.write(tmp_path / "short.mkv", [0] * (FRAMES - 1)))) == ["frame-lost"]


class TestQuickComparison:
    """Faults that packets and timestamps show."""

    def test_a_missing_frame_is_found_by_its_time(self, source: Path, tmp_path: Path) -> None:
        kept = [index for index in range(FRAMES) if index != 9]
        verdict = verify(source, plants.write(tmp_path / "out.mkv", kept, [STEP * i for i in kept]), quick=True)
        assert [f.message for f in verdict.faults] == ["1 frame is missing, the first at 0.360 s (frame 9)"]

    def test_a_frame_at_another_time_is_found_without_decoding(self, source: Path, tmp_path: Path) -> None:
        times = [STEP * index + (12 if index == 9 else 0) for index in range(FRAMES)]
        verdict = verify(source, plants.write(tmp_path / "out.mkv", times=times), quick=True)
        assert [(f.kind, f.at) for f in verdict.faults] == [("time", 0.36)]

    def test_a_changed_packet_is_found_without_decoding(self, rich: Path, tmp_path: Path) -> None:
        assert kinds(verify(rich, plants.copy(rich, tmp_path / "out.mkv", {1: plants.flipped(9)}), quick=True)) == [
            "packet-changed"
        ]

    def test_an_excerpt_is_refused(self, source: Path) -> None:
        with pytest.raises(SettingsError, match="`quick` compares complete files"):
            verify(source, source, quick=True, frames=3)


class TestColour:
    def test_colour_tags_unlike_the_sources_are_found(self, source: Path, tmp_path: Path) -> None:
        verdict = verify(source, plants.write(tmp_path / "out.mkv", tagged=plants.BT601, coded=plants.BT601))
        assert set(kinds(verdict)) == {"colour"}
        assert [f.message for f in verdict.faults] == [
            "its primaries are smpte170m, the source's bt709",
            "its transfer is smpte170m, the source's bt709",
            "its matrix is smpte170m, the source's bt709",
        ]

    def test_an_untagged_matrix_of_gray_is_no_fault(self, tmp_path: Path) -> None:
        gray = clips.make(tmp_path / "in.mkv", pixel="gray", codec="ffv1", matrix=1, options={"level": "3"})
        assert kinds(verify(gray, upscale(gray, tmp_path / "out.mkv").path)) == []

    @pytest.mark.parametrize("crf", [17, 38])
    def test_samples_of_another_matrix_than_their_tag_are_found(self, source: Path, tmp_path: Path, crf: int) -> None:
        wrong = plants.write(tmp_path / "out.mkv", coded=plants.BT601, crf=crf)
        (fault,) = verify(source, wrong).faults
        assert fault.kind == "colour"
        assert "the samples do not match their tags (bt709, limited range)" in fault.message
        assert "if interpreted as smpte170m, limited range" in fault.message

    def test_a_tint_is_found(self, source: Path, tmp_path: Path) -> None:
        def tinted(index: int) -> np.ndarray:
            return np.asarray(np.clip(scene(index) + np.array([0.04, 0, 0])[:, None, None], 0, 1))

        (fault,) = verify(source, plants.write(tmp_path / "out.mkv", picture=tinted)).faults
        assert (fault.kind, "red +" in fault.message) == ("colour", True)


class TestDamage:
    def test_a_source_that_is_cut_off_is_never_complete(self, source: Path, tmp_path: Path) -> None:
        cut = tmp_path / "cut.mkv"
        cut.write_bytes(source.read_bytes()[:-2000])
        result = upscale(cut, tmp_path / "out.mkv").path
        verdict = verify(cut, result)
        assert set(kinds(verdict)) == {"damage"}
        assert "cut off" in verdict.faults[0].message

    def test_an_output_that_is_cut_off_is_found(self, source: Path, tmp_path: Path) -> None:
        result = upscale(source, tmp_path / "out.mkv").path
        result.write_bytes(result.read_bytes()[: result.stat().st_size * 2 // 3])
        assert "frame-lost" in kinds(verify(source, result))
        assert not verify(source, result).only_damage

    def test_a_source_that_vanishes_is_an_input_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        source = plants.write(tmp_path / "in.mkv")

        def vanish(path: Path, follow_symlinks: bool = True) -> None:
            raise FileNotFoundError(2, "No such file or directory", str(path))

        monkeypatch.setattr(Path, "stat", vanish)
        with pytest.raises(InputError, match=r"in\.mkv: can't be read \(No such file or directory\)"):
            verify(source, source)

    @pytest.mark.parametrize("broken", ["source", "result"])
    def test_a_file_that_is_no_video_is_an_input_error(self, source: Path, tmp_path: Path, broken: str) -> None:
        text = tmp_path / "text.mkv"
        text.write_text("no video")
        with pytest.raises(InputError, match="is not a video"):
            verify(*((text, source) if broken == "source" else (source, text)))


def test_the_verdict_is_converted_to_json(source: Path, tmp_path: Path) -> None:
    kept = [index for index in range(FRAMES) if index != 9]
    data = verify(source, plants.write(tmp_path / "out.mkv", kept, [STEP * index for index in kept])).as_json()
    assert (data["schema_version"], data["complete"], data["whole"], data["quick"]) == (1, False, False, False)
    assert data["counts"]["lost"] == 1
    assert data["faults"] == [
        {"kind": "frame-lost", "message": "1 frame is missing, at 0.360 s (frame 9)", "count": 1, "at": 0.36}
    ]


def test_progress_counts_the_output_frames(source: Path) -> None:
    counts: list[int] = []
    verify(source, source, progress=counts.append)
    assert counts == list(range(1, FRAMES + 1))
