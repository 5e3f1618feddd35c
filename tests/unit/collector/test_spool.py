from __future__ import annotations

import errno
import os

import pytest

from collector.packet import Packet
from collector.spool import Spool


@pytest.fixture
def opened(tmp_path):
    spools = []

    def make(**kw: int) -> Spool:
        spools.append(Spool(tmp_path / "spool", 10_000, **kw))
        return spools[-1]

    yield make
    for spool in spools:
        spool.close()


def packets(count: int, first: int = 0, size: int = 10) -> list[Packet]:
    return [
        Packet(topic="t", payload=b"x" * size, received_ms=first + i, length=size, retained=True, sha256="s")
        for i in range(count)
    ]


def numbers(spool: Spool) -> list[int]:
    page = spool.read(1000)
    return [] if page is None else [p.received_ms for p in page.packets]


def test_packets_come_back_as_they_were_and_marked_after_a_restart(opened):
    spool = opened()
    spool.append(packets(1))
    (same,) = spool.read(1).packets
    assert (same.topic, same.payload, same.received_ms, same.length, same.sha256) == ("t", b"x" * 10, 0, 10, "s")
    assert same.retained
    assert not same.redelivered
    assert opened().read(1).packets[0].redelivered


def test_nothing_is_made_until_it_is_needed(tmp_path, opened):
    spool = opened()
    assert spool.empty
    assert spool.read(5) is None
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize("call", ["fdatasync", "fsync"])
def test_full_disk_refuses_and_keeps_what_was_confirmed(tmp_path, opened, monkeypatch, call):
    spool = opened()
    assert spool.append(packets(2))
    spool.close()
    spool = opened()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    assert spool.append(packets(3, 10)) is None
    assert spool.append(packets(3, 10)) is None
    monkeypatch.undo()
    assert numbers(spool) == [0, 1]
    assert spool.append(packets(1, 20))
    assert numbers(spool) == [0, 1, 20]
    assert numbers(opened()) == [0, 1, 20]
    assert len(list((tmp_path / "spool").glob("*.spool"))) == 2


def filled(opened, tmp_path, count: int = 30, **kw: int) -> list:
    """Append packets one by one; return the segments."""
    spool = opened(**kw)
    for first in range(count):
        assert spool.append(packets(1, first))
    spool.close()
    return sorted((tmp_path / "spool").glob("*.spool"))


def flip(segment, at: int) -> None:
    raw = bytearray(segment.read_bytes())
    raw[at] ^= 0xFF
    segment.write_bytes(raw)


# Length, checksum, topic, payload. The length of the very last record may be torn as well as rotten.
@pytest.mark.parametrize("byte", [0, 1, 2, 3, 4, 7, 10, 20])
@pytest.mark.parametrize("record", [0, 3, 8])
def test_a_rotten_byte_costs_one_record_which_goes_to_the_quarantine(tmp_path, opened, byte, record):
    (segment,) = filled(opened, tmp_path, 10)
    size = segment.stat().st_size // 10
    flip(segment, record * size + byte)
    spool = opened()
    page = spool.read(100)
    assert [p.received_ms for p in page.packets] == [n for n in range(10) if n != record]
    (lost,) = page.damaged
    assert (lost.length, len(lost.payload)) == (size, size)
    assert lost.topic == f"spool/{segment.name}/{record * size}"
    assert lost.redelivered
    assert lost.received_ms == record - 1 if record else lost.received_ms > 1_700_000_000_000
    assert spool.damaged_bytes == size
    assert len(list((tmp_path / "spool").glob("*.damaged"))) == 1
    spool.settle(page.end)
    assert spool.empty
    assert opened().read(100) is None


def test_two_rotten_records_side_by_side_are_one_damage(tmp_path, opened):
    (segment,) = filled(opened, tmp_path, 10)
    size = segment.stat().st_size // 10
    flip(segment, 4 * size + 15)
    flip(segment, 5 * size)
    page = opened().read(100)
    assert [p.received_ms for p in page.packets] == [0, 1, 2, 3, 6, 7, 8, 9]
    assert [p.length for p in page.damaged] == [2 * size]


