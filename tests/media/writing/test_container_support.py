"""The table of containers agrees with what FFmpeg writes and reads back, and is the only place that names them."""

import ast
import io
from pathlib import Path

import av
import numpy as np
import pytest

import pipeline
from pipeline.media.codec_parameters import codec_name
from pipeline.media.writing import container_support
from pipeline.media.writing.container_spec import ContainerSpec, CoverArt
from pipeline.media.writing.container_support import CONTAINERS, container_for, container_spec, is_output
from tests import clips, remux

H265 = {"preset": "ultrafast", "x265-params": "log-level=error"}
TONE = np.sin(np.arange(24_000) / 10).astype(np.float32)[None]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for codec in ("aac", "ac3", "flac", "libopus", "pcm_s16le", "wavpack", "tta"):
        kind = np.float32 if codec in ("aac", "ac3") else np.int16
        samples = (TONE * 20_000).astype(kind) if kind is np.int16 else TONE
        remux.write_source(folder / f"{codec}.mkv", remux.audio_track(samples, codec))
    return folder


@pytest.mark.parametrize("codec", ["aac", "ac3", "flac", "libopus", "pcm_s16le", "wavpack", "tta"])
@pytest.mark.parametrize("muxer", ["matroska", "webm", "mp4", "mov", "ipod", "mpegts", "nut"])
def test_a_supported_codec_is_read_back_complete(sounds: Path, tmp_path: Path, codec: str, muxer: str) -> None:
    path = tmp_path / "out"
    with av.open(str(sounds / f"{codec}.mkv")) as source:
        stream = source.streams.audio[0]
        if not container_support.supports(muxer, stream):
            return
        with av.open(str(path), "w", format=muxer) as container:
            copy = container_support.add_stream_copy(container, stream)
            for packet in source.demux(stream):
                if packet.size:
                    packet.stream = copy
                    container.mux(packet)
        name = codec_name(stream)
    with av.open(str(path)) as container:
        assert codec_name(container.streams[0]) == name
        assert sum(frame.samples for frame in container.decode(audio=0)) >= TONE.shape[1] - 2048


@pytest.mark.parametrize(
    ("codec", "muxers"),
    [
        ("aac", "matroska mp4 mov ipod mpegts nut flv"),
        ("flac", "matroska mp4 nut flv"),
        ("libopus", "matroska webm mp4 mpegts nut flv"),
        ("pcm_s16le", "matroska mp4 mov nut"),
        ("wavpack", "matroska nut"),
        ("tta", ""),
    ],
)
def test_audio_is_supported_by_the_containers_that_read_it_back(sounds: Path, codec: str, muxers: str) -> None:
    with av.open(str(sounds / f"{codec}.mkv")) as source:
        stream = source.streams.audio[0]
        tried = "matroska webm mp4 mov ipod mpegts nut flv".split()
        assert [muxer for muxer in tried if container_support.supports(muxer, stream)] == muxers.split()


def test_a_specified_layout_is_kept() -> None:
    assert container_support.specified_layout(av.AudioLayout("5.1(side)")) == "5.1(side)"


def test_an_unspecified_layout_gets_the_usual_name(sounds: Path) -> None:
    with av.open(str(sounds / "pcm_s16le.mkv")) as source:  # Matroska doesn't say which channels PCM has
        assert container_support.specified_layout(source.streams.audio[0].codec_context.layout) == "mono"


ROOT = Path(pipeline.__file__).parent
# Modules that may hold a name that is a container's too, and why.
MAY_NAME_CONTAINERS = {
    "media/writing/container_support.py": "the table",
    "media/writing/video_metadata.py": "a file in memory that is never an output",
    "media/writing/lead_in.py": "a file in memory that is never an output",
    "media/writing/pipe_sink.py": "the one muxer that a pipe has",
    "media/writing/cover.py": "suffixes of images",
    "media/encoding/codecs.py": "suffixes of images",
    "files/result_name.py": "suffix of an animation",
}
FOLDERS = ("media/writing", "media/encoding", "files", "diagnostics")


