"""The machine's clock steps: readings with a time of their own are judged by the clock as it is, none is lost."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from peers.books import MemoryLedger, MemoryStore
from peers.collecting import Publisher, now_ms, wait_until
from peers.mosquitto import mosquitto

from collector.settings import CollectorSettings, MqttSettings
from collector.stage import CollectorSetup, CollectorStage
from heating.clock import SystemClock
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
