"""HLS: a bounded playlist that is continued."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import live_packets
from tests.live.output.running import (
    closing,
    offer,
    output,
)
from tests.waiting import until


def test_hls_is_bounded_and_continues_with_new_numbers(tmp_path: Path) -> None:
    streams, items = live_packets.coded(250, gop=25)
    for _ in range(2):
        target = output(tmp_path / "list.m3u8")
        with closing(target):
            target.start(streams)
            offer(target, items)
        playlist = (tmp_path / "list.m3u8").read_text()
        assert playlist.rstrip().endswith("#EXT-X-ENDLIST")
        assert playlist.count("#EXTINF:1.000000") == 3
        assert playlist.count("#EXT-X-PROGRAM-DATE-TIME") == 3
        assert len(list(tmp_path.glob("*.ts"))) <= 3 + 2 * 3
        assert not list(tmp_path.glob("*.tmp"))
    numbers = [int(number) for number in re.findall(r"list-(\d+)\.ts", playlist)]
    assert numbers == [17, 18, 19]


def test_hls_continues_its_numbers_after_the_playlist_was_emptied(tmp_path: Path) -> None:
    streams, items = live_packets.coded(100, gop=25)
    for emptied in (True, False):
        target = output(tmp_path / "list.m3u8")
        with closing(target):
            target.start(streams)
            offer(target, items)
        playlist = (tmp_path / "list.m3u8").read_text()
        if emptied:
            (tmp_path / "list.m3u8").write_text("")
    assert [int(number) for number in re.findall(r"list-(\d+)\.ts", playlist)] == [5, 6, 7]


@pytest.mark.parametrize("name", ["100%", "a%b", "with space", "a:b", "日本"])
def test_hls_works_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    streams, items = live_packets.coded(20)
    target = output(tmp_path / name / "list.m3u8")
    with closing(target):
        target.start(streams)
        offer(target, items)
    assert live_packets.frame_count(tmp_path / name / "list.m3u8") == 20


def test_hls_without_its_folder_is_not_live(tmp_path: Path) -> None:
    streams, items = live_packets.coded(20)
    (tmp_path / "missing").mkdir()
    target = output(tmp_path / "missing" / "list.m3u8")
    (tmp_path / "missing").rmdir()
    with closing(target):
        target.start(streams)
        offer(target, items)
        until(lambda: target.figures().status == "waiting")
        assert target.figures().connects == 0
        assert target.figures().reason == "the folder or the file does not exist any more"
