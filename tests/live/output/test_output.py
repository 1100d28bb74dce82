"""Outputs with their real children; no test waits for the stream's time to pass."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from pipeline.live.output.gop_queue import GopQueue
from pipeline.live.output.segments import finished_segments
from tests import live_packets
from tests.live.output.running import (
    PATIENCE,
    Receiver,
    accounted_for,
    closing,
    offer,
    offer_one_by_one_until,
    offer_until,
    output,
    seconds,
)
from tests.waiting import refusing_port, until


def child_of(before: set[int]) -> psutil.Process:
    (child,) = [each for each in psutil.Process().children() if each.pid not in before]
    return child


def children() -> set[int]:
    return {each.pid for each in psutil.Process().children()}


def test_every_kind_of_output_contains_every_frame_at_its_time(tmp_path: Path) -> None:
    streams, items = live_packets.coded(60, gop=10, start=12_345_678, audio_codec="aac")
    with Receiver() as receiver:
        targets = [output(tmp_path / name) for name in ("cam.mkv", "cam.mp4", "list.m3u8")] + [output(receiver.address)]
        with closing(*targets):
            for target in targets:
                target.start(streams)
                offer(target, items)
        for target in targets:
            figures = target.figures()
            assert (figures.status, figures.dropped, figures.connects) == ("ended", {}, 1)
            assert figures.bytes > 0
        until(lambda: len(receiver.times()) == 60)
        all_times = [seconds(finished_segments(tmp_path / name)[0]) for name in ("cam.mkv", "cam.mp4")]
        all_times += [seconds(tmp_path / "list.m3u8"), receiver.times()]
    for times in all_times:
        assert [time - times[0] for time in times] == pytest.approx([index / 25 for index in range(60)])
    assert all_times[3][0] == pytest.approx(12_345_678 / 90_000)


def test_a_frozen_and_a_dead_output_do_not_hold_up_another(tmp_path: Path) -> None:
    streams, items = live_packets.coded(200, gop=25, padding=20_000)
    with Receiver(frozen=True) as frozen, refusing_port() as port:
        healthy, unreachable = output(tmp_path / "cam.mkv"), output(f"tcp://127.0.0.1:{port}")
        stuck = output(frozen.address, stuck=1000.0)
        with closing(stuck, unreachable, patience=0.1), closing(healthy):
            for target in (healthy, stuck, unreachable):
                target.start(streams)
            until(lambda: [target.figures().status for target in (healthy, stuck)] == ["live", "live"])
            until(lambda: unreachable.figures().reason != "")
            for packet in items:
                until(lambda: healthy.figures().lag < 3)
                for target in (healthy, stuck, unreachable):
                    target.offer(packet)
            assert stuck.figures().status == "live"
            assert stuck.figures().lag <= 4
    assert live_packets.frame_count(finished_segments(tmp_path / "cam.mkv")[0]) == 200
    assert healthy.figures().dropped == {}
    assert stuck.figures().dropped["output too slow"] >= 25
    assert unreachable.figures().dropped == {"output disconnected": 200}
    assert [accounted_for(target.figures()) for target in (healthy, stuck, unreachable)] == [200, 200, 200]


def test_an_output_continues_with_a_key_frame_when_its_server_restarts() -> None:
    streams, items = live_packets.coded(200, gop=25)
    demanded = threading.Event()
    with Receiver() as first:
        target = output(first.address, demand_key=demanded.set)
        with closing(target):
            target.start(streams)
            offer(target, items[:60])
            until(lambda: target.figures().packets == 60)
            first.close()
            port = first.port
            rest = iter(items[60:])
            offer_one_by_one_until(target, rest, lambda: target.figures().status == "waiting")
            assert target.figures().reason in (
                "connection refused: no server at that port",
                "the connection was closed by the other side",
            )
            with Receiver(port=port) as second:
                until(demanded.is_set)
                offer(target, list(rest))
                until(lambda: accounted_for(target.figures()) == 200)
                target.close(PATIENCE)
                until(lambda: second.times()[-1:] == pytest.approx([199 / 25]))
                times = second.times()
    assert times[0] % 1 == 0  # a key frame each second
    assert target.figures().connects == 2


def test_a_server_that_reads_nothing_is_reconnected() -> None:
    streams, items = live_packets.coded(200, gop=25, padding=40_000)
    with Receiver(frozen=True) as frozen:
        target = output(frozen.address, stuck=0.3)
        with closing(target, patience=0.1):
            target.start(streams)
            until(lambda: target.figures().status == "live")
            offer_until(target, itertools.cycle(items), lambda: target.figures().connects >= 2)


def test_a_frozen_child_is_replaced(tmp_path: Path) -> None:
    streams, items = live_packets.coded(200, gop=25, padding=20_000)
    before = children()
    target = output(tmp_path / "cam.mkv", stuck=0.3)
    with closing(target):
        target.start(streams)
        until(lambda: target.figures().status == "live")
        child_of(before).send_signal(signal.SIGSTOP)
        offer_until(target, itertools.cycle(items), lambda: target.figures().connects >= 2)


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov", "ts"])
def test_after_sigkill_of_a_child_its_file_can_be_played(tmp_path: Path, suffix: str) -> None:
    streams, items = live_packets.coded(150, gop=10)
    before = children()
    target = output(tmp_path / f"cam.{suffix}")
    with closing(target):
        target.start(streams)
        offer(target, items[:100])
        until(lambda: target.figures().packets == 100)
        child_of(before).kill()
        until(lambda: target.figures().connects == 2)
        offer(target, items[100:])
    (part,) = tmp_path.glob(f"cam-*.part.{suffix}")
    assert live_packets.frame_count(part) >= 70
    assert live_packets.frame_count(finished_segments(tmp_path / f"cam.{suffix}")[0]) == 50


def test_a_child_finishes_its_file_when_the_parent_is_killed(tmp_path: Path) -> None:
    program = f"""
