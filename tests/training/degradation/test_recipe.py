"""The choice of degradations."""

from collections import Counter

import numpy as np

from training.degradation.recipe import Degradation, random_degradation

DRAWN = [random_degradation(np.random.default_rng([5, number])) for number in range(1500)]


def test_equal_generators_choose_equally() -> None:
    assert random_degradation(np.random.default_rng(3)) == random_degradation(np.random.default_rng(3))
    assert len(set(DRAWN)) == len(DRAWN)


def test_target_is_amid_the_clip() -> None:
    assert all(2 <= drawn.motion.target <= drawn.motion.frames - 2 for drawn in DRAWN)
    assert {drawn.motion.frames for drawn in DRAWN} == {5, 6, 7, 8, 9}


def test_all_codecs_occur_and_x264_most_often() -> None:
    counts = Counter(drawn.encoding.codec for drawn in DRAWN)
    assert set(counts) == {"libx264", "libx265", "libsvtav1", "mpeg2video", None}
    assert counts["libx264"] > 0.55 * len(DRAWN)
    assert min(counts.values()) > 0.02 * len(DRAWN)


def test_two_of_three_x264_clips_have_a_crf_of_16_to_26() -> None:
    qualities = [drawn.encoding.quality for drawn in DRAWN if drawn.encoding.codec == "libx264"]
    assert min(qualities) == 16
    assert max(qualities) == 34
    assert np.mean([quality <= 26 for quality in qualities]) > 0.6


def test_most_clips_are_reduced_and_encoded_without_other_losses() -> None:
    def is_plain(drawn: Degradation) -> bool:
        return not (drawn.blur or drawn.noise or drawn.sharpening)

    assert 0.55 < np.mean([is_plain(drawn) for drawn in DRAWN]) < 0.75
    assert Counter(drawn.resampler for drawn in DRAWN).most_common(1)[0][0] == "BICUBIC"
