"""The session with a real broker: restarts, retained readings, refusals, versions, dead threads."""

from __future__ import annotations

import json
import threading
import time

import pytest
from iotcore import Broker
from parts import free_port
from peers.books import MemoryLedger, MemoryStore
from peers.collecting import Publisher, instants, now_ms, wait_until
from peers.fake_broker import FakeBroker
from peers.mosquitto import mosquitto
from peers.stage import REGISTER, collecting

from collector.payloads import families
from collector.settings import TopicSettings
from heating.errors import StoreMisconfigured, StoreUnavailable

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_what_waits_in_the_broker_is_fetched_and_what_is_acknowledged_stays_away(tmp_path, version):
    with mosquitto(tmp_path) as broker:
        with collecting(broker.port, version=version):
            pass
        devices = Publisher(broker.port)
        for i, ts in enumerate(instants(300)):
            devices.reading(f"D{i % 10}", ts, 19.0)
        assert devices.delivered()
        with collecting(broker.port, version=version) as first:
            assert wait_until(lambda: len(first.store.rows) == 300)
        with collecting(broker.port, version=version) as second:
            devices.reading("D1", now_ms(), 20.0)
            assert wait_until(lambda: len(second.store.rows) == 1)
        devices.close()


def test_unacknowledged_come_again_after_an_outage_of_the_store(tmp_path):
    with mosquitto(tmp_path) as broker:
        store, ledger = MemoryStore(), MemoryLedger(REGISTER)

        def away(call: str) -> None:
            raise StoreUnavailable("no route")

        with collecting(broker.port, store=store, ledger=ledger) as running:
            store.fault = away
            devices = Publisher(broker.port)
            for i, ts in enumerate(instants(50)):  # also with QoS 2, which paho cannot be made to leave unacknowledged
                devices.raw("heatwatch/v1/D1/readings", json.dumps({"ts": ts, "temperature_c": 19.0}), qos=1 + i % 2)
            assert devices.delivered()
            assert wait_until(lambda: "no route" in running.health())
            assert running.metric("waiting_packets") > 0
        assert not store.rows
        store.fault = lambda call: None
        with collecting(broker.port, store=store, ledger=ledger):
            assert wait_until(lambda: len(store.rows) == 50)
        assert ledger.journal.totals["stored"] == 50
        devices.close()


def test_misconfigured_store_is_named_and_nothing_is_acknowledged(tmp_path):
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:

        def refuse(call: str) -> None:
            raise StoreMisconfigured("store.token_file: token refused")

        running.store.fault = refuse
        devices = Publisher(broker.port)
        devices.reading("D1", now_ms(), 19.0)
        assert wait_until(lambda: "store.token_file" in running.health())
        running.store.fault = lambda call: None
        assert wait_until(lambda: len(running.store.rows) == 1, 40)
        devices.close()


@pytest.mark.parametrize("persistence", [True, False])
def test_broker_restart_loses_nothing_that_it_still_had(tmp_path, persistence):
    with mosquitto(tmp_path, persistence=persistence) as broker, collecting(broker.port) as running:
        devices = Publisher(broker.port)
        for round_ in range(2):
            for i, ts in enumerate(instants(100)):
                devices.reading(f"D{i % 10}", ts - round_, 19.0)
            assert devices.delivered()
            assert wait_until(lambda n=round_: len(running.store.rows) == 100 * (n + 1))
            broker.stop()
            assert wait_until(lambda: running.health() != "ok")
            broker.start()
            # Without persistence the new session is empty: readings sent before we are back are nobody's.
            assert wait_until(lambda: running.health() == "ok")
        assert set(running.store.rows) == set(devices.sent)
        devices.close()


def test_late_acknowledgement_does_not_reach_a_new_session(tmp_path):
    """It would confirm packets of the same numbers that are not stored: who dies then has lost them."""
    with mosquitto(tmp_path, persistence=False) as broker:
        store, ledger, gate = MemoryStore(), MemoryLedger(REGISTER), threading.Event()

        def only_the_first_batch(call: str) -> None:
            gate.wait(20)
            if call == "unseen" and store.rows:
                raise StoreUnavailable("no route")

        store.fault = only_the_first_batch
        devices = Publisher(broker.port)
        with collecting(broker.port, store=store, ledger=ledger) as running:
            for ts in instants(5):
                devices.reading("D1", ts, 19.0)
            assert devices.delivered()
            broker.kill()
            broker.start()
            assert wait_until(lambda: running.health() == "ok")
            for ts in instants(5):
                devices.reading("D2", ts, 19.0)
            assert devices.delivered()
            assert wait_until(lambda: running.metric("waiting_packets") >= 10)
            gate.set()
            assert wait_until(lambda: "no route" in running.health())
            assert ledger.journal.totals["stored"] > 0
        assert not any(device == "D2" for device, _ in store.rows)
        store.fault = lambda call: None
        with collecting(broker.port, store=store, ledger=ledger):
            assert wait_until(lambda: sum(device == "D2" for device, _ in store.rows) == 5, 20)
        devices.close()


