"""What pages get of a pair, and how often it is made."""

from __future__ import annotations

import asyncio
import json
import struct
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.live.preview import FramePair, Tap
from pipeline.live.web import jpeg
from pipeline.live.web.jpeg import JpegPairs, encode_pair
from tests.live.web.stand_in import AFTER, BEFORE, BLUE, RED, plain


def read(body: bytes) -> tuple[dict[str, Any], list[Any]]:
    """The head of a body, and its two pictures, (H, W, 3), blue first."""
    start = 4 + struct.unpack(">I", body[:4])[0]
    head = json.loads(body[4:start])
    middle = start + head["before"]["bytes"]
    jpegs = (body[start:middle], body[middle:])
    return head, [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in jpegs]


def test_a_body_holds_both_pictures_with_their_sizes() -> None:
    head, (before, after) = read(encode_pair(FramePair(7, plain(BEFORE, RED, 1), plain(AFTER, BLUE, 1))))
    assert head["number"] == 7
    assert head["shape"] == 16 / 9
    assert (head["after"]["width"], head["after"]["height"]) == (320, 180)
    assert before.shape == (90, 160, 3)
    assert after.shape == (180, 320, 3)
    assert np.abs(before.astype(int) - (0, 0, 255)).max() <= 3
    assert np.abs(after.astype(int) - (255, 0, 0)).max() <= 3


def test_a_large_picture_is_shrunk_and_told_with_its_own_size() -> None:
    large = plain(BEFORE.enlarged(16), RED, 1)
    head, (before, _) = read(encode_pair(FramePair(1, large, plain(AFTER, BLUE, 1))))
    assert head["before"]["width"] == 2560
    assert before.shape == (1080, 1920, 3)


def test_samples_that_are_not_square_are_shown_in_their_shape() -> None:
    head, (before, after) = read(
        encode_pair(FramePair(1, plain(BEFORE, RED, 1), plain(AFTER, BLUE, 1), Fraction(3, 4)))
    )
    assert head["shape"] == 4 / 3
    assert (before.shape, after.shape) == ((90, 120, 3), (180, 240, 3))
    assert head["after"]["width"] == 320


def test_many_who_wait_get_the_one_that_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(jpeg, "encode_pair", lambda pair: made.append(pair.number) or b"body")
    tap = Tap()

    async def look() -> list[bytes | None]:
        shared = JpegPairs(tap)
        lookers = [asyncio.create_task(shared.next(0)) for _ in range(5)]
        while not tap.wanted:
            await asyncio.sleep(0.001)
        tap.add_before(plain(BEFORE, RED, 1))
        tap.add_after(plain(AFTER, BLUE, 1))
        return await asyncio.gather(*lookers)

    assert asyncio.run(look()) == [b"body"] * 5
    assert made == [1]


def test_a_wait_without_a_picture_ends() -> None:
    assert asyncio.run(JpegPairs(Tap()).next(0)) is None
