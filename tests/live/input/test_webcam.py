"""Webcams are found by number and by name; a picture that OpenCV reads is handed on as it is."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError, SettingsError
from pipeline.live.input.webcam import OpenCvCamera, find_webcam, raw_video_header
from tests import clips

LINUX = "linux"


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """What Linux tells of two cameras, the first of which has a second file, for what isn't pictures."""
    for number, name in {0: "HD Pro: HD Pro", 1: "HD Pro: HD Pro", 2: "Capture Card", 10: "Old Cam"}.items():
        (tmp_path / f"video{number}").mkdir()
        (tmp_path / f"video{number}" / "name").write_text(f"{name}\n")
    return tmp_path


def test_a_number_is_that_of_the_device(listed: Path) -> None:
    camera = find_webcam("2", LINUX, listed)
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
def test_a_name_is_found_whole_or_in_part(name: str, file: str, listed: Path) -> None:
    assert find_webcam(name, LINUX, listed).file == file


def test_a_camera_that_is_not_plugged_in_is_a_file_that_is_not_there(listed: Path) -> None:
    assert not Path(find_webcam("Nobody", LINUX, listed).file).exists()


def test_other_systems_have_their_own_names() -> None:
    assert find_webcam("0", "darwin").file == "0:none"
    assert find_webcam("FaceTime", "darwin").camera is None
    assert find_webcam("Integrated Camera", "win32").file == "video=Integrated Camera"


@pytest.mark.parametrize(("name", "platform"), [("", LINUX), ("0", "plan9")])
def test_what_can_be_no_camera_is_told(name: str, platform: str) -> None:
    with pytest.raises(SettingsError, match="webcam:"):
        find_webcam(name, platform)


@pytest.mark.parametrize("layout", "yuyv422 uyvy422 nv12 yuv420p rgb24 bgr24 bgr0 gray".split())
def test_pictures_that_are_not_coded_keep_their_layout(layout: str) -> None:
    video = raw_video_header(64, 48, layout, Fraction(30)).open().streams.video[0]
    assert (video.width, video.height, video.pix_fmt) == (64, 48, layout)
    assert video.time_base == Fraction(1, 90_000)


def test_what_opencv_reads_is_bgr_with_the_time_it_came(tmp_path: Path) -> None:
    """A file stands in for a camera: OpenCV reads both alike."""
    with OpenCvCamera(str(clips.make(tmp_path / "clip.mp4", sound=False))) as camera:
        pictures = list(camera)
        video = camera.streams.open().streams.video[0]
        frames = [video.decode(picture.to_av(video.time_base or Fraction(1)))[0] for picture in pictures]
    assert (video.width, video.height, video.pix_fmt) == (64, 48, "bgr24")
    assert len(frames) == 12
    times = [picture.pts for picture in pictures if picture.pts is not None]
    assert times == sorted(times)
    assert np.ptp(frames[3].to_ndarray()) < 20  # flat, as the clip's frames are
    assert camera.notes


def test_a_camera_that_opencv_cannot_read_either_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="OpenCV"):
        OpenCvCamera(str(tmp_path / "nothing"))
