"""What is decided before the first frame."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.errors import SettingsError
from pipeline.files.estimate import estimate
from pipeline.files.plan import Plan, make_plan
from pipeline.files.result_name import target_for
from pipeline.media.decoding.decoder_choice import choose_decoder
from pipeline.media.packed_formats import find_format
from pipeline.media.reading.media_info import MediaInfo
from pipeline.media.reading.probe import probe
from pipeline.media.writing.encoder_choice import choose_encoder
from tests import alpha_clips, clips, rotated


def plan(clip: Path, **options: object) -> Plan:
    return make_plan(probe(clip), None, Settings.load(None, **({"backend": "onnx"} | options)))


def test_the_output_is_named_after_source_and_scale(tmp_path: Path) -> None:
    assert target_for(Path("a/in.mp4"), None, "x2") == Path("a/in.x2.mkv")
    assert target_for(Path("a/in.mp4"), tmp_path, "x4") == tmp_path / "in.x4.mkv"
    assert target_for(Path("a/in.mp4"), Path("b/mine.mp4"), "x2") == Path("b/mine.mp4")


def test_quality_defaults_belong_to_the_encoder(clip: Path) -> None:
    assert plan(clip).encoding.options == {"crf": "17", "preset": "medium"}
    assert plan(clip, codec="libsvtav1").encoding.options == {"crf": "24", "preset": "6"}
    assert plan(clip, codec="ffv1").encoding.options == {}


def test_settings_win_over_defaults_and_further_options_win_over_both(clip: Path) -> None:
    options = plan(clip, crf=20, preset="fast", options={"crf": "21", "bf": "0"}).encoding.options
    assert options == {"crf": "21", "preset": "fast", "bf": "0"}


def test_a_change_of_pixel_format_is_noted(clip: Path) -> None:
    assert "the output is yuv420p" in " ".join(plan(_wide(clip), codec="libsvtav1").notes)
    assert plan(clip).notes == ()


def _wide(clip: Path) -> Path:
    return clips.make(clip.with_name("wide.mkv"), frames=2, pixel="yuv444p", audio=False)


@pytest.mark.parametrize(("start", "target", "shift"), [(-512, "o.mp4", 512), (-512, "o.mkv", 512), (512, "o.mp4", 0)])
def test_times_before_zero_are_shifted(clip: Path, start: int, target: str, shift: int) -> None:
    media = probe(clip)
    media = replace(media, video=replace(media.video, start=start))
    planned = make_plan(media, Path(target), Settings.load(None, backend="onnx"))
    assert planned.time_shift == shift * media.video.time_base


def test_memory_and_disk_grow_with_the_frame_size(clip: Path, tmp_path: Path) -> None:
    large = plan(clips.make(tmp_path / "large.mp4", size=(640, 480), audio=False))
    small = plan(clip)
    assert large.memory > small.memory > 100_000_000
    assert large.disk is not None
    assert small.disk is not None
    assert large.disk > 10 * small.disk


def test_an_estimate_names_the_bottleneck(clip: Path) -> None:
    guess = estimate(plan(clip, model="srvgg-24x8"))
    assert guess.rate > 0
    assert guess.seconds == pytest.approx(12 / guess.rate)
    assert guess.bottleneck == "the model"


def test_nvdec_without_a_gpu_is_noted_in_one_line(clip: Path) -> None:
    made = plan(clip, decoder="nvdec")
    assert made.decoder == "software"
    assert made.notes == ("decoded in software, not by NVDEC: the upscaler does not run on a GPU",)
    assert plan(clip, decoder="auto").notes == ()


def test_without_a_gpu_the_automatic_codec_is_x264_and_noted(clip: Path) -> None:
    made = plan(clip, codec="auto")
    assert made.encoding.codec == "libx264"
    assert made.notes == ("encoded by libx264: H.264 plays everywhere",)


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1"])  # libvpx is often built without 10 bit
def test_ten_bits_of_any_codec_do_not_become_h264_without_a_note(tmp_path: Path, codec: str) -> None:
    # x265 gives the packets of two frames wrong decoding times at random if it may reorder them
    options = {"x265-params": "log-level=error:bframes=0"} if codec == "libx265" else {"crf": "30"}
    deep = clips.make(tmp_path / "deep.mkv", frames=2, pixel="yuv420p10le", codec=codec, audio=False, options=options)
    note = 'few players show 10 bit in H.264; more do in H.265: `codec="h265"`'
    assert plan(deep).notes == (note,)
    assert plan(deep, codec="h265").notes == ()


def test_the_automatic_codec_follows_depth_and_container(clip: Path) -> None:
    deep = probe(clips.make(clip.with_name("deep.mkv"), frames=2, pixel="yuv420p10le", audio=False))
    settings = Settings.load(None, codec="auto", backend="onnx")
    chosen = {name: make_plan(deep, Path(name), settings) for name in ("a.mkv", "a.webm", "a.flv")}
    assert [made.encoding.codec for made in chosen.values()] == ["libx265", "libsvtav1", "libx264"]
    assert all(made.encoding.format.pixel.depth == 10 for made in chosen.values())
    assert "encoded by libx265: few players show 10 bit in H.264" in chosen["a.mkv"].notes


class TestOutputSize:
    def test_a_height_keeps_the_shape_and_names_the_output(self, clip: Path) -> None:
        made = plan(clip, height=240)
        assert (made.size, made.target.name) == ((320, 240), "clip.240p.mkv")
        assert (made.encoding.format.width, made.encoding.format.height) == (320, 240)
        assert (made.model.scale, made.is_resampled) == (4, True)
        assert made.session_request.output == made.output_format
        assert made.notes == ()

    def test_the_model_is_repeated_for_a_factor(self, clip: Path) -> None:
        made = plan(clip, scale=4)
        assert (made.size, made.target.name) == ((256, 192), "clip.x4.mkv")
        assert ([step.name for step in made.model.steps], made.is_resampled) == (["clear-x2", "clear-x2"], False)

    def test_models_form_a_cascade(self, clip: Path) -> None:
        made = plan(clip, model="identity, clear-x2")
        assert (made.model.name, made.size, made.target.name) == ("identity, clear-x2", (128, 96), "clip.x2.mkv")

    def test_an_anamorphic_source_gets_square_pixels_by_height(self, tmp_path: Path) -> None:
        made = plan(clips.make(tmp_path / "pal.mkv", frames=2, sample_aspect=Fraction(4, 3), audio=False), height=96)
        assert (made.size, made.encoding.sample_aspect) == ((170, 96), Fraction(1))

    def test_an_exact_size_of_another_shape_is_noted_with_its_sample_aspect_ratio(self, clip: Path) -> None:
        made = plan(clip, size="128x72")
        assert (made.size, made.encoding.sample_aspect) == ((128, 72), Fraction(3, 4))
        assert made.notes == (
            "the output has another shape than the source: its sample aspect ratio is 3/4, so that nothing is "
            "distorted; `fit` gives square pixels",
        )

    def test_an_output_that_is_not_larger_is_noted(self, clip: Path) -> None:
        (note,) = plan(clip, scale=0.5).notes
        assert note.startswith("the output is not larger than the source: clear-x2 enlarges frames")
        assert plan(clip, scale=0.5, model="identity").notes == ()

    @pytest.mark.parametrize(("name", "size"), [("out.mp4", (320, 240)), ("out.mkv", (240, 320))])
    def test_the_height_of_a_rotated_video_is_that_which_players_show(
        self, tmp_path: Path, clip: Path, name: str, size: tuple[int, int]
    ) -> None:
        source = rotated.with_matrix(clip, tmp_path / "in.mp4", rotated.QUARTER)
        made = make_plan(probe(source), tmp_path / name, Settings.load(None, backend="onnx", height=320))
        assert made.size == size

    def test_the_memory_of_the_resampled_frame_is_counted(self, clip: Path) -> None:
        assert plan(clip, size="4096x3072").memory - plan(clip, scale=2).memory > 3 * 4096 * 3072 * 4


class TestChosenPixelFormat:
    def test_a_chosen_pixel_format_is_that_of_the_output(self, clip: Path) -> None:
        assert plan(clip, pix_fmt="yuv422p10le").output_format.pixel.name == "yuv422p10le"
        assert plan(clip, pix_fmt="yuv422p10le", codec="h265").notes == ()
        assert plan(clip, pix_fmt="gray8").output_format.pixel.name == "gray"
        assert plan(clip, pix_fmt="rgb24", codec="libx264rgb").output_format.pixel.name == "gbrp"

    @pytest.mark.parametrize("name", ["yuv444p", "nonsense"])
    def test_a_pixel_format_that_the_encoder_does_not_accept_is_refused(self, clip: Path, name: str) -> None:
        with pytest.raises(
            SettingsError, match=rf"^`pix_fmt={name}`: libsvtav1 does not support it; it supports yuv420p, yuv420p10le$"
        ):
            plan(clip, codec="libsvtav1", pix_fmt=name)

    def test_a_chosen_pixel_format_decides_the_automatic_codec(self, clip: Path) -> None:
        assert plan(clip, codec="auto", pix_fmt="yuv420p10le").encoding.codec == "libx265"
        with pytest.raises(
            SettingsError, match="`pix_fmt=yuv440p`: libx265 does not support it; it supports yuv420p, "
        ):
            plan(clip, codec="auto", pix_fmt="yuv440p")

    @pytest.mark.parametrize(("name", "chosen"), [("%d.png", "rgba"), ("%d.png", "gray16be"), ("-", "yuv444p10le")])
    def test_images_and_pipes_accept_their_own_pixel_formats(self, clip: Path, name: str, chosen: str) -> None:
        made = make_plan(probe(clip), Path(name), Settings.load(None, backend="onnx", pix_fmt=chosen))
        assert made.output_format.pixel == find_format(chosen)

    @pytest.mark.parametrize(
        ("name", "line"),
        [
            ("%d.png", "png does not support it; it supports rgb24, rgb48be, gray, "),
            ("%d.jpg", "jpg does not support it; it supports yuv444p$"),
            ("-", "y4m does not support it; it supports yuv420p, "),
        ],
    )
    def test_images_and_pipes_refuse_other_pixel_formats_with_a_list(self, clip: Path, name: str, line: str) -> None:
        settings = Settings.load(None, backend="onnx", pix_fmt="nv12")
        with pytest.raises(SettingsError, match=f"^`pix_fmt=nv12`: {line}"):
            make_plan(probe(clip), Path(name), settings)

    def test_alpha_is_refused_for_a_container_that_does_not_support_it(self, clip: Path) -> None:
        settings = Settings.load(None, backend="onnx", codec="libvpx-vp9", pix_fmt="yuva420p")
        assert make_plan(probe(clip), Path("a.webm"), settings).output_format.pixel.alpha
        with pytest.raises(SettingsError, match="`pix_fmt=yuva420p`: libvpx-vp9 does not support it"):
            make_plan(probe(clip), Path("a.mp4"), settings)


class TestTransparency:
    @pytest.fixture
    def film(self, tmp_path: Path) -> MediaInfo:
        return probe(alpha_clips.make(tmp_path / "film.webm", "libvpx-vp9", "yuva420p"))

    @pytest.mark.parametrize(
        ("name", "codec", "pixel"),
        [
            ("a.webm", "libvpx-vp9", "yuva420p"),
            ("a.mkv", "libvpx-vp9", "yuva420p"),
            ("a.mov", "prores_ks", "yuva444p10le"),
            ("a.mp4", "libx264", "yuv420p"),
        ],
    )
    def test_the_automatic_codec_keeps_transparency_if_the_container_supports_it(
        self, film: MediaInfo, name: str, codec: str, pixel: str
    ) -> None:
        made = make_plan(film, Path(name), Settings.load(None, backend="onnx", codec="auto"))
        assert (made.encoding.codec, made.output_format.pixel.name) == (codec, pixel)

    def test_transparency_of_vp9_in_mp4_is_lost_and_noted(self, film: MediaInfo) -> None:
        made = make_plan(film, Path("a.mp4"), Settings.load(None, backend="onnx", codec="libvpx-vp9"))
        assert made.output_format.pixel.name == "yuv420p"
        assert any(
            note.startswith("transparency (alpha) dropped: libvpx-vp9 does not support it") for note in made.notes
        )


def test_a_quality_that_the_automatic_codec_does_not_support_is_ignored_and_noted(tmp_path: Path) -> None:
    deep = clips.make(tmp_path / "deep.mkv", frames=3, pixel="gray16le", codec="ffv1", options={"level": "3"})
    made = plan(deep, codec="auto", crf=18)
    assert (made.encoding.codec, made.encoding.options) == ("ffv1", {})
    assert any("`crf` has no effect on it" in note for note in made.notes)


def test_a_preset_is_used_only_by_encoders_that_have_it(clip: Path) -> None:
    assert plan(clip, codec="auto", preset="veryfast").encoding.options["preset"] == "veryfast"
    assert plan(clip, codec="auto", preset="p7").encoding.options["preset"] == "medium"


def test_a_gpu_without_nvenc_is_noted_in_one_line(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media = probe(clip)
    monkeypatch.setattr("pipeline.system.cuda.unavailable_reason", lambda: None)
    encoding, note = choose_encoder(media.video, Settings.load(None, codec="auto"), Path("o.mkv"))
    assert encoding.codec == "libx264"
    assert note is not None
    assert note.startswith("encoded by libx264: H.264 plays everywhere; this GPU's NVENC does not support it (")


def test_memory_grows_with_encoders_and_the_network(tmp_path: Path, clip: Path) -> None:
    longer = clips.make(tmp_path / "longer.mp4", 100)
    assert plan(longer, encoders=4).memory > plan(longer, encoders=1).memory
    assert plan(clip, model="srvgg-64x16").memory > plan(clip, model="identity").memory


def test_settings_for_gpus_are_noted_to_have_no_effect_on_the_cpu(clip: Path) -> None:
    made = plan(clip, vram="4GiB", device="0,1", precision="bf16")
    assert made.notes == ("`precision`, `device`, `vram`: no effect on the CPU",)


def test_rotated_frames_are_decoded_in_software_and_swap_width_and_height(clip: Path, tmp_path: Path) -> None:
    source = rotated.with_matrix(clip, tmp_path / "rotated.mp4", rotated.QUARTER)
    made = plan(source, decoder="nvdec")
    assert (
        made.decoded_format.width,
        made.input_format.width,
        made.output_format.width,
        made.encoding.format.width,
    ) == (64, 48, 96, 96)
    how = choose_decoder(probe(source), Settings(decoder="nvdec"), "tensorrt", rotation=made.rotation)
    assert how[2] == "decoded in software, not by NVDEC: frames are rotated in main memory"
