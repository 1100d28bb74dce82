"""Transparency is found, also where FFmpeg's usual decoders pass it over; and not where a format only could hold it."""

from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.frame import Frame
from pipeline.media.decoding.decoder import Decoder
from pipeline.media.reading.alpha import choose_alpha_decoder
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe
from tests import alpha_clips, clips

_ALPHA_MODE = b"\x53\xc0\x81"  # an element of Matroska, and that one byte follows
VP8 = {"auto-alt-ref": "0", "crf": "4", "b": "2M"}
FILMS = [
    ("a.webm", "libvpx-vp9", "yuva420p", {"lossless": "1"}, "yuva420p"),
    ("a.mkv", "libvpx-vp9", "yuva420p", {"lossless": "1"}, "yuva420p"),
    ("a.webm", "libvpx", "yuva420p", VP8, "yuva420p"),
    ("a.mov", "prores_ks", "yuva444p10le", {}, "yuva444p12le"),
    ("a.mov", "qtrle", "argb", {}, "gbrap"),
    ("a.mov", "png", "rgba", {}, "gbrap"),
    ("a.mov", "png", "rgba64be", {}, "gbrap16le"),
    ("a.mkv", "ffv1", "yuva422p", {}, "yuva422p"),
    ("a.mkv", "ffv1", "bgra", {}, "gbrap"),
    ("a.mkv", "ffv1", "ya8", {}, "ya8"),
    ("a.nut", "utvideo", "gbrap", {}, "gbrap"),
    ("a.apng", "apng", "rgba", {}, "gbrap"),
    ("a.png", "png", "rgba", {}, "gbrap"),
    ("a.png", "png", "ya16be", {}, "ya16le"),
]


def frames_of(path: Path) -> list[Frame]:
    with FileSource(path) as source:
        stage = Decoder(source, probe(path).video.format)
        return [frame for packet in source for frame in stage.feed(packet)] + list(stage.finish())


@pytest.mark.parametrize(("name", "codec", "pixel", "options", "worked_on"), FILMS, ids=lambda value: str(value)[:12])
def test_alpha_comes_with_the_frames(
    tmp_path: Path, name: str, codec: str, pixel: str, options: dict[str, str], worked_on: str
) -> None:
    if name == "a.png":
        path = _picture(tmp_path / name, pixel)
    else:
        path = alpha_clips.make(tmp_path / name, codec, pixel, options=options)
    video = probe(path).video
    assert (video.alpha, video.format.pixel.name) == (True, worked_on)
    if name == "a.png":
        return
    most = (1 << video.format.pixel.depth) - 1
    frames = frames_of(path)
    assert len(frames) == alpha_clips.FRAMES
    for frame, picture in zip(frames, alpha_clips.frames(), strict=True):
        found = frame.planes[-1].astype(float) / most * 255
        assert np.abs(found - picture[..., 3]).max() <= (6 if codec == "libvpx" else 1.01)


def _picture(path: Path, pixel: str) -> Path:
    frame = av.VideoFrame.from_ndarray(next(alpha_clips.frames()), format="rgba").reformat(format=pixel, threads=1)
    context = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 48, pixel, 1 / alpha_clips.RATE
    frame.pts = 0
    path.write_bytes(b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None))))
    return path


def test_alpha_beside_pictures_that_are_not_said_to_have_any_is_none(tmp_path: Path) -> None:
    path = alpha_clips.make(tmp_path / "a.webm", "libvpx-vp9", "yuva420p")
    content = path.read_bytes()
    assert _ALPHA_MODE + b"\x01" in content
    path.write_bytes(content.replace(_ALPHA_MODE + b"\x01", _ALPHA_MODE + b"\x00"))
    assert not probe(path).video.alpha
    assert probe(path).video.format.pixel.name == "yuv420p"


def test_a_mark_without_alpha_is_none_either(tmp_path: Path) -> None:
    path = alpha_clips.make(tmp_path / "a.webm", "libvpx-vp9", "yuv420p", tags={"alpha_mode": "1"})
    assert not probe(path).video.alpha
    assert len(frames_of(path)) == alpha_clips.FRAMES


def test_a_usual_clip_keeps_its_own_decoder(clip: Path) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert choose_alpha_decoder(stream) is stream.codec_context


def test_without_libvpx_the_usual_decoder_does_its_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.media.reading.alpha.ALPHA_DECODERS", {"vp9": "libvpx-of-nobody"})
    path = alpha_clips.make(tmp_path / "a.webm", "libvpx-vp9", "yuva420p")
    assert not probe(path).video.alpha
    assert len(frames_of(path)) == alpha_clips.FRAMES


class TestGif:
    def test_one_that_is_opaque_has_none(self, tmp_path: Path) -> None:
        path = clips.make(tmp_path / "a.gif", 3, pixel="gray", codec="gif", sound=False, time_base=alpha_clips.RATE**-1)
        assert probe(path).video.source_format == "bgra"
        assert not probe(path).video.alpha
        assert probe(path).video.format.pixel.name == "gbrp"

    def test_one_with_holes_has_it(self, tmp_path: Path) -> None:
        path = tmp_path / "a.gif"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("gif", rate=25)
            stream.width, stream.height, stream.pix_fmt = 16, 16, "pal8"
            container.mux(stream.encode(_of_a_palette()))
            container.mux(stream.encode(None))
        assert probe(path).video.alpha


def _of_a_palette() -> av.VideoFrame:
    """Half of one colour, half of one that is transparent."""
    frame = av.VideoFrame(16, 16, "pal8")
    indices = np.frombuffer(frame.planes[0], np.uint8).reshape(16, -1)  # type: ignore[call-overload]
    frame.planes[0].update(
        np.where(np.arange(indices.shape[1]) < 8, 1, 0).astype(np.uint8)[None].repeat(16, 0).tobytes()
    )
    palette = np.zeros((256, 4), np.uint8)
    palette[1:] = (10, 200, 90, 255)
    frame.planes[1].update(palette.tobytes())
    frame.pts = 0
    return frame


def test_a_palette_with_a_transparent_colour_has_alpha(tmp_path: Path) -> None:
    context = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 16, 16, "pal8", 1 / alpha_clips.RATE
    path = tmp_path / "a.png"
    path.write_bytes(b"".join(bytes(packet) for packet in (*context.encode(_of_a_palette()), *context.encode(None))))
    video = probe(path).video
    assert (video.source_format, video.format.pixel.name, video.alpha) == ("pal8", "gbrap", True)
