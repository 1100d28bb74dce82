"""Whole jobs: every frame at its own time, everything else untouched, and no half result under the real name."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline import Progress
from pipeline.colour.psnr import psnr
from pipeline.config.settings import Settings
from pipeline.files.job import execute
from pipeline.files.plan import make_plan
from pipeline.media.reading.probe import probe
from tests import clips
from tests.jobs import upscale

MS = Fraction(1, 1000)


class TestTime:
    def test_b_frames_leave_in_order_each_at_its_own_time(self, clip: Path, tmp_path: Path) -> None:
        result = upscale(clip, tmp_path / "out.mp4")
        assert (result.frames_in, result.frames_out, result.stopped) == (12, 12, False)
        assert clips.video_times(result.path) == clips.video_times(clip)
        assert clips.shades(result.path) == pytest.approx(clips.shades(clip), abs=3)

    @hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        steps=st.lists(st.integers(1, 3000), min_size=1, max_size=15),
        start=st.integers(0, 50_000),
        time_base=st.sampled_from([Fraction(1, 12800), Fraction(1, 90000), Fraction(1, 24000)]),
    )
    def test_any_times_stay_as_they_are_in_mp4(
        self, tmp_path: Path, steps: list[int], start: int, time_base: Fraction
    ) -> None:
        times = [start + sum(steps[:count]) for count in range(len(steps) + 1)]
        source = clips.make(tmp_path / "in.mp4", pts=times, time_base=time_base, audio=False)
        result = upscale(source, tmp_path / "out.mp4")
        assert clips.video_times(result.path) == clips.video_times(source) == [t * time_base for t in times]
        result.path.unlink()

    def test_mkv_keeps_times_to_its_millisecond(self, tmp_path: Path) -> None:
        times = [1000, 1512, 2600, 2700, 5000]
        source = clips.make(tmp_path / "in.mp4", pts=times)
        result = upscale(source, tmp_path / "out.mkv")
        for given_time, kept in zip(clips.video_times(source), clips.video_times(result.path), strict=True):
            assert abs(given_time - kept) <= MS / 2

    @pytest.mark.long
    def test_a_real_clip_keeps_every_frame_and_packet(self, media: Path, tmp_path: Path) -> None:
        source = media / "bigbuckbunny.mp4"
        result = upscale(source, tmp_path / "out.mp4")
        assert clips.video_times(result.path) == clips.video_times(source)
        assert clips.packets(result.path, "audio") == clips.packets(source, "audio")

    def test_a_start_before_zero_is_moved_with_everything_else(self, clip: Path, tmp_path: Path) -> None:
        plan = make_plan(probe(clip), tmp_path / "out.mp4", Settings(model="identity", backend="onnx"))
        moved = execute(replace(plan, time_shift=Fraction(1, 2))).path
        assert clips.video_times(moved) == [time + Fraction(1, 2) for time in clips.video_times(clip)]
        first, copied = clips.packets(clip, "audio")[0][0], clips.packets(moved, "audio")[0][0]
        assert first is not None
        assert copied is not None
        assert abs(copied - first - Fraction(1, 2)) <= MS

    def test_timestamps_that_do_not_advance_are_repaired_and_reported(self, tmp_path: Path) -> None:
        source = clips.make(tmp_path / "in.mkv", codec="mjpeg", pixel="yuvj420p", audio=False, options={"qmin": "2"})
        standing = tmp_path / "standing.mkv"
        clips.retimed(source, standing, {5: 160})
        result = upscale(standing, tmp_path / "out.mkv")
        assert clips.video_times(tmp_path / "out.mkv")[4:7] == [
            Fraction(160, 1000),
            Fraction(161, 1000),
            Fraction(240, 1000),
        ]
        assert result.frames_out == 12
        assert result.findings == ("timestamps that did not increase were moved to the nearest possible time (1)",)


class TestStreamsAndTags:
    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_audio_is_copied_packet_for_packet_and_in_time(self, clip: Path, tmp_path: Path, suffix: str) -> None:
        result = upscale(clip, tmp_path / f"out{suffix}")
        for (then, content), (now, copied) in zip(
            clips.packets(clip, "audio"), clips.packets(result.path, "audio"), strict=True
        ):
            assert copied == content
            assert then is not None
            assert now is not None
            assert abs(self._in_sync(clip, then) - self._in_sync(result.path, now)) <= MS

    @staticmethod
    def _in_sync(path: Path, moment: Fraction) -> Fraction:
        """Returns the time of `moment` after the first frame, in seconds."""
        return moment - clips.video_times(path)[0]

    def test_a_late_start_keeps_audio_and_video_in_sync(self, tmp_path: Path) -> None:
        source = clips.make(tmp_path / "in.mkv", pts=[20_000 + 512 * i for i in range(12)])
        result = upscale(source, tmp_path / "out.mkv")
        first, copied = clips.packets(source, "audio")[0][0], clips.packets(result.path, "audio")[0][0]
        assert first is not None
        assert copied is not None
        assert abs(self._in_sync(source, first) - self._in_sync(result.path, copied)) <= MS

    def test_colour_tags_pixel_aspect_and_title_are_kept(self, tmp_path: Path) -> None:
        source = clips.make(tmp_path / "in.mkv", matrix=9, sample_aspect=Fraction(16, 11), pixel="yuv420p10le")
        before, after = probe(source), probe(upscale(source, tmp_path / "out.mkv").path)
        assert after.video.format.colour == before.video.format.colour
        assert after.video.sample_aspect == Fraction(16, 11)
        assert after.video.format.pixel.name == "yuv420p10le"
        assert after.metadata["title"] == "a test"

    @pytest.mark.parametrize(("size", "matrix"), [((64, 48), 6), ((1280, 720), 1)])
    def test_untagged_video_is_tagged_with_the_colours_that_were_assumed(
        self, tmp_path: Path, size: tuple[int, int], matrix: int
    ) -> None:
        source = clips.make(tmp_path / "in.mkv", frames=2, size=size, audio=False)
        assert not probe(source).video.tagged
        video = probe(upscale(source, tmp_path / "out.mkv").path).video
        assert (video.tagged, video.format.colour.matrix) == (True, matrix)

    @pytest.mark.parametrize("pixel", ["yuv422p", "yuv444p10le", "gray", "yuvj420p"])
    def test_depth_and_chroma_format_are_kept(self, tmp_path: Path, pixel: str) -> None:
        source = clips.make(tmp_path / "in.mkv", frames=3, pixel=pixel, audio=False)
        result = upscale(source, tmp_path / "out.mkv")
        assert probe(result.path).video.format == probe(source).video.format

    def test_chapters_subtitles_attachments_and_languages_are_kept(self, clip: Path, tmp_path: Path) -> None:
        source = _rich(clip, tmp_path / "rich.mkv")
        result = upscale(source, tmp_path / "out.mkv")
        before, after = probe(source), probe(result.path)
        assert [(s.kind, s.codec, s.language) for s in after.others] == [
            (s.kind, s.codec, s.language) for s in before.others
        ]
        assert {"audio", "attachment"} <= {s.kind for s in after.others}
        assert after.chapters == 2
        assert result.findings == ()

    def test_streams_that_mp4_does_not_support_are_dropped_and_reported(self, clip: Path, tmp_path: Path) -> None:
        result = upscale(_rich(clip, tmp_path / "rich.mkv"), tmp_path / "out.mp4")
        assert [s.kind for s in probe(result.path).others if s.kind != "data"] == ["audio"]
        assert "mp4 does not support attachments; .mkv does" in result.findings[0]

    def test_other_streams_are_dropped_on_request(self, clip: Path, tmp_path: Path) -> None:
        assert probe(upscale(clip, tmp_path / "out.mkv", streams="video").path).others == ()


def _rich(clip: Path, path: Path) -> Path:
    """`clip` with a language, two chapters and an attachment."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as container:
        streams = {s.index: container.add_stream_from_template(s) for s in source.streams}
        streams[1].metadata["language"] = "fre"
        container.add_attachment("notes.txt", "text/plain", b"hello")
        bounds = ((0, 200), (200, 480))
        container.set_chapters(
            [
                {"id": i, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {}}
                for i, (a, b) in enumerate(bounds)
            ]
        )
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
    return path


