"""The codec contexts of a video: one or several in parallel, and after damage a conservative one."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext

from pipeline.media.decoding import nvdec
from pipeline.media.decoding.ledger import LedgerEntry
from pipeline.media.decoding.parallel_contexts import ParallelDecoding, open_parallel
from pipeline.media.reading import alpha
from pipeline.media.reading.source import Packet, Source


class DecodingContexts:
    """Decodes the packets of a source's video, each with its number in the ledger as its pts.

    Args:
        source: Its packets are decoded.
        parallel: How to decode in parallel, where that is possible; None for one context.

    Attributes:
        codec: FFmpeg's name of the codec.
        is_conservative: Decoding in software without threads, in which FFmpeg conceals damage.
    """

    def __init__(self, source: Source, parallel: ParallelDecoding | None = None) -> None:
        self._source = source
        self._context = alpha.choose_alpha_decoder(source.video)
        self.codec = self._context.codec.canonical_name
        self.is_conservative = bool(source.damage.truncation) and not self._context.is_hwaccel
        if self._context.is_hwaccel:
            self._context.options = {"extra_hw_frames": str(nvdec.SPARE_SURFACES)}
        else:
            _set_threading(self._context, self.is_conservative)
        self._parallel = None if self.is_conservative else open_parallel(source, self._context, parallel)

    @property
    def reorders(self) -> bool:
        """True if frames may be yielded in another order than that of their packets."""
        return bool(self._context.has_b_frames)

    @property
    def in_use(self) -> int | None:
        """The number of the oldest packet that is still needed, None if only the context's delay is known."""
        return self._parallel.in_use if self._parallel else None

    @property
    def sample_aspect(self) -> Fraction | None:
        """The sample aspect ratio of the frames that were yielded last, or of the next; None if it is unknown."""
        return self._parallel.yielded.sample_aspect if self._parallel else self._context.sample_aspect_ratio

    def is_ahead(self, number: int) -> bool:
        """Return True if frames of packets up to `number` have not been yielded, because contexts work in parallel."""
        latest = self._parallel.latest if self._parallel else None
        return latest is not None and latest < number

    def decode(self, packet: Packet | None, entry: LedgerEntry | None = None) -> Iterator[list[av.VideoFrame]]:
        """Decode `packet` and yield the frames that are there, in order.

        Args:
            packet: The next packet; None yields all frames that are left.
            entry: Its entry in the ledger; not needed after a restart.

        Raises:
            FFmpegError: It can't be decoded.
        """
        if self._parallel is not None:
            yield from self._parallel.decode(packet, entry)
        else:
            yield self._context.decode(packet)

    def restart(self, possible: bool, extradata: bytes | None = None) -> bool:
        """Continue with a new, conservative context. Called once.

        Args:
            possible: The packets that it needs are there.
            extradata: The codec's parameters at the first of them; None if they are those of the container.

        Returns:
            False if it is not possible, or the source can't be read again.
        """
        self.is_conservative = True
        stream = self._source.rewind() if possible else None
        if stream is None:
            return False
        self.close()
        self._parallel = None
        self._context = alpha.choose_alpha_decoder(stream)
        if extradata is not None:
            self._context.extradata = extradata
        _set_threading(self._context, conservative=True)
        return True

    def abort(self) -> None:
        """Wake `decode` from whatever it waits for. Called from another thread."""
        if (parallel := self._parallel) is not None:
            parallel.abort()

    def close(self) -> None:
        """End all threads that decode in parallel."""
        if self._parallel is not None:
            self._parallel.close()


def _set_threading(context: VideoCodecContext, conservative: bool) -> None:
    """Decode with as many threads as FFmpeg likes, or with one: its concealment of damage needs that."""
    context.thread_type = "NONE" if conservative else "AUTO"
    if conservative:
        context.thread_count = 1
