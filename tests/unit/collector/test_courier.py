from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from peers.books import MemoryLedger, MemoryStore

from collector.courier import Courier
from collector.inbox import Inbox
from collector.judge import Judge
from collector.packet import Packet
from collector.patience import Patience
from collector.routes import Routes
from collector.settings import NATIVE_TOPICS, CollectorSettings
from collector.spool import Spool
from collector.timekeeping import Timekeeper
from collector.writer import Writer
from heating.clock import ManualClock
from heating.errors import StoreMisconfigured, StoreUnavailable
from heating.instants import from_ms
from heating.register import Register
from heating.site import MeasurementPoint

NOW = 1_795_312_800_000
ZONE = ZoneInfo("Asia/Shanghai")
REGISTER = Register.of_points([MeasurementPoint(point_id="P1", device_id="D1", station="S1")])


class Impatience(Patience):
    """Never waits."""

    wait_s = 0.0


class Bench:
    def __init__(self, spool: Spool | None = None, **settings: int) -> None:
        self.store, self.ledger, self.inbox = MemoryStore(), MemoryLedger(REGISTER), Inbox(1000)
        judge = Judge(Routes(NATIVE_TOPICS, ZONE), Timekeeper(ZONE))
        writer = Writer(judge, self.store, self.ledger, ManualClock(from_ms(NOW)), 0)  # type: ignore[arg-type]
        told = CollectorSettings(batch_wait_s=0.001, spool_after_s=0, **settings)
        self.courier = Courier(told, 10, self.inbox, writer, spool)
        self.patience = Impatience(np.random.default_rng(1))
        self.acknowledged: list[int] = []

    def send(self, count: int) -> None:
        for i in range(count):
            payload = json.dumps({"ts": NOW - i, "temperature_c": 19.0}).encode()
            self.inbox.offer(
                Packet(
                    topic="heatwatch/v1/D1/readings", payload=payload, received_ms=NOW, length=len(payload), mid=i + 1
                )
            )

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.courier.turn(self.patience, self._acknowledge, threading.Event())

    def _acknowledge(self, packets) -> None:
        self.acknowledged += [packet.mid for packet in packets]


def test_one_packet_that_a_bug_stops_costs_only_itself():
    bench = Bench()
    write = bench.store.unseen

    def buggy(batch):
        if NOW - 3 in batch.ts_ms:
            raise ValueError("a bug")
        return write(batch)

    bench.store.unseen = buggy
    bench.send(8)
    bench.turns(20)
    assert len(bench.store.rows) == 7
    assert [row.reason for row in bench.ledger.journal.rows] == ["decoder_failed"]
    assert bench.acknowledged == list(range(1, 9))
    assert bench.ledger.journal.totals["received"] == 8
    assert bench.courier.errors > 3


@pytest.mark.parametrize("error", [StoreUnavailable("away"), StoreMisconfigured("store.token_file")])
def test_nothing_is_acknowledged_before_it_is_stored(error):
    bench = Bench()

    def fail(call):
        raise error

    bench.store.fault = fail
    bench.send(3)
    bench.turns(10)
    assert bench.acknowledged == []
    assert bench.courier.misconfigured == (str(error) if isinstance(error, StoreMisconfigured) else "")
    bench.store.fault = lambda call: None
    bench.turns(3)
    assert bench.acknowledged == [1, 2, 3]
    assert bench.courier.misconfigured == ""


def test_what_a_person_must_mend_does_not_go_to_the_spool(tmp_path):
    spool = Spool(tmp_path / "spool", 100_000)
    bench = Bench(spool)
    bench.patience = Patience(np.random.default_rng(1))

    def fail(call):
        raise StoreMisconfigured("store.token_file")

    bench.store.fault = fail
    bench.send(3)
    bench.turns(5)
    assert spool.empty
    assert bench.acknowledged == []


def test_a_bug_between_the_inbox_and_the_hand_loses_nothing(tmp_path):
    """They are not acknowledged, and on this connection the broker would not bring them again."""
    spool = Spool(tmp_path / "spool", 100_000)
    bench = Bench(spool)

    def buggy(packets):
        raise ValueError("a bug")

    bench.courier._fairness.split = buggy
    bench.send(8)
    bench.turns(5)
    assert bench.courier.errors > 0
    assert bench.acknowledged == list(range(1, 9))
    assert len(bench.store.rows) == 8
    spool.close()


