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


def test_damaged_segment_is_set_aside_and_counted(tmp_path, opened):
    spool = opened(segment_bytes=100)
    for first in range(0, 30, 3):
        spool.append(packets(3, first))
    segments = sorted((tmp_path / "spool").glob("*.spool"))
    raw = bytearray(segments[1].read_bytes())
    raw[20] ^= 0xFF
    segments[1].write_bytes(raw)
    found = numbers(spool)
    assert spool.damaged_bytes > 0
    assert set(found) < set(range(30))
    assert found[0] == 0
    assert found[-1] == 29
    assert len(list((tmp_path / "spool").glob("*.damaged"))) == 1


def test_disk_is_given_back_when_all_is_settled(tmp_path, opened):
    spool = opened()
    spool.append(packets(5))
    spool.settle(spool.read(10).end)
    assert spool.empty
    assert spool.size == 0
    assert not list((tmp_path / "spool").glob("*.spool"))
    spool.append(packets(1, 7))
    assert numbers(spool) == [7]
