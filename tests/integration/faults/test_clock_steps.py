"""The machine's clock steps: readings with a time of their own are judged by the clock as it is, none is lost."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from peers.books import MemoryLedger, MemoryStore
from peers.collecting import Publisher, now_ms, wait_until
from peers.mosquitto import mosquitto

from collector.settings import CollectorSettings, MqttSettings
from collector.stage import CollectorSetup, CollectorStage
from heating.clock import SystemClock
from heating.errors import StoreUnavailable
from heating.ledger import open_ledger
from heating.register import Register
from heating.site import MeasurementPoint

pytestmark = pytest.mark.integration

REGISTER = Register.of_points(MeasurementPoint(point_id=f"P{i}", device_id=f"D{i}", station="S1") for i in range(10))


class SteppingClock(SystemClock):
    """The machine's clock, off by what the test says."""

    def __init__(self) -> None:
        self.off = timedelta()

    def now(self) -> datetime:
        return super().now() + self.off


def away(call: str) -> None:
    raise StoreUnavailable("no route")


def test_a_day_back_and_a_day_ahead_while_the_spool_is_drained(tmp_path):
    """On a real ledger, which has its own idea of time for packets without a clock."""
    store, clock, stop = MemoryStore(), SteppingClock(), threading.Event()
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    ledger.places.import_register(REGISTER.points, {}, datetime.now(UTC), stamp="test")
    with closing(ledger), mosquitto(tmp_path) as broker, closing(Publisher(broker.port)) as devices:
        settings = CollectorSettings(
            batch_wait_s=0.05, state_dir=str(tmp_path / "state"), spool_after_s=0.0, drain_per_s=100
        )
        setup = CollectorSetup(mqtt=MqttSettings(port=broker.port), collector=settings, zone=ZoneInfo("Asia/Shanghai"))
        stage = CollectorStage(setup, store, ledger, clock)
        thread = threading.Thread(target=stage.run, args=(stop,), daemon=True)
        thread.start()
        assert wait_until(lambda: stage.health(datetime.now(UTC)).ok, 20)
        store.fault, base = away, now_ms() - 3 * 86_400_000
        for step, days in enumerate((0, -1, 0, 1, 0, -1, 1, 0)):
            if step == 4:
                store.fault = lambda call: None
            clock.off = timedelta(days=days)
            for i in range(25):
                devices.reading("D1", base + step * 1000 + i, 19.0)
                devices.raw("heatwatch/v1/D2/readings", f'{{"temperature_c": {10 + i}.{step}}}')
            devices.garbage("D3", f"garbage {step}")
            assert devices.delivered()
            arrived = 51 * (step + 1)
            assert wait_until(lambda n=arrived: _kept(stage) >= n, 20), _kept(stage)
        assert wait_until(lambda: ledger.journal.counters().get("received", 0) == 8 * 51, 30), ledger.journal.counters()
        assert stage.health(datetime.now(UTC)).ok
        stop.set()
        thread.join(20)
        counts = ledger.journal.counters()
    assert (counts["stored"], counts["quarantined"], counts.get("repeated", 0)) == (8 * 50, 8, 0)
    assert set(devices.sent) < set(store.rows)


def _kept(stage: CollectorStage) -> float:
    """Return how many packets are durable, in the store or in the spool."""
    numbers = {m.name.removeprefix("heatwatch_collector_"): m.value for m in stage.metrics() if not m.labels}
    return numbers["packets_total"] + numbers["spooled_packets_total"] - numbers["drained_packets_total"]


def test_clock_steps_lose_nothing(tmp_path):
    store, ledger, clock, stop = MemoryStore(), MemoryLedger(REGISTER), SteppingClock(), threading.Event()
    with mosquitto(tmp_path) as broker:
        setup = CollectorSetup(
            mqtt=MqttSettings(port=broker.port),
            collector=CollectorSettings(batch_wait_s=0.05),
            zone=ZoneInfo("Asia/Shanghai"),
        )
        stage = CollectorStage(setup, store, ledger, clock)
        thread = threading.Thread(target=stage.run, args=(stop,), daemon=True)
        thread.start()
        assert wait_until(lambda: stage.health(datetime.now(UTC)).ok, 20)
        devices, base = Publisher(broker.port), now_ms()
        for step, hours in enumerate((0, 2, 0, -1, 0)):
            clock.off = timedelta(hours=hours)
            for i in range(20):
                devices.reading("D1", base - 10_000_000 + step * 1000 + i, 19.0)
                devices.raw("heatwatch/v1/D2/readings", f'{{"temperature_c": {10 + i}.{step}}}')
            assert devices.delivered()
            assert wait_until(lambda s=step: ledger.journal.totals["received"] == 40 * (s + 1))
            assert stage.health(datetime.now(UTC)).ok
        stop.set()
        thread.join(20)
        devices.close()
    # Behind by an hour, the readings of the last two hours are still in the past: nothing is in the future.
    assert ledger.journal.totals["stored"] == len(store.rows) == 200
    assert sum(1 for device, _ in store.rows if device == "D2") == 100
