"""What is found in a file, and what is no video."""

from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.media.reading.probe import probe
from tests import clips

NTSC = Fraction(24000, 1001)


def test_a_clip_is_described(clip: Path) -> None:
    media = probe(clip)
    video = media.video
    assert (video.format.width, video.format.height, video.format.pixel.name) == (64, 48, "yuv420p")
    assert (video.rate, video.frames, video.codec) == (Fraction(25), 12, "h264")
    assert [(s.kind, s.codec) for s in media.others] == [("audio", "aac")]
    assert media.metadata["title"] == "a test"


def test_the_rate_is_exact(tmp_path: Path) -> None:
    times = [index * 1001 for index in range(24)]
    path = clips.make(tmp_path / "ntsc.mp4", pts=times, time_base=Fraction(1, 24000), rate=NTSC, sound=False)
    assert probe(path).video.rate == NTSC


def test_untagged_sd_is_bt601(clip: Path) -> None:
    assert probe(clip).video.format.colour.matrix == 6
    assert not probe(clip).video.tagged


def test_untagged_hd_is_bt709(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "hd.mp4", frames=2, size=(1280, 720), sound=False)
    assert probe(path).video.format.colour.matrix == 1


def test_tags_and_pixel_aspect_are_read(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "tagged.mkv", frames=2, matrix=9, sample_aspect=Fraction(16, 11), sound=False)
    video = probe(path).video
    assert (video.format.colour.matrix, video.sample_aspect, video.tagged) == (9, Fraction(16, 11), True)


class TestRefused:
    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"nothing\.mp4: no such file"):
            probe(tmp_path / "nothing.mp4")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is a folder"):
            probe(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"hello, this is no video\n" * 50, b"\x00" * 5000])
    def test_what_is_no_video(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "text.mp4"
        path.write_bytes(content)
        with pytest.raises(InputError, match="is not a video that can be read"):
            probe(path)

    def test_sound_alone(self, tmp_path: Path) -> None:
        import av

        path = tmp_path / "sound.mka"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=clips.AUDIO_RATE, layout="mono")
            for frame in clips._tone(0.2, 0):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        with pytest.raises(InputError, match="has no video, only audio"):
            probe(path)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n", "is a playlist"),
            ("ffconcat version 1.0\nfile '{other}'\n", "is a concat script"),
        ],
    )
    def test_a_list_of_other_files_in_disguise(self, tmp_path: Path, clip: Path, content: str, said: str) -> None:
        path = tmp_path / "film.mp4"
        path.write_text(content.format(other=clip))
        with pytest.raises(InputError, match=said):
            probe(path)

    @pytest.mark.parametrize("name", ["http:x.mp4", "concat:a.mp4|b.mp4", "pipe:0", "data:text,x"])
    def test_a_name_that_looks_like_a_protocol_is_a_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InputError, match="no such file"):
            probe(Path(name))

    def test_a_file_with_such_a_name_is_read(self, tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        clip.rename(tmp_path / "http:x.mp4")
        assert probe(Path("http:x.mp4")).video.frames == 12


def test_a_stream_whose_decoder_is_no_encoder_can_be_told_about(tmp_path: Path) -> None:
    made = clips.make(tmp_path / "in.mkv", 4, codec="libsvtav1", options={"preset": "12"}, sound=False)
    assert probe(made).video.codec == "libdav1d"


def test_raw_dv_has_the_rate_of_its_frames_not_of_its_clock(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "tape.dv", 3, (720, 576), codec="dvvideo", time_base=Fraction(1, 25), sound=False)
    assert probe(path).video.rate == 25
