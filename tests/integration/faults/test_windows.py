"""Much on its way at once: a large window not acknowledged, retained readings by the thousand, a session taken."""

from __future__ import annotations

import json
import subprocess
import threading

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from parts import need
from peers.books import MemoryLedger, MemoryStore
from peers.collecting import Publisher, adds_up, instants, now_ms, wait_until
from peers.mosquitto import Mosquitto, mosquitto
from peers.stage import REGISTER, collecting

from heating.errors import StoreUnavailable

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def publish_lines(broker: Mosquitto, device: str, lines: list[str]) -> None:
    words = ["-q", "1", "-t", f"heatwatch/v1/{device}/readings", "-l"]
    subprocess.run(
        [need("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(broker.port), *words],
        input="\n".join(lines).encode(),
        check=True,
        timeout=60,
    )


def _kept() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    return properties


def test_broker_killed_while_twenty_thousand_are_not_acknowledged(tmp_path):
    """They come again unmarked, with the numbers that they had; acknowledgements of the first time reach nobody."""
    count, base = 20_000, now_ms() - 86_400_000
    with mosquitto(tmp_path, extra=("log_type notice",)) as broker:
        store, ledger = MemoryStore(), MemoryLedger(REGISTER)

        def away(call: str) -> None:
            raise StoreUnavailable("no route")

        with collecting(broker.port, store=store, ledger=ledger, receive_maximum=30_000) as running:
            store.fault = away
            publish_lines(broker, "D1", [json.dumps({"ts": base + i, "temperature_c": 19.0}) for i in range(count)])
            assert wait_until(lambda: running.metric("waiting_packets") == count), running.metric("waiting_packets")
            broker.save()
            broker.kill()
            broker.start()
            assert wait_until(lambda: running.metric("connections_total") == 2, 20)
            store.fault = lambda call: None
            assert wait_until(lambda: ledger.journal.totals["received"] == 2 * count), ledger.journal.totals
        assert set(store.rows) == {("D1", base + i) for i in range(count)}
        assert (ledger.journal.totals["stored"], ledger.journal.totals["repeated"]) == (count, count)
        assert wait_until(lambda: "Client heatwatch-collector disconnected" in broker.log.read_text(), 20)
        with collecting(broker.port) as running:
            publish_lines(broker, "D2", [json.dumps({"ts": base, "temperature_c": 19.0})])
            assert wait_until(lambda: running.ledger.journal.totals["stored"] == 1), running.ledger.journal.totals
            assert running.ledger.journal.totals["packets"] == 1, "not all was acknowledged"


def test_retained_readings_by_the_thousand_at_the_first_subscription(tmp_path):
    """One a topic, as a gateway leaves them behind: those with a time of their own count, once, the others never."""
    count = 3000
    with mosquitto(tmp_path) as broker:
        devices, base = Publisher(broker.port), now_ms() - 86_400_000
        for i in range(count):
            reading = {"ts": base + i, "temperature_c": 19.0} if i % 2 else {"temperature_c": 19.0}
            devices.raw(f"heatwatch/v1/X{i}/readings", json.dumps(reading), retain=True)
        for i in range(10):
            devices.raw(f"heatwatch/v1/D{i}/readings", json.dumps({"ts": base + i, "temperature_c": 19.0}), retain=True)
        assert devices.delivered()
        with collecting(broker.port, folder=str(tmp_path / "state"), receive_maximum=100) as running:
            totals = running.ledger.journal.totals
            assert wait_until(lambda: totals["packets"] == count + 10), totals
            assert (totals["stored"], totals["quarantined"], totals["ignored"]) == (10, count // 2, count // 2)
            assert adds_up(totals)
            broker.stop()
            broker.start()
            assert wait_until(lambda: running.metric("connections_total") == 2 and running.health() == "ok", 20)
            devices.reading("D1", now_ms(), 19.0)
            assert wait_until(lambda: totals["stored"] == 11)
            # What the broker had not heard of when it was stopped came again, but not all that is retained.
            assert totals["packets"] < 1.5 * count
        devices.close()


def test_a_session_taken_in_the_middle_of_a_batch(tmp_path, monkeypatch):
    """What we acknowledge after it reaches nobody; what the other did not acknowledge comes back to us."""
    monkeypatch.setattr("collector.attempts._DISPUTED_RECONNECT_S", (2, 4))
    gate = threading.Event()
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:
        running.store.fault = lambda call: gate.wait(30) and None
        devices = Publisher(broker.port)
        for ts in instants(200):
            devices.reading("D1", ts, 19.0)
        for i in range(20):
            devices.garbage("D2", f"garbage {i}")
        assert devices.delivered()
        assert wait_until(lambda: running.metric("waiting_packets") == 220)
        other = Client(
            CallbackAPIVersion.VERSION2, "heatwatch-collector", protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
        )
        taken: list[bytes] = []
        other.on_message = lambda _client, _data, message: taken.append(message.payload)
        other.connect("127.0.0.1", broker.port, clean_start=False, properties=_kept())
        other.loop_start()
        assert wait_until(lambda: len(taken) >= 20)
        gate.set()
        totals = running.ledger.journal.totals
        assert wait_until(lambda: totals["received"] == 220)
        assert wait_until(lambda: running.metric("connections_total") == 2 and totals["received"] == 440, 20), totals
        other.disconnect()
        other.loop_stop()
        other.on_message = None
        assert (totals["stored"], totals["quarantined"], totals["repeated"]) == (200, 20, 220)
        assert set(running.store.rows) == set(devices.sent)
        devices.close()
