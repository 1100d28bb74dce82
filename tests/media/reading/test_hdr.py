"""HDR metadata: the static part is read exactly, the dynamic part is named, or refused."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.media.reading import hdr
from pipeline.media.reading.hdr import Hdr, list_dynamic_hdr, read_hdr
from pipeline.media.reading.probe import probe
from pipeline.media.reading.side_data import read_side_data
from tests import hdr_clips

integers = st.integers(1, 2**31 - 1)


def _frame(**side_data: Any) -> Any:
    """A stand-in for a decoded frame, with side data by FFmpeg's names."""
    return SimpleNamespace(side_data=side_data)


@pytest.fixture(autouse=True, scope="module")
def _stand_ins_are_read() -> Iterator[None]:
    """Make the module under test read the side data of `_frame` stand-ins too."""

    def read_any(frame: Any, name: str) -> Any:
        return frame.side_data.get(name) if isinstance(frame, SimpleNamespace) else read_side_data(frame, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdr, "read_side_data", read_any)
        yield


def _mastering(*numbers: int) -> bytes:
    return np.array(numbers, np.int32).tobytes()


@pytest.mark.parametrize("name", ["graded.mkv", "graded.mp4", "graded.ts", "graded.hevc"])
def test_static_metadata_is_read_from_any_container(tmp_path: Path, name: str) -> None:
    video = probe(hdr_clips.graded(tmp_path / name)).video
    assert video.hdr == hdr_clips.GRADED
    assert video.dynamic_hdr == ()


def test_sdr_clip_has_no_hdr_metadata(clip: Path) -> None:
    video = probe(clip).video
    assert (video.hdr, video.dynamic_hdr) == (None, ())


def test_stream_without_frames_has_no_hdr_metadata() -> None:
    assert read_hdr(None) is None


def test_light_levels_are_read_without_a_mastering_display() -> None:
    frame = _frame(CONTENT_LIGHT_LEVEL=np.array([1200, 300], np.uint32).tobytes())
    assert read_hdr(frame) == Hdr(light=(1200, 300))


def test_zeros_mean_unknown_values() -> None:
    zeros = _frame(CONTENT_LIGHT_LEVEL=bytes(8), MASTERING_DISPLAY_METADATA=_mastering(*[0, 1] * 10, 1, 1))
    assert read_hdr(zeros) is None


def test_mastering_display_may_have_luminance_only() -> None:
    numbers = [34000, 50000, 16000, 50000] + [1, 50000] * 6 + [0, 10000, 4000, 1]
    assert read_hdr(_frame(MASTERING_DISPLAY_METADATA=_mastering(*numbers, 0, 1))) == Hdr(
        luminance=(Fraction(0), Fraction(4000))
    )


@given(st.lists(st.tuples(integers, integers), min_size=10, max_size=10))
def test_every_number_of_the_mastering_display_is_in_its_place(pairs: list[tuple[int, int]]) -> None:
    hdr = read_hdr(_frame(MASTERING_DISPLAY_METADATA=_mastering(*sum(pairs, ()), 1, 1)))
    assert hdr is not None
    assert hdr.primaries is not None
    assert hdr.luminance is not None
    assert [*sum(hdr.primaries, ()), *hdr.luminance] == [Fraction(*pair) for pair in pairs]


def test_text_has_all_values_in_one_line() -> None:
    assert str(hdr_clips.GRADED) == (
        "primaries 0.68 0.32, 0.265 0.69, 0.15 0.06, white 0.3127 0.329, 0.005 to 1000 cd/m2, MaxCLL 993, MaxFALL 401"
    )
    assert str(Hdr(light=(1, 2))) == "MaxCLL 1, MaxFALL 2"


@pytest.mark.parametrize("name", ["plus.mkv", "plus.ts"])
def test_hdr10_plus_is_listed_as_dynamic(tmp_path: Path, name: str) -> None:
    video = probe(hdr_clips.hdr10_plus(tmp_path / name)).video
    assert video.dynamic_hdr == ("HDR10+",)
    assert video.hdr == hdr_clips.GRADED


def test_dolby_vision_is_listed_with_its_profile(tmp_path: Path) -> None:
    clip = hdr_clips.dolby_vision(
        hdr_clips.graded(tmp_path / "graded.mp4"), tmp_path / "dolby.mp4", profile=8, compatible=1
    )
    assert probe(clip).video.dynamic_hdr == ("Dolby Vision (profile 8)",)


def test_dolby_vision_and_hdr10_plus_are_both_listed(tmp_path: Path) -> None:
    plus = hdr_clips.hdr10_plus(tmp_path / "plus.mp4")
    clip = hdr_clips.dolby_vision(plus, tmp_path / "both.mp4", profile=8, compatible=1)
    assert probe(clip).video.dynamic_hdr == ("Dolby Vision (profile 8)", "HDR10+")


@pytest.mark.parametrize(("profile", "compatible"), [(5, 0), (10, 0)])
def test_dolby_vision_without_a_base_layer_is_refused(tmp_path: Path, profile: int, compatible: int) -> None:
    clip = hdr_clips.dolby_vision(
        hdr_clips.graded(tmp_path / "graded.mp4"), tmp_path / "dolby.mp4", profile, compatible
    )
    with pytest.raises(InputError, match=rf"dolby\.mp4: is Dolby Vision profile {profile} without .* libplacebo"):
        probe(clip)


@pytest.mark.parametrize(("level", "full_range", "profile"), [(1, 0, 8), (1, 1, 8), (0, 0, 0)])
def test_profile_is_guessed_without_a_configuration_record(
    clip: Path, level: int, full_range: int, profile: int
) -> None:
    assert _names(clip, level, full_range) == (f"Dolby Vision (profile {profile})",)


def test_guessed_profile_without_a_base_layer_is_refused(clip: Path) -> None:
    with pytest.raises(InputError, match="profile 5"):
        _names(clip, level=0, full_range=1)


def _names(clip: Path, level: int, full_range: int) -> tuple[str, ...]:
    header = bytes([2, 0, 18, 0, level, 0, 0, 0, 23, 1, full_range])
    metadata = np.uintp(24).tobytes() + bytes(16) + header
    with av.open(str(clip)) as container:
        return list_dynamic_hdr(clip, container.streams.video[0], _frame(DOVI_METADATA=metadata))