def test_what_was_set_aside_is_quarantined_and_acknowledged_also_when_going_down():
    bench = Bench()
    for mid in (1, 2):
        assert bench.inbox.set_aside(Packet(topic="t", payload=b"x%d" % mid, received_ms=NOW, length=2, mid=mid))
        if mid == 1:
            bench.turns(1)
    bench.courier.finish(bench._acknowledge)
    assert [(row.reason, row.payload) for row in bench.ledger.journal.rows] == [
        ("hand_over_failed", b"x1"),
        ("hand_over_failed", b"x2"),
    ]
    assert bench.acknowledged == [1, 2]


@pytest.mark.parametrize("cap", [10, 100_000])
def test_nothing_is_acknowledged_before_it_is_in_the_spool(tmp_path, monkeypatch, cap):
    spool = Spool(tmp_path / "spool", cap)
    bench = Bench(spool)
    bench.patience = Patience(np.random.default_rng(1))
    held_back = []
    append = spool.append
    monkeypatch.setattr(spool, "append", lambda packets: held_back.append(list(bench.acknowledged)) or append(packets))

    def fail(call):
        raise StoreUnavailable("away")

    bench.store.fault = fail
    bench.send(3)
    bench.turns(3)
    assert held_back[0] == []
    assert bench.acknowledged == ([] if cap == 10 else [1, 2, 3])
    spool.close()


def test_what_is_drained_stays_in_the_spool_until_it_is_stored(tmp_path):
    spool = Spool(tmp_path / "spool", 100_000)
    bench = Bench(spool)
    bench.send(5)
    spool.append(bench.inbox.gather(5, first_s=0, batch_s=0))

    def fail(call):
        if call == "write":
            raise StoreUnavailable("away")

    bench.store.fault = fail
    bench.turns(3)
    page = Spool(tmp_path / "spool", 100_000).read(10)
    assert page is not None
    assert len(page.packets) == 5
    bench.store.fault = lambda call: None
    bench.turns(2)
    assert Spool(tmp_path / "spool", 100_000).empty
    assert len(bench.store.rows) == 5
    spool.close()


def test_the_spool_gives_back_no_more_in_a_second_than_it_may(tmp_path):
    spool = Spool(tmp_path / "spool", 100_000)
    bench = Bench(spool, drain_per_s=4)
    bench.send(20)
    spool.append(bench.inbox.gather(20, first_s=0, batch_s=0))
    bench.turns(3)
    assert bench.courier.drained == len(bench.store.rows) == 4
    spool.close()


def test_going_down_writes_what_it_holds_and_takes_no_more():
    bench = Bench()
    bench.turns(1)
    bench.send(25)
    bench.courier.finish(bench._acknowledge)
    assert len(bench.store.rows) == len(bench.acknowledged) == 25
    bench.send(1)
    assert len(bench.inbox) == 0


def test_the_time_away_begins_with_the_try_that_failed():
    """A locked ledger says so after ten seconds: the spool shall not be ten seconds late."""
    patience = Patience(np.random.default_rng(1))
    patience.failed(StoreUnavailable("away"), time.monotonic() - 10)
    assert patience.away_s >= 10
    patience.failed(StoreUnavailable("away"), time.monotonic())
    assert patience.away_s >= 10


def test_large_packets_make_small_batches():
    inbox = Inbox(1000)
    for _ in range(50):
        inbox.offer(Packet(topic="t", payload=b"x" * 65_536, received_ms=NOW, length=65_536))
    assert len(inbox.gather(1000, first_s=0, batch_s=1)) == 16
    assert len(inbox.gather(10, first_s=0, batch_s=1)) == 10


def test_what_waits_is_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr("collector.inbox._PATIENCE_S", 0.0)
    inbox = Inbox(1000, most_bytes=200_000)
    large = Packet(topic="t", payload=b"x" * 65_536, received_ms=NOW, length=65_536)
    taken = [inbox.offer(large) for _ in range(10)]
    assert taken == [True] * 4 + [False] * 6
    assert len(inbox.gather(1000, first_s=0, batch_s=0)) == 4
    assert inbox.offer(large)


def test_a_signal_at_the_end_of_a_wait_does_not_prolong_it():
    """In a process of its own, which a mistake would hang."""
    program = """
import signal, time
from collector.inbox import Inbox

signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.2))
inbox = Inbox(10)
for _ in range(20):
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    assert inbox.gather(10, first_s=0.05, batch_s=1) == []
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=30, capture_output=True)
    assert done.returncode == 0, done.stderr
