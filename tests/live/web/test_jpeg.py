"""The encoding of pairs for pages, which is done once for all clients."""

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
    """The header of a body, and its two images: (H, W, 3), BGR."""
    start = 4 + struct.unpack(">I", body[:4])[0]
    header = json.loads(body[4:start])
    middle = start + header["before"]["bytes"]
    jpegs = (body[start:middle], body[middle:])
    return header, [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in jpegs]


def test_a_body_contains_both_frames_with_their_sizes() -> None:
    header, (before, after) = read(encode_pair(FramePair(7, plain(BEFORE, RED, 1), plain(AFTER, BLUE, 1))))
    assert header["number"] == 7
    assert header["shape"] == 16 / 9
    assert (header["after"]["width"], header["after"]["height"]) == (320, 180)
    assert before.shape == (90, 160, 3)
    assert after.shape == (180, 320, 3)
    assert np.abs(before.astype(int) - (0, 0, 255)).max() <= 3
    assert np.abs(after.astype(int) - (255, 0, 0)).max() <= 3


def test_a_large_frame_is_reduced_and_its_own_size_reported() -> None:
    large = plain(BEFORE.enlarged(16), RED, 1)
    header, (before, _) = read(encode_pair(FramePair(1, large, plain(AFTER, BLUE, 1))))
    assert header["before"]["width"] == 2560
    assert before.shape == (1080, 1920, 3)


def test_the_sample_aspect_ratio_is_applied() -> None:
    header, (before, after) = read(
        encode_pair(FramePair(1, plain(BEFORE, RED, 1), plain(AFTER, BLUE, 1), Fraction(3, 4)))
    )
    assert header["shape"] == 4 / 3
    assert (before.shape, after.shape) == ((90, 120, 3), (180, 240, 3))
    assert header["after"]["width"] == 320


def test_both_frames_have_the_same_shape_where_upscaling_changes_that_of_pixels() -> None:
    wide = BEFORE.resized(360, 180)
    pair = FramePair(1, plain(BEFORE, RED, 1), plain(wide, BLUE, 1), Fraction(8, 9))
    header, (before, after) = read(encode_pair(pair))
    assert header["shape"] == 16 / 9
    assert (before.shape, after.shape) == ((90, 160, 3), (180, 320, 3))


def test_several_requests_get_the_same_encoded_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []

    def encode(pair: FramePair) -> bytes:
        encoded.append(pair.number)
        return b"body"

    monkeypatch.setattr(jpeg, "encode_pair", encode)
    tap = Tap()

    async def request_pairs() -> list[bytes | None]:
        shared = JpegPairs(tap)
        requests = [asyncio.create_task(shared.next(0)) for _ in range(5)]
        while not tap.wanted:
            await asyncio.sleep(0.001)
        tap.add_before(plain(BEFORE, RED, 1))
        tap.add_after(plain(AFTER, BLUE, 1))
        return await asyncio.gather(*requests)

    assert asyncio.run(request_pairs()) == [b"body"] * 5
    assert encoded == [1]


def test_a_request_without_frames_ends() -> None:
    assert asyncio.run(JpegPairs(Tap()).next(0)) is None
