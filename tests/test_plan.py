"""What is decided before the first frame."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.choices import choose_backend, choose_encoder, target_for
from pipeline.errors import BackendError
from pipeline.estimate import estimate
from pipeline.media.reading.probe import probe
from pipeline.plan import Plan, make_plan
from pipeline.settings import Settings
from tests import clips


def plan(clip: Path, **options: object) -> Plan:
    return make_plan(probe(clip), None, Settings.load(None, **({"backend": "onnx"} | options)))


def test_the_result_is_named_after_source_and_scale(tmp_path: Path) -> None:
    assert target_for(Path("a/in.mp4"), None, 2) == Path("a/in.x2.mkv")
    assert target_for(Path("a/in.mp4"), tmp_path, 4) == tmp_path / "in.x4.mkv"
    assert target_for(Path("a/in.mp4"), Path("b/mine.mp4"), 2) == Path("b/mine.mp4")


def test_quality_defaults_belong_to_the_encoder(clip: Path) -> None:
    assert plan(clip).encoding.options == {"crf": "17", "preset": "medium"}
    assert plan(clip, codec="libsvtav1").encoding.options == {"crf": "24", "preset": "6"}
    assert plan(clip, codec="ffv1").encoding.options == {}


def test_what_is_chosen_wins_over_defaults_and_further_options_over_all(clip: Path) -> None:
    options = plan(clip, crf=20, preset="fast", options={"crf": "21", "bf": "0"}).encoding.options
    assert options == {"crf": "21", "preset": "fast", "bf": "0"}


def test_a_change_of_format_is_said(clip: Path) -> None:
    assert "the result is yuv420p" in " ".join(plan(_wide(clip), codec="libsvtav1").notes)
    assert plan(clip).notes == ()


def _wide(clip: Path) -> Path:
    return clips.make(clip.with_name("wide.mkv"), frames=2, pixel="yuv444p", sound=False)


@pytest.mark.parametrize(("start", "target", "shift"), [(-512, "o.mp4", 512), (-512, "o.mkv", 512), (512, "o.mp4", 0)])
def test_what_readers_would_lose_before_zero_is_moved(clip: Path, start: int, target: str, shift: int) -> None:
    media = probe(clip)
    media = replace(media, video=replace(media.video, start=start))
    planned = make_plan(media, Path(target), Settings.load(None, backend="onnx"))
    assert planned.shift == shift * media.video.time_base


def test_memory_and_disk_grow_with_the_picture(clip: Path, tmp_path: Path) -> None:
    large = plan(clips.make(tmp_path / "large.mp4", size=(640, 480), sound=False))
    small = plan(clip)
    assert large.memory > small.memory > 100_000_000
    assert large.disk is not None
    assert small.disk is not None
    assert large.disk > 10 * small.disk


def test_an_estimate_names_the_wall(clip: Path) -> None:
    guess = estimate(plan(clip, model="srvgg-24x8"))
    assert guess.rate > 0
    assert guess.seconds == pytest.approx(12 / guess.rate)
    assert guess.wall == "the model"


class TestBackends:
    @pytest.fixture(autouse=True)
    def _no_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pipeline.cuda.problem", lambda: "no driver: install one")

    def test_without_a_gpu_it_is_the_cpu_and_nothing_is_said(self) -> None:
        assert choose_backend(Settings.load(None))[0] == "onnx"

    def test_tensorrt_by_name_is_refused(self) -> None:
        with pytest.raises(BackendError, match="no driver: install one; or use --backend onnx"):
            choose_backend(Settings.load(None, backend="tensorrt"))


def test_with_a_gpu_but_no_tensorrt_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.cuda.problem", lambda: None)
    monkeypatch.setattr("pipeline.superres.flavour.installed", list)
    with pytest.raises(BackendError, match=r"pip install 'uprez\[rtx\]'"):
        choose_backend(Settings.load(None, backend="tensorrt"))


def test_with_both_it_is_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.cuda.problem", lambda: None)
    monkeypatch.setattr("pipeline.superres.flavour.installed", lambda: ["rtx"])
    assert choose_backend(Settings.load(None)) == ("tensorrt", None)


def test_nvdec_without_a_gpu_is_said_in_one_line(clip: Path) -> None:
    made = plan(clip, decoder="nvdec")
    assert made.decoder == "software"
    assert made.notes == ("decoded in software, not by NVDEC: frames go to no GPU",)
    assert plan(clip, decoder="auto").notes == ()


def test_without_a_gpu_the_automatic_codec_is_x264(clip: Path) -> None:
    assert plan(clip, codec="auto").encoding.codec == "libx264"


def test_a_preset_beside_the_automatic_codec_is_for_the_encoder_it_belongs_to(clip: Path) -> None:
    assert plan(clip, codec="auto", preset="veryfast").encoding.options["preset"] == "veryfast"
    assert plan(clip, codec="auto", preset="p7").encoding.options["preset"] == "medium"


def test_a_gpu_without_nvenc_is_said_in_one_line(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media = probe(clip)
    monkeypatch.setattr("pipeline.cuda.problem", lambda: None)
    encoding, note = choose_encoder(media, 2, Settings.load(None, codec="auto"))
    assert encoding.codec == "libx264"
    assert note is not None
    assert note.startswith("encoded by libx264: this GPU's NVENC can't (")


def test_memory_grows_with_encoders_and_the_network(tmp_path: Path, clip: Path) -> None:
    longer = clips.make(tmp_path / "longer.mp4", 100)
    assert plan(longer, encoders=4).memory > plan(longer, encoders=1).memory
    assert plan(clip, model="srvgg-64x16").memory > plan(clip, model="identity").memory


def test_what_is_for_gpus_only_is_said_on_the_cpu(clip: Path) -> None:
    made = plan(clip, vram="4GiB", device="0,1", precision="bf16")
    assert made.notes == ("--precision, --device, --vram: without effect on the CPU",)
