"""Fonts, and text that has the look of a language."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from training.drawings.canvas import FACTOR, Canvas, Colour

_LARGEST_FONT = 8 * 2**20
_ONSETS = "b br c ch cl d dr f fl g gr h j k l m n p ph pl pr qu r s sch sh sl st str t th tr v w z".split()
_VOWELS = "a a a e e e e i i o o u y ai au ea ee ie oo ou ä ö ü é".split()
_CODAS = ["", "", "", *"b ch ck ct d ft g k l ll lt m mp n nd ng nt p r rd rk rm rn rt s ss st t tz x".split()]
_SCRIPTS = (
    "αβγδεζηθικλμνξοπρστυφχψωΩΣΔ",
    "абвгдежзийклмнопрстуфхцчшщыюяЖЩФ",
    "日本東京大学水火木金土人山川田中国電車駅時間語文字",
)


def find_fonts(folder: Path) -> list[Path]:
    """TrueType and OpenType fonts below a folder, sorted; none if it does not exist. Large ones load too slowly."""
    fonts = (path for path in folder.rglob("*") if path.suffix.lower() in {".ttf", ".otf", ".ttc"})
    return sorted(path for path in fonts if path.stat().st_size <= _LARGEST_FONT)


class Lettering:
    """Writes text in random fonts.

    Attributes:
        face: The font in use.
        weight: Its weight, 100 to 1000, where the font has several, else 0.
    """

    def __init__(self, generator: Generator, fonts: list[Path]) -> None:
        """Args: generator: Source of all choices. fonts: Font files; OpenCV's own fonts are always known."""
        self._generator = generator
        self._fonts = fonts
        self.face = cv2.FontFace("sans")
        self.weight = 0
        self.change_font()

    def change_font(self) -> None:
        """Choose another font.

        Raises:
            ValueError: If OpenCV can't read the chosen file.
        """
        own = ("sans", "italic", "uni")
        index = int(self._generator.integers(len(self._fonts) + len(own)))
        if index < len(own):
            self.face, self.weight = cv2.FontFace(own[index]), int(self._generator.choice([100, 400, 700, 1000]))
            return
        self.face, self.weight = cv2.FontFace(), 0
        if not self.face.set(str(self._fonts[index - len(own)])):
            raise ValueError(f"{self._fonts[index - len(own)]} is not a font that OpenCV can read; remove it")

    def words(self, count: int) -> str:
        """Text of invented words, numbers and now and then letters of another script."""
        return " ".join(self._word() for _ in range(count))

    def _word(self) -> str:
        generator = self._generator
        kind = generator.uniform()
        if kind < 0.12:
            number = generator.integers(10 ** generator.integers(1, 6))
            return f"{number}{generator.choice(['', '%', ' km', '€', ':30', '.5'])}"
        if kind < 0.16:
            return "".join(generator.choice(list(generator.choice(_SCRIPTS)), generator.integers(2, 7)))
        parts = [
            str(generator.choice(_ONSETS)) + str(generator.choice(_VOWELS)) + str(generator.choice(_CODAS))
            for _ in range(generator.integers(1, 4))
        ]
        word = "".join(parts)
        if kind < 0.24:
            word = word.upper()
        elif kind < 0.45:
            word = word.capitalize()
        return word + str(generator.choice(["", "", "", "", "", ",", ".", "!", "?", ";", ":", "-"]))

    def fitting(self, width: float, size: float) -> str:
        """Text of invented words that takes at most `width` pixels where `size` pixels high; one word at least."""
        text = self._word()
        while len(text) < width:
            longer = f"{text} {self._word()}"
            box = cv2.getTextSize((1, 1), longer, (0, 0), self.face, round(size * FACTOR), self.weight)
            if box[2] > width * FACTOR:
                break
            text = longer
        return text

    def write(self, canvas: Canvas, text: str, place: tuple[float, float], size: float, colour: Colour) -> float:
        """Write text with the baseline at `place`, `size` pixels high; returns the x at which it ends."""
        x, y = (round(value * FACTOR) for value in place)
        end, _ = cv2.putText(canvas.samples, text, (x, y), colour, self.face, round(size * FACTOR), self.weight)
        return float(np.asarray(end)[0]) / FACTOR
