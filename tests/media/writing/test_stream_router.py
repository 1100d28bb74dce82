"""Each stream is copied, converted or dropped, as far as the container supports it."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.media.writing.audio import ReencodeRoute
from pipeline.media.writing.stream_copy import AudioCopyRoute, CopyRoute, RewriteRoute, Route, VideoCopyRoute
from pipeline.media.writing.stream_router import StreamRouter
from tests import images, remux


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with two videos, audio, subtitles and an attachment."""
    folder = tmp_path_factory.mktemp("source")
    return remux.write_source(
        folder / "source.mkv",
        remux.copied(remux.write_source(folder / "second.mkv")),
        remux.audio_track(remux.make_clicks(), "libopus"),
        remux.cues("subrip", (0, 400, b"text")),
        remux.attached("font.ttf", "font/ttf", b"glyphs"),
    )


def route(source: Path, target: Path, named: Path | None = None) -> StreamRouter:
    """The router of `source` into `target`; `named`: the path of the source by which it reads cover art."""
    with av.open(str(source)) as original, av.open(str(target), "w") as container:
        video = container.add_stream("libvpx" if target.suffix == ".webm" else "libx264", rate=25)
        assert isinstance(video, av.VideoStream)
        router = StreamRouter(container, named or source, video, Fraction(0))
        for stream in list(original.streams)[1:]:
            router.add(stream)
        return router


@pytest.mark.parametrize(
    ("name", "routes"),
    [
        ("a.mkv", {1: VideoCopyRoute, 2: AudioCopyRoute, 3: CopyRoute}),
        ("a.mp4", {1: VideoCopyRoute, 2: AudioCopyRoute, 3: RewriteRoute}),
        ("a.mov", {1: VideoCopyRoute, 2: ReencodeRoute, 3: RewriteRoute}),
        ("a.webm", {2: AudioCopyRoute}),
    ],
)
def test_routes_depend_on_what_the_container_supports(
    source: Path, tmp_path: Path, name: str, routes: dict[int, type[Route]]
) -> None:
    assert {index: type(each) for index, each in route(source, tmp_path / name).routes.items()} == routes


def test_dropped_streams_are_named_with_a_container_that_supports_them(source: Path, tmp_path: Path) -> None:
    assert route(source, tmp_path / "a.mkv").dropped == []
    assert route(source, tmp_path / "a.webm").dropped == [
        "video stream 1 dropped: webm does not support h264; .mkv does",
        "subtitle stream 3 dropped: webm does not support subrip; .mkv does",
        "attachment stream 4 dropped: webm does not support attachments; .mkv does",
    ]


def test_cover_art_that_can_not_be_read_is_a_remark_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = images.write(tmp_path / "cover.png", images.samples(1)).read_bytes()
    source = remux.write_source(tmp_path / "in.mkv", remux.attached("cover.png", "image/png", image))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_bytes(source.read_bytes())  # a file of that name is not the pipe
    piped = route(source, tmp_path / "a.mkv", Path("-"))
    assert piped.remarks == ["video stream 1 dropped: its cover art can't be read (-: a pipe can be read only once)"]
    missing = route(source, tmp_path / "b.mkv", tmp_path / "missing.mkv")
    reason = f"{tmp_path / 'missing.mkv'}: no such file"
    assert missing.remarks == [f"video stream 1 dropped: its cover art can't be read ({reason})"]


def test_converted_streams_and_lost_packets_are_remarks(source: Path, tmp_path: Path) -> None:
    router = route(source, tmp_path / "a.mp4")
    router.routes[2].damaged = router.routes[3].rejected = 2
    assert router.remarks[0] == "subtitle stream 3 converted from subrip to mov_text: mp4 does not support subrip"
    assert router.remarks[1:] == [
        "audio stream 2: packets dropped because they overlap others: 2",
        "subtitle stream 3: packets dropped because the mp4 muxer rejects them: 2",
    ]


def test_a_stream_without_a_decoder_is_copied_or_named_with_a_container_that_supports_it(tmp_path: Path) -> None:
    source = remux.write_source(tmp_path / "in.ts", remux.cues("dvb_teletext", (0, 0, b"\x10" + bytes(91))))
    copied = route(source, tmp_path / "a.ts")
    assert (copied.dropped, [type(each) for each in copied.routes.values()]) == ([], [CopyRoute])
    assert route(source, tmp_path / "a.mkv").dropped == [
        "subtitle stream 1 dropped: matroska does not support dvb_teletext; .ts does"
    ]


def test_a_second_video_of_an_unknown_codec_is_dropped_with_a_message(tmp_path: Path) -> None:
    second = remux.write_source(tmp_path / "second.webm")
    source = remux.write_source(tmp_path / "in.mkv", remux.copied(second))
    source.write_bytes(source.read_bytes().replace(b"V_VP8", b"V_VX8"))
    for name, muxer in (("a.mkv", "matroska"), ("a.mp4", "mp4"), ("a.ts", "mpegts")):
        message = f"video stream 1 dropped: {muxer} does not support an unknown codec"
        assert route(source, tmp_path / name).dropped == [message]
