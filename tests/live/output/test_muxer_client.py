"""The parent's side of a child that writes an output, with a fake child."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any

import psutil
import pytest

from pipeline.live.output import muxer_client as module
from pipeline.live.output.muxer_client import MuxerClient, OutputUnavailable
from pipeline.live.process.child import ProcessEnded
from pipeline.live.process.messages import ConnectionOpened, OpenRequest, PacketWritten, SerializedPacket
from tests.waiting import no_thread_from

PACKET = SerializedPacket(0, b"data", 0, 0, 1, True, 0.0)


class FakeChild:
    """A child that answers the first message of each type in `answers`, and is silent otherwise."""

    def __init__(self, answers: dict[type, Any]) -> None:
        self.answers = answers
        self.last_answers: list[Any] = []  # that it gives when it is requested to end
        self._messages: SimpleQueue[Any] = SimpleQueue()

    def send(self, message: Any) -> None:
        if (answer := self.answers.pop(type(message), None)) is not None:
            self.reply(answer)

    def reply(self, message: Any) -> None:
        self._messages.put(message)

    def receive(self) -> Any:
        if (message := self._messages.get()) is None:
            raise ProcessEnded
        return message

    def kill(self) -> None:
        self._messages.put(None)

    def end(self, patience: float = 0.0) -> None:
        for answer in self.last_answers:
            self.reply(answer)
        self.kill()

    def close(self) -> None:
        self.kill()


def test_a_late_answer_to_a_packet_does_not_extend_the_time_to_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = FakeChild({OpenRequest: ConnectionOpened()})
    monkeypatch.setattr(module, "Child", lambda program: child)
    done: list[str] = []
    with MuxerClient(lambda packet, reason: done.append(reason), lambda: None, patience=60.0) as client:
        client.open(OpenRequest("first"))
        client.write(PACKET)
        monkeypatch.setattr(module, "OPENING_SECONDS", 0.5)
        child.answers[OpenRequest] = PacketWritten(is_written=True)
        with pytest.raises(OutputUnavailable, match="no answer"):
            client.open(OpenRequest("second"))
    assert done == [""]


def test_packets_that_a_child_writes_as_it_ends_count_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    child = FakeChild({OpenRequest: ConnectionOpened()})
    child.last_answers = [PacketWritten(is_written=True)] * 3
    monkeypatch.setattr(module, "Child", lambda program: child)
    done: list[str] = []
    with MuxerClient(lambda packet, reason: done.append(reason), lambda: None, patience=60.0) as client:
        client.open(OpenRequest("only"))
        for _ in range(4):
            client.write(PACKET)
    assert done == ["", "", "", "output disconnected"]


def test_no_child_is_left_when_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(psutil.Process().children())
    no_thread_from(monkeypatch, "uprez-output-receive")
    with pytest.raises(ProcessEnded, match="can't start new thread"):
        MuxerClient(lambda packet, reason: None, lambda: None, patience=60.0)
    assert set(psutil.Process().children()) <= before
