"""Transparency is kept where FFmpeg's default decoders ignore it, and not assumed from the pixel format alone."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pipeline.frame import Frame
from pipeline.media.decoding.decoder import decode_frames
from pipeline.media.reading import alpha
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe
from tests import alpha_clips, clips

ALPHA_MODE = b"\x53\xc0\x81"  # the header of Matroska's element with one byte of content
VP8 = {"auto-alt-ref": "0", "crf": "4", "b": "2M"}
CLIPS = [
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
        return list(decode_frames(source, probe(path).video.format))


@pytest.mark.parametrize(("name", "codec", "pixel", "options", "expected"), CLIPS, ids=lambda value: str(value)[:12])
def test_decoded_frames_have_alpha(
    tmp_path: Path, name: str, codec: str, pixel: str, options: dict[str, str], expected: str
) -> None:
    if name == "a.png":
        path = write_png(tmp_path / name, pixel)
    else:
        path = alpha_clips.make(tmp_path / name, codec, pixel, options=options)
    video = probe(path).video
    assert (video.alpha, video.format.pixel.name) == (True, expected)
    if name == "a.png":
        return
    maximum = (1 << video.format.pixel.depth) - 1
    frames = frames_of(path)
    assert len(frames) == alpha_clips.FRAMES
    for frame, rgba in zip(frames, alpha_clips.frames(), strict=True):
        found = frame.planes[-1].astype(float) / maximum * 255
        assert np.abs(found - rgba[..., 3]).max() <= (6 if codec == "libvpx" else 1.01)


def write_png(path: Path, pixel: str) -> Path:
    frame = av.VideoFrame.from_ndarray(next(alpha_clips.frames()), format="rgba").reformat(format=pixel, threads=1)
    context: Any = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 48, pixel, 1 / alpha_clips.RATE
    frame.pts = 0
    path.write_bytes(b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None))))
    return path


def test_undeclared_alpha_in_block_additions_is_ignored(tmp_path: Path) -> None:
    path = alpha_clips.make(tmp_path / "a.webm", "libvpx-vp9", "yuva420p")
    content = path.read_bytes()
    assert ALPHA_MODE + b"\x01" in content
    path.write_bytes(content.replace(ALPHA_MODE + b"\x01", ALPHA_MODE + b"\x00"))
    assert not probe(path).video.alpha
    assert probe(path).video.format.pixel.name == "yuv420p"


def test_declared_alpha_without_block_additions_is_ignored(tmp_path: Path) -> None:
    path = alpha_clips.make(tmp_path / "a.webm", "libvpx-vp9", "yuv420p", tags={"alpha_mode": "1"})
    assert not probe(path).video.alpha
    assert len(frames_of(path)) == alpha_clips.FRAMES


def test_opaque_clip_keeps_its_own_decoder(clip: Path) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert alpha.choose_alpha_decoder(stream) is stream.codec_context


def test_default_decoder_is_used_without_libvpx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alpha, "ALPHA_DECODERS", {"vp9": "no-such-decoder"})
    path = alpha_clips.make(tmp_path / "a.webm", "libvpx-vp9", "yuva420p")
    assert not probe(path).video.alpha
    assert len(frames_of(path)) == alpha_clips.FRAMES


class TestGif:
    def test_opaque_gif_has_no_alpha(self, tmp_path: Path) -> None:
        path = clips.make(tmp_path / "a.gif", 3, pixel="gray", codec="gif", audio=False, time_base=alpha_clips.RATE**-1)
        assert probe(path).video.source_format == "bgra"
        assert not probe(path).video.alpha
        assert probe(path).video.format.pixel.name == "gbrp"

    def test_gif_with_transparent_samples_has_alpha(self, tmp_path: Path) -> None:
        path = tmp_path / "a.gif"
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream("gif", rate=25)
            stream.width, stream.height, stream.pix_fmt = 16, 16, "pal8"
            container.mux(stream.encode(half_transparent_frame()))
            container.mux(stream.encode(None))
        assert probe(path).video.alpha


def half_transparent_frame() -> av.VideoFrame:
    """A frame with a palette: one half has an opaque colour, the other a transparent one."""
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


def test_palette_with_a_transparent_colour_has_alpha(tmp_path: Path) -> None:
    context: Any = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 16, 16, "pal8", 1 / alpha_clips.RATE
    path = tmp_path / "a.png"
    path.write_bytes(
        b"".join(bytes(packet) for packet in (*context.encode(half_transparent_frame()), *context.encode(None)))
    )
    video = probe(path).video
    assert (video.source_format, video.format.pixel.name, video.alpha) == ("pal8", "gbrap", True)
