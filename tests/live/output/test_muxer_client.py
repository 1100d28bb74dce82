"""What an output's child may do while its parent talks to it, acted by a stand-in."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Any

import pytest

from pipeline.live.output import muxer_client as module
from pipeline.live.output.muxer_client import MuxerClient, OutputUnavailable
from pipeline.live.process.child import ProcessEnded
from pipeline.live.process.messages import ConnectionOpened, OpenRequest, PacketWritten, SerializedPacket

PARCEL = SerializedPacket(0, b"picture", 0, 0, 1, True, 0.0)


class Actor:
    """A child that answers each message by what `answers` names for its kind, and is silent otherwise."""

    def __init__(self, answers: dict[type, Any]) -> None:
        self._answers = answers
        self._said: SimpleQueue[Any] = SimpleQueue()

    def send(self, message: Any) -> None:
        if (answer := self._answers.pop(type(message), None)) is not None:
            self.say(answer)

    def say(self, message: Any) -> None:
        self._said.put(message)

    def receive(self) -> Any:
        if (message := self._said.get()) is None:
            raise ProcessEnded
        return message

    def kill(self) -> None:
        self._said.put(None)

    def close(self, patience: float = 0.0) -> None:
        self.kill()


def test_a_child_that_hangs_in_opening_while_an_old_packet_is_written_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    actor = Actor({OpenRequest: ConnectionOpened()})
    monkeypatch.setattr(module, "Child", lambda program: actor)
    monkeypatch.setattr(module, "_OPENING_SECONDS", 0.5)
    done: list[str] = []
    with MuxerClient(lambda packet, reason: done.append(reason), lambda: None, patience=60.0) as link:
        link.open(OpenRequest("first"))
        link.write(PARCEL)
        threading.Timer(0.1, actor.say, [PacketWritten(kept=True)]).start()
        with pytest.raises(OutputUnavailable, match="no answer"):
            link.open(OpenRequest("second"))
    assert done == [""]