class TestFrames:
    @pytest.mark.parametrize("pixel", ["yuva420p", "yuv440p", "yuv411p", "yuv420p9le", "yuv422p16le"])
    def test_untagged_hd_of_a_rare_format_keeps_its_colours(self, tmp_path: Path, pixel: str) -> None:
        source = clips.make(
            tmp_path / "in.mkv",
            frames=1,
            size=(1280, 720),
            pixel=pixel,
            codec="ffv1",
            options={"level": "3"},
            audio=False,
        )
        result = upscale(source, tmp_path / "out.mkv", codec="ffv1", preset=None)
        with av.open(str(result.path)) as container:
            planes = [
                np.frombuffer(bytes(p), np.uint8 if "le" not in pixel else np.uint16)
                for p in next(container.decode(video=0)).planes
            ]
        depth = probe(result.path).video.format.pixel.depth
        expected = [clips.shade(0), 128, 128, *[128] * ("a" in pixel)]  # alpha too is in the middle
        for plane, code in zip(planes, expected, strict=True):
            assert np.median(plane.astype(int)) == pytest.approx(code << (depth - 8), abs=1 << (depth - 8))

    @pytest.mark.parametrize("second", [(64, 64), (128, 48), (32, 24)])
    def test_frames_of_another_size_in_midstream_are_scaled_to_the_first(
        self, tmp_path: Path, second: tuple[int, int]
    ) -> None:
        parts = [
            clips.make(tmp_path / f"{n}.h264", frames=6, size=size, audio=False)
            for n, size in enumerate([(64, 48), second])
        ]
        joined = tmp_path / "joined.h264"
        joined.write_bytes(b"".join(part.read_bytes() for part in parts))
        result = upscale(joined, tmp_path / "out.mkv")
        assert result.frames_out == 12
        assert clips.shades(result.path) == pytest.approx([clips.shade(i) for i in range(6)] * 2, abs=3)

    @pytest.mark.parametrize("siting", ["left", "center", "topleft"])
    def test_chroma_siting_is_read_and_tagged(self, tmp_path: Path, siting: str) -> None:
        options = {"crf": "10", "chroma_sample_location": siting}
        source = clips.make(tmp_path / "in.mp4", frames=2, options=options, audio=False)
        assert probe(source).video.format.colour.siting.value == siting
        result = upscale(source, tmp_path / "out.mp4")
        assert probe(result.path).video.format.colour.siting.value == siting


def test_progress_is_reported_from_the_first_frame_to_the_last(clip: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    upscale(clip, tmp_path / "out.mkv", progress=told.append)
    assert told[-1].done == told[-1].total == 12
    assert [p.done for p in told] == sorted(p.done for p in told)


@pytest.mark.parametrize("frames", [41, pytest.param(241, marks=pytest.mark.long)])
def test_saturated_and_natural_frames_survive_a_lossless_round_trip(tmp_path: Path, media: Path, frames: int) -> None:
    """The complete job with a lossless codec: what the network's session promises reaches the file."""
    result = upscale(media / "world.mp4", tmp_path / "out.mkv", codec="ffv1", preset=None, frames=frames)
    assert result.frames_out == frames
    with av.open(str(media / "world.mp4")) as a, av.open(str(result.path)) as b:
        for index, (x, y) in enumerate(zip(a.decode(video=0), b.decode(video=0), strict=False)):
            if index % 20 == 0:
                assert psnr(x.to_ndarray(), y.to_ndarray()) >= 50


def test_the_output_folder_can_be_a_setting(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    result = upscale(clip, None, to=tmp_path / "out")
    assert result.path == tmp_path / "out" / "clip.x1.mkv"