@pytest.mark.parametrize("left", [1, 7, 8, 20, 28])
def test_a_torn_tail_is_no_damage(tmp_path, opened, left):
    (segment,) = filled(opened, tmp_path, 3)
    size = segment.stat().st_size // 3
    os.truncate(segment, 2 * size + left)
    spool = opened()
    page = spool.read(100)
    assert ([p.received_ms for p in page.packets], page.damaged) == ([0, 1], [])
    assert spool.damaged_bytes == 0
    assert spool.size == 2 * size


@pytest.mark.parametrize("left", [0, 3, 8, 20, 27])
def test_zeros_that_a_power_cut_left_at_the_end_are_no_damage(tmp_path, opened, left):
    """The file was made longer for records that were never confirmed, and its blocks were not written."""
    (segment,) = filled(opened, tmp_path, 3)
    size = segment.stat().st_size // 3
    os.truncate(segment, 2 * size + left)
    os.truncate(segment, 4096)
    spool = opened()
    page = spool.read(100)
    assert ([p.received_ms for p in page.packets], page.damaged) == ([0, 1], [])
    assert spool.size == 2 * size == segment.stat().st_size


def test_a_disk_that_can_only_be_read_gives_back_what_it_has(tmp_path, opened, monkeypatch, caplog):
    filled(opened, tmp_path, 9, segment_bytes=120)
    spool = opened(segment_bytes=120)
    assert spool.append(packets(1, 9))

    def read_only(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    for call in ("fdatasync", "replace", "unlink", "ftruncate"):
        monkeypatch.setattr(os, call, read_only)
    monkeypatch.setattr("collector.spool_segments._truncate", read_only)
    for _ in range(3):
        assert spool.append(packets(2, 50)) is None
    seen = []
    while page := spool.read(3):
        seen += [p.received_ms for p in page.packets]
        spool.settle(page.end)
    assert seen == list(range(10))
    assert spool.empty
    assert len(caplog.records) <= 6, "once, not each time"
    monkeypatch.undo()
    assert spool.append(packets(1, 60))
    assert numbers(spool) == [60]
    assert numbers(opened())[-1] == 60


def test_what_could_not_be_cut_back_is_cut_before_more_is_written(tmp_path, opened, monkeypatch):
    spool = opened()
    assert spool.append(packets(2))

    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    monkeypatch.setattr("collector.spool_segments._truncate", broken)
    assert spool.append(packets(3, 10)) is None
    monkeypatch.undo()
    assert spool.append(packets(1, 20))
    assert numbers(opened()) == [0, 1, 20], "what was refused is still with the broker"


def test_a_segment_that_the_disk_does_not_give_back_does_not_stop_the_others(tmp_path, opened, monkeypatch):
    segments = filled(opened, tmp_path, 9, segment_bytes=120)
    assert len(segments) == 3
    spool = opened()
    broken = segments[1].name
    path_open = type(segments[1]).open

    def failing(path, *a, **kw):
        if path.name == broken:
            raise OSError(errno.EIO, "Input/output error")
        return path_open(path, *a, **kw)

    monkeypatch.setattr(type(segments[1]), "open", failing)
    page = spool.read(100)
    assert [p.received_ms for p in page.packets] == [0, 1, 2, 3, 8]
    assert [(p.length, p.payload) for p in page.damaged] == [(segments[1].stat().st_size, b"")]
    spool.settle(page.end)
    assert spool.empty


def test_a_cap_below_one_batch_refuses_and_loses_nothing(tmp_path, opened):
    spool = opened()
    assert spool.append(packets(20, size=1000)) is None
    assert spool.empty
    assert spool.size == 0
    assert spool.append(packets(1, 7))
    assert numbers(spool) == [7]


def test_what_reached_the_store_by_another_way_is_read_no_more(tmp_path, opened):
    spool = opened()
    first, second, third = (spool.append(packets(3, first)) for first in (0, 3, 6))
    assert first is not None
    assert second is not None
    assert third is not None
    spool.skip(second)
    assert numbers(spool) == [0, 1, 2, 6, 7, 8]
    spool.skip(first)
    spool.skip(third)
    assert spool.empty
    assert spool.size == 0
    assert not list(tmp_path.rglob("*.spool"))


def test_disk_is_given_back_when_all_is_settled(tmp_path, opened):
    spool = opened()
    spool.append(packets(5))
    spool.settle(spool.read(10).end)
    assert spool.empty
    assert spool.size == 0
    assert not list((tmp_path / "spool").glob("*.spool"))
    spool.append(packets(1, 7))
    assert numbers(spool) == [7]
