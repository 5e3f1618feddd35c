"""What stands still and goes on: the collector, its ledger, the way back to the broker, the session of its name."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest
from peers.collecting import Publisher, Site, adds_up, in_background, now_ms, wait_until
from peers.mosquitto import mosquitto
from peers.plant import PER_ROUND, plant

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KEEPALIVE_S = 5


def publish(devices: Publisher, names: list[str]) -> None:
    base = now_ms() - 86_400_000
    for i in range(400):
        devices.reading(names[i % len(names)], base + i, 19.0)
        time.sleep(0.01)


def test_collector_stopped_for_longer_than_the_keep_alive(tmp_path):
    """What it has half read when it goes on is of a connection that the broker has given up."""
    with plant(tmp_path, influx=False, seed=21, keepalive_s=KEEPALIVE_S) as p:
        p.site.start()
        assert p.site.subscribed()
        sending = in_background(lambda: p.publish(0))
        p.pause(0.5)
        p.site.freeze()
        assert wait_until(lambda: "exceeded timeout" in p.broker.log.read_text(), 4 * KEEPALIVE_S)
        p.site.thaw()
        sending.join()
        p.check()


def test_ledger_locked_by_another_process(tmp_path):
    """Nothing is stored or acknowledged that the journal does not know of; the spool takes what comes."""
    with plant(tmp_path, influx=False, seed=22) as p:
        p.site.ledger_busy_s = 1.0
        p.site.start()
        assert p.site.subscribed()
        p.publish(0)
        assert wait_until(lambda: p.site.has(100))
        with closing(sqlite3.connect(p.site.folder / "ledger.sqlite", isolation_level=None, timeout=10)) as other:
            other.execute("BEGIN IMMEDIATE")
            p.publish(PER_ROUND, every_s=0.0)
            assert wait_until(lambda: "database is locked" in p.site.log(), 30)
            p.publish(2 * PER_ROUND, every_s=0.0)
            assert wait_until(lambda: any((p.site.folder / "state" / "spool").glob("*.spool")), 30)
            other.execute("ROLLBACK")
        p.check()


def test_acknowledgements_that_the_broker_never_gets(tmp_path):
    """All is stored, acknowledged, and comes again: nothing counts twice, neither readings nor garbage."""
    with plant(tmp_path, influx=False, seed=23) as p:
        p.site.start()
        assert p.site.subscribed()
        p.cable.mute()
        p.publish(0, every_s=0.0)
        assert wait_until(lambda: p.site.has(len(p.devices.sent), p.devices.bad), 20)
        assert p.site.counters().get("repeated", 0) == 0
        p.cable.cut()
        p.cable.mend()
        assert wait_until(lambda: p.site.counters().get("repeated", 0) == PER_ROUND, 20), p.site.counters()
        p.check()


def test_two_collectors_of_one_name_store_all_between_them(tmp_path):
    """A mistake of an operator: the second takes the session from the first in the middle of a batch."""
    with mosquitto(tmp_path) as broker:
        one, two = (Site(tmp_path / name, broker.port, spool=True) for name in ("one", "two"))
        devices = Publisher(broker.port)
        one.start()
        assert one.subscribed()
        sending = in_background(lambda: publish(devices, one.devices))
        assert wait_until(lambda: one.has(50))
        two.start()
        assert wait_until(lambda: two.has(50))
        assert one.stop() == 0
        sending.join()
        assert wait_until(lambda: len(one.stored()) + two.counters().get("stored", 0) >= len(devices.sent), 60)
        assert two.stop() == 0
        devices.close()
        assert one.stored() | two.stored() == devices.sent
        assert adds_up(one.counters())
        assert adds_up(two.counters())
