"""Webcams are found by number and name; OpenCV's frames are passed on unchanged."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError, SettingsError
from pipeline.live.input.webcam import OpenCvCamera, find_webcam, raw_video_header
from tests import clips

LINUX = "linux"


@pytest.fixture
def names_dir(tmp_path: Path) -> Path:
    """Linux' list of three cameras, the first of which has a second file without video."""
    for number, name in {0: "HD Pro: HD Pro", 1: "HD Pro: HD Pro", 2: "Capture Card", 10: "Old Cam"}.items():
        (tmp_path / f"video{number}").mkdir()
        (tmp_path / f"video{number}" / "name").write_text(f"{name}\n")
    return tmp_path


def test_a_number_is_that_of_the_device_file(names_dir: Path) -> None:
    camera = find_webcam("2", LINUX, names_dir)
    assert (camera.format, camera.file, camera.camera) == ("v4l2", "/dev/video2", "/dev/video2")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("HD Pro: HD Pro", "/dev/video0"),
        ("hd pro", "/dev/video0"),
        ("card", "/dev/video2"),
        ("Old Cam", "/dev/video10"),
        ("/dev/v4l/by-id/usb-1", "/dev/v4l/by-id/usb-1"),
    ],
)
def test_a_name_or_part_of_it_is_found(name: str, file: str, names_dir: Path) -> None:
    assert find_webcam(name, LINUX, names_dir).file == file


def test_an_unplugged_camera_is_a_file_that_does_not_exist(names_dir: Path) -> None:
    assert not Path(find_webcam("Nobody", LINUX, names_dir).file).exists()


def test_each_platform_has_its_own_device_names() -> None:
    assert find_webcam("0", "darwin").file == "0:none"
    assert find_webcam("FaceTime", "darwin").camera is None
    assert find_webcam("Integrated Camera", "win32").file == "video=Integrated Camera"


@pytest.mark.parametrize(("name", "platform"), [("", LINUX), ("0", "plan9")])
def test_an_empty_name_and_an_unsupported_platform_are_refused(name: str, platform: str) -> None:
    with pytest.raises(SettingsError, match="webcam:"):
        find_webcam(name, platform)


@pytest.mark.parametrize("pix_fmt", "yuyv422 uyvy422 nv12 yuv420p rgb24 bgr24 bgr0 gray".split())
def test_raw_video_keeps_its_pixel_format(pix_fmt: str) -> None:
    with raw_video_header(64, 48, pix_fmt, Fraction(30)).open() as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.pix_fmt) == (64, 48, pix_fmt)
        assert video.time_base == Fraction(1, 90_000)


def test_frames_of_opencv_are_bgr_with_the_time_of_arrival(tmp_path: Path) -> None:
    """With a file instead of a camera, as OpenCV reads both in the same way."""
    with OpenCvCamera(str(clips.make(tmp_path / "clip.mp4", audio=False))) as camera:
        packets = list(camera)
        with camera.streams.open() as container:
            video = container.streams.video[0]
            frames = [video.decode(packet.to_av(video.time_base or Fraction(1)))[0] for packet in packets]
            assert (video.width, video.height, video.pix_fmt) == (64, 48, "bgr24")
    assert len(frames) == 12
    times = [packet.pts for packet in packets if packet.pts is not None]
    assert times == sorted(times)
    assert int(np.ptp(frames[3].to_ndarray())) < 20  # uniform, as the frames of the clip are
    assert camera.notes


def test_a_camera_that_opencv_can_not_open_either_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="OpenCV"):
        OpenCvCamera(str(tmp_path / "nothing"))