import os
from tests import live_packets
from tests.live.output.running import offer, output
from tests.waiting import until
streams, items = live_packets.coded(50)
target = output("{tmp_path}/cam.mp4")
target.start(streams)
offer(target, items)
until(lambda: target.figures().packets == 50)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program], check=False, timeout=50)
    until(lambda: finished_segments(tmp_path / "cam.mp4") != [])
    assert live_packets.frame_count(finished_segments(tmp_path / "cam.mp4")[0]) == 50


def test_other_streams_start_another_file_and_a_discontinuity_in_hls(tmp_path: Path) -> None:
    small, first = live_packets.coded(30)
    large, second = live_packets.coded(30, size=(128, 96), start=30 * live_packets.STEP)
    targets = [output(tmp_path / "cam.mkv"), output(tmp_path / "list.m3u8")]
    with closing(*targets):
        for target in targets:
            target.start(small)
            offer(target, first)
            target.start(large)
            offer(target, second)
    assert [live_packets.frame_count(file) for file in finished_segments(tmp_path / "cam.mkv")] == [30, 30]
    playlist = (tmp_path / "list.m3u8").read_text()
    assert playlist.count("#EXT-X-DISCONTINUITY") == 1
    assert [target.figures().connects for target in targets] == [2, 2]


def test_unsupported_audio_is_dropped_with_a_note(tmp_path: Path) -> None:
    streams, items = live_packets.coded(20, audio_codec="pcm_mulaw")
    target = output(tmp_path / "list.m3u8")
    with closing(target):
        target.start(streams)
        offer(target, items)
        until(lambda: target.figures().packets == 20)
        assert target.figures().reason == "pcm_mulaw audio is dropped: hls does not support it"


def test_audio_without_packets_delays_the_video_by_at_most_a_fifth_of_a_second() -> None:
    streams, items = live_packets.coded(50, audio_codec="aac")
    video = [packet for packet in items if packet.stream == 0]
    with Receiver() as receiver:
        target = output(receiver.address)
        with closing(target):
            target.start(streams)
            offer(target, video)
            until(lambda: target.figures().packets == 50)
            until(lambda: receiver.times()[-1:] >= [49 / 25 - 0.2])


def test_an_output_continues_when_its_folder_exists_again(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    streams, items = live_packets.coded(100, gop=10)
    target = output(folder / "cam.mkv")
    with closing(target):
        target.start(streams)
        offer(target, items[:10])
        until(lambda: target.figures().packets == 10)
        folder.rename(tmp_path / "elsewhere")
        offer(target, items[10:30])
        until(lambda: target.figures().status == "waiting")
        assert target.figures().reason == "the folder or the file does not exist any more"
        folder.mkdir()
        until(lambda: target.figures().status == "live")
        offer(target, items[30:])
    assert live_packets.frame_count(finished_segments(folder / "cam.mkv")[0]) == 70


def test_a_missing_secret_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_PORT", raising=False)
    streams, items = live_packets.coded(20)
    target = output("tcp://127.0.0.1:${SOME_PORT}")
    with closing(target), Receiver() as receiver:
        target.start(streams)
        until(lambda: target.figures().status == "waiting")
        assert "SOME_PORT" in target.figures().reason
        monkeypatch.setenv("SOME_PORT", str(receiver.port))
        until(lambda: target.figures().status == "live")
        offer(target, items)
        until(lambda: target.figures().packets > 0)
        target.close(PATIENCE)


def test_closing_leaves_no_process_thread_or_open_file(tmp_path: Path) -> None:
    streams, items = live_packets.coded(50, gop=25, padding=50_000)
    with Receiver() as reading, Receiver(frozen=True) as frozen:
        before = children()
        files = psutil.Process().num_fds() if os.name == "posix" else 0
        threads = set(threading.enumerate())
        targets = [output(to) for to in (reading.address, frozen.address, tmp_path / "cam.mkv", "tcp://127.0.0.1:9")]
        for target in targets:
            target.start(streams)
        until(lambda: all(target.figures().status == "live" for target in targets[:3]))
        for target in targets:
            for packet in items:
                target.offer(packet)
        for target in targets:
            target.close(0.2)
        assert children() <= before
        assert set(threading.enumerate()) <= threads
        if os.name == "posix":
            until(lambda: psutil.Process().num_fds() <= files + 2)  # those of the receivers


def test_an_output_can_be_closed_at_once() -> None:
    target = output("tcp://127.0.0.1:9")
    target.close(PATIENCE)
    assert target.figures().status == "ended"


def test_an_output_that_failed_is_still_reported_as_failed_once_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pipeline.live.output.output.MuxerClient", broken)
    streams, items = live_packets.coded(20, gop=10)
    target = output(tmp_path / "cam.mkv")
    with closing(target):
        target.start(streams)
        until(lambda: target.figures().status == "failed")
        offer(target, items)
    figures = target.figures()
    assert (figures.status, figures.reason) == ("failed", "ZeroDivisionError, a bug, please report it")
    assert sum(figures.dropped.values()) == len(items)


def test_a_connection_is_counted_and_live_once_packets_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    connect = GopQueue.connect

    def connecting(queue: GopQueue) -> bool:
        figures = target.figures()
        seen.append((figures.status, figures.connects))
        return connect(queue)

    monkeypatch.setattr(GopQueue, "connect", connecting)
    target = output(tmp_path / "cam.mkv")
    with closing(target):
        target.start(live_packets.coded(1)[0])
        until(lambda: target.figures().connects == 1)
        until(lambda: target.figures().status == "live")
    assert seen == [("connecting", 0)]
