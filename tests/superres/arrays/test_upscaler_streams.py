"""Streams of images through an upscaler: order, images in flight, early ends, errors, threads."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest

from pipeline.errors import BackendError, InputError
from pipeline.frame import Frame
from pipeline.superres.arrays.upscaler import Upscaler
from pipeline.superres.session import Session
from pipeline.superres.sessions import SessionRequest, SharedSessions
from pipeline.system import cuda
from tests.images import random_image
from tests.superres.fake_gpu import FakePasses
from tests.waiting import DEADLINE, all_at_once

OpenOnGpu = Callable[..., Upscaler]


def test_a_stream_yields_each_result_in_order_for_changing_sizes_and_types(upscaler: Upscaler) -> None:
    sizes = [(16, 24, 3), (16, 24), (8, 8, 4), (16, 24, 3)] * 3
    sources = [random_image(size, seed=seed) for seed, size in enumerate(sizes)]
    for large, source in zip(upscaler.stream(iter(sources)), sources, strict=True):
        np.testing.assert_array_equal(large, upscaler(source))


def test_a_stream_takes_two_images_ahead_on_the_cpu_and_none_before_the_first_is_requested(
    upscaler: Upscaler,
) -> None:
    taken: list[int] = []

    def source() -> Iterator[np.ndarray]:
        for number in range(9):
            taken.append(number)
            yield random_image((16, 24, 3), seed=number)

    stream = upscaler.stream(source())
    assert not taken
    for done in range(1, 10):
        next(stream)
        assert done <= len(taken) <= min(done + 2, 9)
    assert list(stream) == []


def test_a_stream_on_a_gpu_has_several_frames_in_flight(
    open_on_gpu: OpenOnGpu, opened: list[Session[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    upscaler = open_on_gpu()
    image = random_image((16, 24, 3))
    upscaler(image)
    (session,) = opened
    collect = session.collect

    def wait(ticket: Any) -> Frame:
        assert go_on.wait(DEADLINE)
        return collect(ticket)

    def source() -> Iterator[np.ndarray]:
        yield from (image,) * 3
        assert session.slots == (3, 0)  # all three are in flight
        go_on.set()
        yield image

    monkeypatch.setattr(session, "collect", wait)
    results = list(upscaler.stream(source()))
    assert len(results) == 4
    assert all((result == ~image).all() for result in results)


def test_an_array_may_be_written_to_when_the_next_image_is_requested(open_on_gpu: OpenOnGpu) -> None:
    def source() -> Iterator[np.ndarray]:
        image = np.empty((16, 24, 3), np.uint8)
        for number in range(20):
            image.fill(number)
            yield image

    for number, result in enumerate(open_on_gpu().stream(source())):
        assert (result == 255 - number).all()


@pytest.mark.parametrize("ending", ["close", "exception", "collected"])
def test_no_slot_is_taken_after_a_stream_that_ends_early(
    open_on_gpu: OpenOnGpu, opened: list[Session[Any]], ending: str
) -> None:
    upscaler = open_on_gpu()
    stream: Any = upscaler.stream(random_image((16, 24, 3), seed=seed) for seed in range(100))
    next(stream)
    next(stream)
    if ending == "close":
        stream.close()
    elif ending == "exception":
        with pytest.raises(KeyError):
            stream.throw(KeyError("of the consumer"))
    else:
        del stream
    assert opened[0].slots == (3, 3)


def test_an_error_of_the_iterable_is_raised_after_the_results_before_it(
    open_on_gpu: OpenOnGpu, opened: list[Session[Any]]
) -> None:
    def source() -> Iterator[np.ndarray]:
        yield from (np.full((16, 24, 3), number, np.uint8) for number in range(3))
        raise KeyError("unplugged")

    stream = open_on_gpu().stream(source())
    assert [255 - int(next(stream)[0, 0, 0]) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="unplugged"):
        next(stream)
    assert opened[0].slots == (3, 3)


def test_an_image_that_is_not_supported_ends_a_stream_after_the_results_before_it(upscaler: Upscaler) -> None:
    stream = upscaler.stream([random_image((8, 8, 3)), np.zeros((8, 8, 3)), random_image((8, 8, 3))])
    assert next(stream).shape == (16, 16, 3)
    with pytest.raises(InputError, match="the image is of float64"):
        next(stream)
    assert upscaler(random_image((8, 8, 3))).shape == (16, 16, 3)


def test_a_failure_of_the_gpu_ends_the_stream_and_the_next_image_has_a_new_session(
    open_on_gpu: OpenOnGpu, opened: list[Session[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePasses, "fails_at", {2})
    upscaler = open_on_gpu()
    image = random_image((16, 24, 3))
    stream = upscaler.stream([image] * 5)
    assert (next(stream) == ~image).all()
    with pytest.raises(BackendError, match="broken, says this test"):
        list(stream)
    assert (upscaler(image) == ~image).all()
    assert len(opened) == 2


def test_calls_and_streams_of_several_threads_get_their_own_results(open_on_gpu: OpenOnGpu) -> None:
    upscaler = open_on_gpu()
    outcomes: dict[int, bool] = {}

    def work(number: int) -> None:
        sources = [random_image((16, 24 + number % 2, 3), seed=100 * number + seed) for seed in range(15)]
        calls = iter(sources) if number % 2 else None
        results = map(upscaler, calls) if calls else upscaler.stream(sources)
        outcomes[number] = all((result == ~source).all() for result, source in zip(results, sources, strict=True))

    all_at_once([partial(work, number) for number in range(4)])
    assert outcomes == dict.fromkeys(range(4), True)


def test_a_call_within_a_stream_is_answered(open_on_gpu: OpenOnGpu) -> None:
    upscaler = open_on_gpu()
    image = random_image((16, 24, 3))
    for result in upscaler.stream([image] * 10):
        assert (upscaler(result) == image).all()


def test_a_batch_in_a_stream_is_refused_with_what_to_do(upscaler: Upscaler) -> None:
    with pytest.raises(InputError, match=r"\(2, 8, 8, 3\), as a batch has: pass its images one by one"):
        next(upscaler.stream([random_image((2, 8, 8, 3))]))


def test_the_context_of_the_caller_is_preserved_except_while_it_is_asked_for_images(
    open_on_gpu: OpenOnGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = [False]

    @contextmanager
    def preserve() -> Iterator[None]:
        inside[0] = True
        yield
        inside[0] = False

    monkeypatch.setattr(cuda, "preserve_context", preserve)
    upscaler = open_on_gpu()
    open_session, opened_inside = SharedSessions.open, []

    def record(shared: SharedSessions, request: SessionRequest) -> Session[Any]:
        opened_inside.append(inside[0])
        return open_session(shared, request)

    def source() -> Iterator[np.ndarray]:
        for width in (8, 16, 24):
            assert not inside[0]
            yield random_image((8, width, 3))

    monkeypatch.setattr(SharedSessions, "open", record)
    for _ in upscaler.stream(source()):
        assert not inside[0]
    upscaler(random_image((16, 8, 3)))
    assert opened_inside == [True] * 4
    assert not inside[0]