def test_half_open_connection_is_left(tmp_path):
    with mosquitto(tmp_path) as broker, collecting(broker.port, keepalive_s=5) as running:
        broker.pause()
        assert wait_until(lambda: running.health() != "ok", 30)
        broker.resume()
        devices = Publisher(broker.port)
        devices.reading("D1", now_ms(), 19.0)
        assert wait_until(lambda: len(running.store.rows) == 1, 40)
        devices.close()


def test_retained_readings_count_only_with_a_time_of_their_own(tmp_path):
    with mosquitto(tmp_path) as broker:
        devices = Publisher(broker.port)
        own = json.dumps({"ts": now_ms(), "temperature_c": 19.0})
        devices.raw("heatwatch/v1/D1/readings", own, retain=True)
        devices.raw("heatwatch/v1/D2/readings", '{"temperature_c": 19.0}', retain=True)
        devices.raw("heatwatch/v1/D3/status", '{"online": false}', retain=True)
        assert devices.delivered()
        with collecting(broker.port) as running:
            assert wait_until(lambda: running.ledger.journal.totals["packets"] == 3)
            assert [device for device, _ in running.store.rows] == ["D1"]
            assert running.ledger.journal.totals["ignored.retained"] == 1
            assert running.ledger.journal.totals["packets.status"] == 1
            assert running.ledger.journal.totals["received"] == 2
        devices.close()


def test_throwing_decoder_costs_one_packet(tmp_path, monkeypatch):
    def broken(topic, zone):
        def decode(topic, payload):
            raise RuntimeError("a bug")

        return decode

    monkeypatch.setitem(families.FAMILIES, "broken", broken)
    topics = (TopicSettings(filter="broken/#", decoder="broken"), TopicSettings(filter="heatwatch/v1/+/readings"))
    with mosquitto(tmp_path) as broker, collecting(broker.port, topics=topics) as running:
        devices = Publisher(broker.port)
        devices.raw("broken/one", "x")
        devices.reading("D1", now_ms(), 19.0)
        assert wait_until(lambda: len(running.store.rows) == 1)
        assert [row.reason for row in running.ledger.journal.rows] == ["decoder_failed"]
        assert running.health() == "ok"
        devices.close()


def test_refused_subscription_is_not_fresh():
    broker = FakeBroker(suback=0x87)
    with collecting(broker.port, ready=False, version="5") as running:
        assert wait_until(lambda: "refuses the subscription" in running.health(), 10), running.health()
        assert "Not authorized" in running.health()
    broker.close()


def test_stale_subscription_is_given_back(tmp_path):
    old = (TopicSettings(filter="old/+/readings"), TopicSettings(filter="heatwatch/v1/+/readings"))
    with mosquitto(tmp_path) as broker:
        with collecting(broker.port, topics=old, folder=str(tmp_path / "state")):
            pass
        with collecting(broker.port, folder=str(tmp_path / "state")) as running:
            devices = Publisher(broker.port)
            devices.raw("old/D1/readings", json.dumps({"ts": now_ms(), "temperature_c": 19.0}))
            devices.reading("D1", now_ms(), 19.0)
            assert wait_until(lambda: len(running.store.rows) == 1)
            assert running.ledger.journal.totals["ignored"] == 0
            devices.close()


def test_embedded_broker_without_mqtt5_is_served_by_falling_back():
    port = free_port()
    with Broker(port=port, listen="127.0.0.1", max_payload_size=1024 * 1024), collecting(port) as running:
        devices = Publisher(port)
        for i, ts in enumerate(instants(250)):
            devices.reading(f"D{i % 10}", ts, 19.0)
        assert wait_until(lambda: len(running.store.rows) == 250), len(running.store.rows)
        assert running.stage._session.link().version == "3.1.1"
        assert running.ledger.journal.totals["stored"] == 250
        devices.close()


def test_broker_that_is_not_there_at_first(tmp_path):
    port = free_port()
    with collecting(port, ready=False) as running:
        assert wait_until(lambda: "cannot be reached" in running.health(), 10)
        time.sleep(0.5)
        with mosquitto(tmp_path, extra=(f"listener {port} 127.0.0.1",)):
            assert wait_until(lambda: running.health() == "ok", 20)
            running.end()
