"""A site with a collector in a process of its own: start it, kill it, and compare its books with what was sent."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from peers.collector_child import Child

from collector.settings import CollectorSettings, MqttSettings
from heating.instants import to_ms
from heating.ledger import open_ledger
from heating.ledger.database import BUSY_S
from heating.site import MeasurementPoint
from heating.store import open_store

CHILD = Path(__file__).with_name("collector_child.py")
Key = tuple[str, int]


def wait_until(happens: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait until something happens, at most `seconds`; return whether it did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happens():
            return True
        time.sleep(0.05)
    return happens()


class Publisher:
    """Devices that publish with QoS 1 and keep what the broker has not acknowledged."""

    def __init__(self, port: int, *, client_id: str = "devices") -> None:
        self.sent: dict[Key, float] = {}
        self.bad = 0
        self._asked = 0
        self._answered = 0
        self._client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.max_inflight_messages_set(200)
        self._client.on_publish = self._on_publish
        self._client.reconnect_delay_set(1, 1)
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def reading(self, device: str, ts_ms: int, value: float) -> None:
        """Publish one reading that will be stored."""
        self.sent[device, ts_ms] = value
        self.raw(f"heatwatch/v1/{device}/readings", json.dumps({"ts": ts_ms, "temperature_c": value}))

    def garbage(self, device: str, payload: str | bytes) -> None:
        """Publish one packet that will be quarantined as one reading."""
        self.bad += 1
        self.raw(f"heatwatch/v1/{device}/readings", payload)

    def raw(self, topic: str, payload: str | bytes, *, qos: int = 1, retain: bool = False) -> None:
        if not qos:  # else it is thrown away while the connection is being made
            assert wait_until(self._client.is_connected)
        self._asked += 1
        self._client.publish(topic, payload, qos, retain)

    def _on_publish(self, *_: object) -> None:
        self._answered += 1

    @property
    def waiting(self) -> int:
        """Packets that the broker has not acknowledged yet."""
        return self._asked - self._answered

    def delivered(self, seconds: float = 60.0) -> bool:
        """Wait until the broker has acknowledged everything."""

        return wait_until(lambda: self._answered >= self._asked, seconds)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_publish = None  # without a cycle its sockets are closed at once


class Site:
    """A folder with store and ledger, and at most one collector process on them."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        devices: int = 20,
        store_url: str = "",
        ledger: Path | None = None,
        spool: bool = False,
        **mqtt: object,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.mqtt = MqttSettings(port=port, **mqtt)  # type: ignore[arg-type]
        self.collector = CollectorSettings(
            batch_wait_s=0.2, state_dir=str(folder / "state") if spool else "", spool_after_s=0.2
        )
        self.store_url = store_url or f"duckdb:///{folder}/readings.duckdb"
        self.ledger_busy_s = BUSY_S
        self.ledger_url = f"sqlite:///{ledger or folder}/ledger.sqlite"
        self.devices = [f"D{i:02d}" for i in range(devices)]
        self.process: subprocess.Popen[bytes] | None = None
        self._log_from = 0
        self._register()

    def _register(self) -> None:
        ledger = open_ledger(self.ledger_url)
        points = [
            MeasurementPoint(point_id=f"P-{d}", device_id=d, station="S1", building="1", unit="1", floor=i + 1, room=d)
            for i, d in enumerate(self.devices)
        ]
        ledger.places.import_register(points, {}, datetime.now(UTC), stamp="test")
        ledger.close()

    def start(self, *, after_s: float = 0.0) -> None:
        told = Child(
            mqtt=self.mqtt,
            collector=self.collector,
            store=self.store_url,
            ledger=self.ledger_url,
            start_after_s=after_s,
            ledger_busy_s=self.ledger_busy_s,
        )
        self._log_from = len(self.log())
        with (self.folder / "collector.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, CHILD, msgspec.json.encode(told).decode()], stdout=log, stderr=log
            )

    def subscribed(self, seconds: float = 30.0) -> bool:
        """Wait until the collector started last has its subscriptions."""
        return wait_until(
            lambda: self.log()[self._log_from :].count(" subscribed filter=") >= len(self.mqtt.topics), seconds
        )

    def freeze(self) -> None:
        """Let it stand still, with its connections open (SIGSTOP)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it with SIGTERM; return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(how)
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait(10)
            raise AssertionError(f"it does not end: {self.log()[-8000:]}") from None

    def counters(self) -> dict[str, int]:
        ledger = open_ledger(self.ledger_url)
        try:
            return ledger.journal.counters()
        finally:
            ledger.close()

    def stored(self) -> dict[Key, float]:
        """Return the rows of the store; only while no collector runs."""
        store = open_store(self.store_url, role="owner")
        found: dict[Key, float] = {}
        try:
            for table in store.readings(0, 4_000_000_000_000):
                for device, ts, value in zip(table.device, table.ts_ms, table.temperature_c, strict=True):
                    assert (device, int(ts)) not in found, "stored twice"
                    found[device, int(ts)] = float(value)
        finally:
            store.close()
        return found

    def quarantined(self) -> list[str]:
        ledger = open_ledger(self.ledger_url)
        try:
            return [row.reason for _, row in ledger.journal.quarantined(limit=100_000)]
        finally:
            ledger.close()

    def has(self, stored: int, quarantined: int = 0) -> bool:
        counts = self.counters()
        return counts.get("stored", 0) >= stored and counts.get("quarantined", 0) >= quarantined

    def log(self) -> str:
        file = self.folder / "collector.log"
        return file.read_text(errors="replace") if file.exists() else ""


def adds_up(counts: dict[str, int]) -> bool:
    """Tell whether received = stored + repeated + ignored + quarantined."""
    parts = (counts.get(name, 0) for name in ("stored", "repeated", "ignored", "quarantined"))
    return counts.get("received", 0) == sum(parts)


def now_ms() -> int:
    return to_ms(datetime.now(UTC))


def in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def instants(count: int, *, step_ms: int = 60_000) -> Iterable[int]:
    """Return `count` instants that end now."""
    end = now_ms()
    return (end - step_ms * (count - i) for i in range(count))
