"""Reads and decodes the source of a live stream, and queues its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import InputError
from pipeline.flow.closing import Closing
from pipeline.flow.drop_queue import DropOldestQueue
from pipeline.live.counters import StreamCounters
from pipeline.live.input.capture import Capture, CaptureFigures
from pipeline.live.input.decoder import AudioPacket, LiveDecoder, LiveFrame
from pipeline.live.process.messages import ConnectionLost, ConnectionOpened, SerializedPacket, StreamHeader
from pipeline.system import host

_NO_FRAME_SECONDS = 10.0  # of packets without a frame, after which another connection is tried

SendAudio = Callable[[SerializedPacket, StreamHeader | None], None]


class SourceReader(Closing):
    """Moves frames from a Capture through a LiveDecoder into `queue`; it never waits for what reads the queue.

    Raises SettingsError for what no attempt could open.

    Args:
        settings: The settings of the stream.
        queue: Takes the frames.
        counters: The counters of the stream.
        send_audio: Called with each packet of audio, and the audio streams of its connection.

    Attributes:
        notes: Remarks on the current connection.
    """

    def __init__(
        self,
        settings: StreamSettings,
        queue: DropOldestQueue[LiveFrame],
        counters: StreamCounters,
        send_audio: SendAudio,
    ) -> None:
        self.notes: tuple[str, ...] = ()
        self._queue, self._counters, self._send_audio = queue, counters, send_audio
        self._max_seconds_without_frame = settings.timeout or _NO_FRAME_SECONDS
        self._capture = Capture(settings)
        self._decoder = LiveDecoder()

    @property
    def figures(self) -> CaptureFigures:
        """The state of the source."""
        return self._capture.figures

    @property
    def skipped(self) -> dict[str, int]:
        """Packets that were dropped before decoding, by reason."""
        return {**self._capture.figures.skipped, **self._decoder.skipped}

    def is_disconnected(self) -> bool:
        """True while the source delivers no video."""
        return self._capture.figures.status != "live"

    def run(self) -> None:
        """Read until `end`. Raises InputError for a source that is given up."""
        with closing(iter(self._capture)) as events:
            for event in events:
                if isinstance(event, ConnectionOpened):
                    self._open(event)
                elif isinstance(event, ConnectionLost):
                    self._pass_on(self._decoder.lose())
                    host.trim_heap()
                else:
                    self._decode(event)
        self._pass_on(self._decoder.lose())

    def end(self) -> None:
        """Read nothing more. Called from any thread."""
        self._capture.end()

    def close(self) -> None:
        self._capture.close()
        self._decoder.lose()

    def _open(self, opened: ConnectionOpened) -> None:
        """Start with a new connection. If it can't be decoded but an earlier one could, another one is tried."""
        self.notes = opened.notes
        self._queue.restart()
        try:
            self._decoder.open(opened)
        except InputError as error:
            self._renew_or_raise(error)

    def _decode(self, packet: SerializedPacket) -> None:
        """Decode `packet`. If that fails for good but frames came before, another connection is tried."""
        try:
            self._pass_on(self._decoder.feed(packet))
        except InputError as error:
            self._renew_or_raise(error)
        if self._decoder.seconds_without_frame > self._max_seconds_without_frame:
            self._capture.renew("its packets can't be decoded into frames")

    def _renew_or_raise(self, error: InputError) -> None:
        if not self._counters.decoded.count:
            raise error
        self._capture.renew(str(error))

    def _pass_on(self, items: Iterable[LiveFrame | AudioPacket]) -> None:
        for item in items:
            if isinstance(item, LiveFrame):
                self._capture.confirm()
                self._counters.decoded.add()
                self._queue.put(item)
            else:
                self._send_audio(item.packet, self._decoder.audio)
