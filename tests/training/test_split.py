"""The split of pictures into training and held-out ones."""

from training.split import HELD_OUT_OF, is_held_out, title


def test_versions_of_one_picture_have_one_title() -> None:
    assert title("13f30572_ocean-waves.jpg") == title("caed78b9_ocean-waves.jpg") == title("ocean-waves.png")


def test_versions_of_one_picture_are_on_the_same_side() -> None:
    assert is_held_out("13f30572_ocean-waves.jpg")
    assert is_held_out("ocean-waves.png")


def test_one_picture_in_eight_is_held_out() -> None:
    held = sum(is_held_out(f"picture-{number}.jpg") for number in range(4000))
    assert abs(held - 4000 / HELD_OUT_OF) < 80
