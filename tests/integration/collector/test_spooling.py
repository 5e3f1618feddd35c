"""The store away: packets go to the spool, live ones flow while it drains, the cap presses back to the broker."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import pytest
from peers.books import MemoryLedger, MemoryStore
from peers.collecting import Publisher, now_ms, wait_until
from peers.mosquitto import mosquitto

from collector.settings import CollectorSettings, MqttSettings
from collector.stage import CollectorSetup, CollectorStage
from heating.clock import SystemClock
from heating.errors import StoreUnavailable
from heating.register import Register
from heating.site import MeasurementPoint

pytestmark = pytest.mark.integration

REGISTER = Register.of_points(MeasurementPoint(point_id=f"P{i}", device_id=f"D{i}", station="S1") for i in range(10))


def away(call: str) -> None:
    raise StoreUnavailable("no route")


def there(call: str) -> None:
    """All is well."""


class Plant:
    """A collector with a spool, on books that outlive it."""

    def __init__(self, folder, port, **settings):
        self.store, self.ledger = MemoryStore(), MemoryLedger(REGISTER)
        self.setup = CollectorSetup(
            mqtt=MqttSettings(port=port, version=settings.pop("version", "5")),
            collector=CollectorSettings(
                batch_wait_s=0.05, state_dir=str(folder / "state"), spool_after_s=0.0, **settings
            ),
            zone=ZoneInfo("Asia/Shanghai"),
        )

    @contextmanager
    def running(self):
        stage, stop = CollectorStage(self.setup, self.store, self.ledger, SystemClock()), threading.Event()
        thread = threading.Thread(target=stage.run, args=(stop,), daemon=True)
        thread.start()
        self.stage = stage
        try:
            assert wait_until(lambda: self.metric("subscribed") == 1, 20)
            yield self
        finally:
            stop.set()
            thread.join(20)
            assert not thread.is_alive()

    def metric(self, name: str) -> float:
        return next(m.value for m in self.stage.metrics() if m.name == f"heatwatch_collector_{name}")

    def publish(self, port: int, count: int, back_ms: int) -> Publisher:
        devices = Publisher(port, client_id=f"devices-{back_ms}")
        base = now_ms() - back_ms
        for i in range(count):
            devices.reading(f"D{i % 10}", base + i, 19.0)
        assert devices.delivered()
        devices.close()
        return devices


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_outage_goes_to_the_spool_and_is_drained_once(tmp_path, version):
    with mosquitto(tmp_path) as broker:
        plant = Plant(tmp_path, broker.port, version=version)
        with plant.running():
            plant.store.fault = away
            sent = plant.publish(broker.port, 1500, 10_000_000).sent
            assert wait_until(lambda: plant.metric("spooled_packets_total") == 1500), plant.stage.health
            assert not plant.store.rows
            plant.store.fault = there
            assert wait_until(lambda: len(plant.store.rows) == 1500)
            assert wait_until(lambda: plant.metric("spool_bytes") == 0)
        assert set(plant.store.rows) == set(sent)
        totals = plant.ledger.journal.totals
        assert (totals["received"], totals["stored"], totals["repeated"]) == (1500, 1500, 0)


def test_spool_outlives_the_process(tmp_path):
    with mosquitto(tmp_path) as broker:
        plant = Plant(tmp_path, broker.port)
        with plant.running():
            plant.store.fault = away
            sent = plant.publish(broker.port, 500, 10_000_000).sent
            assert wait_until(lambda: plant.metric("spooled_packets_total") == 500)
        plant.store.fault = there
        with plant.running():
            assert wait_until(lambda: len(plant.store.rows) == 500)
        assert set(plant.store.rows) == set(sent)


def test_what_rots_in_the_spool_is_quarantined_and_the_rest_stored(tmp_path):
    with mosquitto(tmp_path) as broker:
        plant = Plant(tmp_path, broker.port)
        with plant.running():
            plant.store.fault = away
            sent = plant.publish(broker.port, 500, 10_000_000).sent
            assert wait_until(lambda: plant.metric("spooled_packets_total") == 500)
        segment = max((tmp_path / "state" / "spool").glob("*.spool"), key=lambda file: file.stat().st_size)
        raw = bytearray(segment.read_bytes())
        raw[len(raw) // 2] ^= 0xFF
        segment.write_bytes(raw)
        plant.store.fault = there
        with plant.running():
            assert wait_until(lambda: plant.ledger.journal.totals["received"] == 500)
            assert plant.metric("spool_damaged_bytes") > 0
        totals, rows = plant.ledger.journal.totals, plant.ledger.journal.rows
        assert (totals["stored"], totals["quarantined"], totals["repeated"]) == (499, 1, 0)
        assert set(plant.store.rows) < set(sent)
        assert [(row.reason, row.topic.split("/")[0]) for row in rows] == [("damaged", "spool")]
        assert b"heatwatch/v1/D" in rows[0].payload or b"temperature_c" in rows[0].payload


def test_live_readings_do_not_wait_for_the_spool(tmp_path):
    with mosquitto(tmp_path) as broker:
        plant = Plant(tmp_path, broker.port, drain_per_s=20)
        with plant.running():
            plant.store.fault = away
            plant.publish(broker.port, 2000, 10_000_000)
            assert wait_until(lambda: plant.metric("spooled_packets_total") == 2000)
            plant.store.fault = there
            assert wait_until(lambda: plant.metric("write_blocked_seconds") == 0)
            live = plant.publish(broker.port, 100, 1000).sent
            assert wait_until(lambda: set(live) <= set(plant.store.rows), 10)
            assert plant.metric("spool_bytes") > 0


def test_full_spool_presses_back_and_nothing_is_lost(tmp_path):
    with mosquitto(tmp_path) as broker:
        plant = Plant(tmp_path, broker.port)
        with plant.running():
            plant.stage._courier.spool._cap = 50_000
            plant.store.fault = away
            sent = plant.publish(broker.port, 3000, 10_000_000).sent
            assert wait_until(lambda: plant.metric("spool_full") == 1)
            assert plant.metric("spooled_packets_total") < 3000
            plant.store.fault = there
            assert wait_until(lambda: len(plant.store.rows) == 3000), len(plant.store.rows)
            assert wait_until(lambda: plant.metric("spool_full") == 0)
        assert set(plant.store.rows) == set(sent)
        assert plant.ledger.journal.totals["stored"] == 3000


def test_mad_device_does_not_starve_the_others(tmp_path):
    with mosquitto(tmp_path) as broker:
        plant = Plant(tmp_path, broker.port, device_per_min=60, drain_per_s=200)
        with plant.running():
            mad = Publisher(broker.port, client_id="mad")
            base = now_ms() - 10_000_000
            for i in range(1500):
                mad.reading("D1", base + i, 19.0)
            good = Publisher(broker.port, client_id="good")
            for i in range(50):
                good.reading(f"D{2 + i % 8}", base + i, 19.0)
            assert wait_until(lambda: set(good.sent) <= set(plant.store.rows), 20)
            good.close()
            assert wait_until(lambda: plant.metric("deferred_packets_total") > 1000)
            assert wait_until(lambda: len(plant.store.rows) == 1550)
            mad.close()
        totals = plant.ledger.journal.totals
        assert (totals["stored"], totals["repeated"]) == (1550, 0)
