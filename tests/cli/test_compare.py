"""`uprez compare`: its page, its table and its JSON."""

import json
from pathlib import Path

import pytest

from pipeline.cli import compare as module
from pipeline.diagnostics.comparison.report import ComparisonReport
from tests.cli.conftest import Call
from tests.diagnostics.comparison import pairs
from tests.diagnostics.comparison.conftest import original as original
from tests.diagnostics.comparison.conftest import small as small

ON_CPU = ("--backend", "onnx")


def test_page_is_written_beside_the_clip_and_figures_are_printed(uprez: Call, small: Path, original: Path) -> None:
    ended = uprez("compare", small, "--models", "clear-x2, identity", "--reference", original, *ON_CPU)
    page = small.with_name("small.compare.html")
    assert (ended.code, page.is_file()) == (0, True)
    assert ended.out.splitlines()[0].split() == ["scale", "frames/s", "PSNR-Y", "SSIM", "flicker"]
    assert [line.split()[0] for line in ended.out.splitlines()[1:-1]] == [
        "original.mkv",
        "bicubic",
        "clear-x2",
        "identity",
    ]
    assert ended.out.splitlines()[-1].startswith(f"{page}: ")
    assert sorted(path.name for path in small.parent.iterdir()) == ["original.mkv", "small.compare.html", "small.mkv"]


def test_finished_files_are_compared_completely_and_saved_as_json(uprez: Call, original: Path, tmp_path: Path) -> None:
    rough = pairs.write(tmp_path / "rough.mkv", (128, 96), crf=40)
    ended = uprez("compare", original, rough, "--reference", original, "--save", tmp_path / "a.json", "--json")
    assert ended.code == 0
    report = ComparisonReport.model_validate_json(ended.out)
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads(ended.out)
    assert [len(row.frames) for row in report.rows] == [0, pairs.FRAMES, pairs.FRAMES]
    assert (tmp_path / "original.compare.html").is_file()


def test_a_piece_begins_and_lasts_as_requested(uprez: Call, small: Path) -> None:
    options = ("--models", "identity", "--at", "0:00.08", "--seconds", "0.08", *ON_CPU)
    report = ComparisonReport.model_validate_json(uprez("compare", small, *options, "--json").out)
    assert report.times == pytest.approx([0.08, 0.12])


def test_two_seconds_are_compared_by_default(uprez: Call, tmp_path: Path) -> None:
    long = pairs.write(tmp_path / "long.mkv", pts=[40 * index for index in range(60)])
    report = ComparisonReport.model_validate_json(uprez("compare", long, "--models", "identity", *ON_CPU, "--json").out)
    assert (len(report.times), report.shown) == (50, list(range(0, 50, 3)))


def test_a_model_that_can_not_be_used_is_in_the_table_and_the_exit_code(uprez: Call, small: Path) -> None:
    ended = uprez("compare", small, "--models", "nonsense,identity", *ON_CPU)
    assert ended.code == 2
    assert "no model called 'nonsense'" in ended.out
    assert small.with_name("small.compare.html").is_file()


def test_an_existing_page_is_replaced_only_on_request(uprez: Call, small: Path) -> None:
    page = small.with_name("page.html")
    page.write_text("mine")
    options = ("--models", "identity", "--page", page, *ON_CPU)
    ended = uprez("compare", small, *options)
    assert (ended.code, ended.err) == (2, f"uprez: {page}: exists already; --overwrite replaces it\n")
    assert page.read_text() == "mine"
    assert uprez("compare", small, *options, "--overwrite").code == 0
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "nothing to compare it with: add --models, --reference, or another file"),
        (("--models", " , "), "--models is empty"),
        (("--models", "identity", "--at", "soon"), "--at soon: should be a time such as 90, 12.5 or 1:02:03.25"),
        (("--models", "identity", "--seconds", "0"), "--seconds 0: should be more than 0"),
        (
            ("--models", "identity", "--at", "1:00"),
            "has no frame from 60 s on, it ends after 0.24 s: choose an earlier",
        ),
        (("--models", "identity", "--page", "a", "--save", "./a"), "--save a: is the page's file as well"),
        (("--models", "identity", "--reference", "no.mkv"), "no.mkv: no such file"),
        (("--models", "identity", "--save", "no/a.json"), "no/a.json: the folder no does not exist"),
    ],
)
def test_an_invalid_request_is_one_line_and_writes_nothing(
    uprez: Call, small: Path, options: tuple[str, ...], message: str
) -> None:
    ended = uprez("compare", small, *options, *ON_CPU)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert message in ended.err
    assert list(small.parent.iterdir()) == [small]


def test_figures_replace_no_input_and_no_file_unless_requested(uprez: Call, original: Path, tmp_path: Path) -> None:
    rough = pairs.write(tmp_path / "rough.mkv", (128, 96), crf=40)
    before = rough.read_bytes()
    ended = uprez("compare", original, rough, "--save", rough, "--overwrite")
    assert (ended.code, ended.err) == (2, f"uprez: {rough}: is an input; give the output another name\n")
    assert rough.read_bytes() == before
    figures = tmp_path / "a.json"
    figures.write_text("mine")
    ended = uprez("compare", original, rough, "--save", figures)
    assert (ended.code, ended.err) == (2, f"uprez: {figures}: exists already; --overwrite replaces it\n")
    assert figures.read_text() == "mine"
    assert uprez("compare", original, rough, "--save", figures, "--overwrite").code == 0
    assert ComparisonReport.model_validate_json(figures.read_text()).rows


@pytest.mark.parametrize("folder", [".", ".."])
def test_a_folder_is_refused_in_one_line(uprez: Call, folder: str) -> None:
    ended = uprez("compare", folder, "--models", "identity", *ON_CPU)
    assert (ended.code, ended.err) == (2, f"uprez: {folder}: is a folder; give the name of a file\n")


def test_models_on_several_videos_are_refused(uprez: Call, small: Path) -> None:
    ended = uprez("compare", small, small, "--models", "identity")
    assert (ended.code, "--models are compared on one video, not on 2" in ended.err) == (2, True)


def test_a_file_without_video_is_one_line(uprez: Call, tmp_path: Path, clip: Path) -> None:
    import av

    with av.open(str(tmp_path / "audio.mka"), "w") as output, av.open(str(clip)) as source:
        stream = output.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    ended = uprez("compare", tmp_path / "audio.mka", "--models", "identity", *ON_CPU)
    assert (ended.code, "no video" in ended.err, len(ended.err.splitlines())) == (2, True, 1)


def test_ctrl_c_exits_with_130_and_leaves_no_file(uprez: Call, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "comparison_page", interrupted)
    assert uprez("compare", small, "--models", "identity", *ON_CPU).code == 130
    assert list(small.parent.iterdir()) == [small]
