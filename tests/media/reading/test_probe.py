"""`probe` describes videos, and refuses everything else with a reason."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.errors import InputError
from pipeline.media.reading.probe import probe
from tests import clips

NTSC = Fraction(24000, 1001)


def test_clip_is_described(clip: Path) -> None:
    media = probe(clip)
    video = media.video
    assert (video.format.width, video.format.height, video.format.pixel.name) == (64, 48, "yuv420p")
    assert (video.rate, video.frames, video.codec) == (Fraction(25), 12, "h264")
    assert [(s.kind, s.codec) for s in media.others] == [("audio", "aac")]
    assert media.metadata["title"] == "a test"


def test_frame_rate_is_exact(tmp_path: Path) -> None:
    times = [index * 1001 for index in range(24)]
    path = clips.make(tmp_path / "ntsc.mp4", pts=times, time_base=Fraction(1, 24000), rate=NTSC, audio=False)
    assert probe(path).video.rate == NTSC


def test_untagged_sd_is_bt601(clip: Path) -> None:
    assert probe(clip).video.format.colour.matrix == 6
    assert not probe(clip).video.tagged


def test_untagged_hd_is_bt709(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "hd.mp4", frames=2, size=(1280, 720), audio=False)
    assert probe(path).video.format.colour.matrix == 1


def test_colour_tags_and_sample_aspect_are_read(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "tagged.mkv", frames=2, matrix=9, sample_aspect=Fraction(16, 11), audio=False)
    video = probe(path).video
    assert (video.format.colour.matrix, video.sample_aspect, video.tagged) == (9, Fraction(16, 11), True)


class TestRefused:
    def test_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"nothing\.mp4: no such file"):
            probe(tmp_path / "nothing.mp4")

    def test_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is a folder"):
            probe(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"hello, this is no video\n" * 50, b"\x00" * 5000])
    def test_file_without_video_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "text.mp4"
        path.write_bytes(content)
        with pytest.raises(InputError, match="is not a video that can be read"):
            probe(path)

    def test_audio_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "audio.mka"
        clip = clips.make(tmp_path / "clip.mkv")
        with av.open(str(clip)) as source, av.open(str(path), "w") as container:
            stream = container.add_stream_from_template(source.streams.audio[0])
            for packet in source.demux(audio=0):
                if packet.size:
                    packet.stream = stream
                    container.mux(packet)
        with pytest.raises(InputError, match="has no video, only audio"):
            probe(path)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n", "is a playlist"),
            ("ffconcat version 1.0\nfile '{other}'\n", "is a concat script"),
        ],
    )
    def test_list_of_other_files_named_as_a_video_is_refused(
        self, tmp_path: Path, clip: Path, content: str, reason: str
    ) -> None:
        path = tmp_path / "video.mp4"
        path.write_text(content.format(other=clip))
        with pytest.raises(InputError, match=reason):
            probe(path)

    @pytest.mark.parametrize("name", ["http:x.mp4", "concat:a.mp4|b.mp4", "pipe:0", "data:text,x"])
    def test_file_name_that_looks_like_a_protocol_is_a_file_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InputError, match="no such file"):
            probe(Path(name))

    def test_file_whose_name_looks_like_a_protocol_is_read(
        self, tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        clip.rename(tmp_path / "http:x.mp4")
        assert probe(Path("http:x.mp4")).video.frames == 12


def test_stream_whose_decoder_has_no_encoder_is_described(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "in.mkv", 4, codec="libsvtav1", options={"preset": "12"}, audio=False)
    assert probe(path).video.codec == "libdav1d"


def test_raw_dv_has_its_frame_rate_not_its_clock_rate(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "tape.dv", 3, (720, 576), codec="dvvideo", time_base=Fraction(1, 25), audio=False)
    assert probe(path).video.rate == 25