def test_no_other_module_of_the_writing_side_names_a_container() -> None:
    names = set(CONTAINERS) | {suffix for spec in CONTAINERS.values() for suffix in spec.suffixes if suffix}
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.value!r}"
        for folder in FOLDERS
        for file in sorted((ROOT / folder).rglob("*.py"))
        if str(file.relative_to(ROOT)) not in MAY_NAME_CONTAINERS
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert found == [], "ask pipeline/media/writing/container_support.py instead"


FILES = [(spec, suffix) for spec in CONTAINERS.values() for suffix in spec.suffixes if suffix]


@pytest.mark.parametrize(("spec", "suffix"), FILES, ids=[suffix for _, suffix in FILES])
def test_ffmpeg_chooses_the_muxer_of_the_row_by_each_suffix(spec: ContainerSpec, suffix: str, tmp_path: Path) -> None:
    assert container_for(Path(f"FILM{suffix.upper()}")) is spec
    with av.open(str(tmp_path / f"film{suffix}"), "w") as container:
        assert container.format.name == spec.muxer


@pytest.mark.parametrize("spec", [spec for spec in CONTAINERS.values() if spec.suffixes], ids=lambda spec: spec.muxer)
def test_the_muxer_supports_the_subtitles_and_attachments_of_the_row(spec: ContainerSpec) -> None:
    with av.open(io.BytesIO(), "w", format=spec.muxer) as container:
        supported = container.supported_codecs
    texts = [codec for codec in ("mov_text", "subrip") if codec in supported]
    assert texts == ([spec.text_subtitles] if spec.text_subtitles else [])
    assert spec.attachments == (spec.cover_art is CoverArt.ATTACHMENT)


@pytest.mark.parametrize("spec", [spec for spec in CONTAINERS.values() if spec.h265], ids=lambda spec: spec.muxer)
def test_containers_in_which_players_look_for_h265_accept_it(spec: ContainerSpec) -> None:
    with av.open(io.BytesIO(), "w", format=spec.muxer) as container:
        stream = container.add_stream("hevc", rate=25)
        assert stream.codec_context is not None


@pytest.mark.parametrize(
    ("source", "tag", "muxer", "written"),
    [
        ("a.mkv", None, "mp4", "hvc1"),
        ("a.mkv", None, "mov", "hvc1"),
        ("a.mov", "hvc1", "mp4", "hvc1"),
        ("a.mp4", "hev1", "mp4", "hev1"),  # may have parameter sets among its frames, which hvc1 forbids
    ],
)
def test_a_copy_of_h265_is_named_as_apple_s_players_expect(
    tmp_path: Path, source: str, tag: str | None, muxer: str, written: str
) -> None:
    first = clips.make(tmp_path / source, codec="libx265", audio=False, tag=tag, options=H265)
    with av.open(str(first)) as given, av.open(str(tmp_path / "copy"), "w", format=muxer) as container:
        copy = container_support.add_stream_copy(container, given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    with av.open(str(tmp_path / "copy")) as container:
        assert container.streams.video[0].codec_context.codec_tag == written
        assert sum(1 for _ in container.decode(video=0)) == 12


def test_a_container_without_a_row_has_defaults() -> None:
    assert container_spec("avi") == ContainerSpec("avi")
    assert not is_output("avi")
    assert container_for(Path("film.xyz")) == ContainerSpec("", (".xyz",))


def test_a_pipe_is_y4m_and_no_output_file() -> None:
    assert container_for(Path("-")).muxer == "yuv4mpegpipe"
    assert not is_output("yuv4mpegpipe")


@pytest.mark.parametrize("muxer", ["mp4", "mov", "matroska", "mpegts"])
def test_containers_for_live_files_are_outputs_too(muxer: str) -> None:
    assert container_spec(muxer).live_options is not None
    assert is_output(muxer)


@pytest.mark.parametrize(
    ("muxer", "codecs"),
    [("rtsp", ["aac", "libopus"]), ("hls", ["aac", "ac3", "libopus"]), ("mpegts", ["aac", "ac3", "libopus"])],
)
def test_containers_of_live_streams_support_what_can_be_announced(sounds: Path, muxer: str, codecs: list[str]) -> None:
    supported = []
    for codec in ("aac", "ac3", "flac", "libopus", "pcm_s16le"):
        with av.open(str(sounds / f"{codec}.mkv")) as source:
            if container_support.supports(muxer, source.streams.audio[0]):
                supported.append(codec)
    assert supported == codecs
