"""Contract §4, packet by packet: each device is a case, published to a real broker and read back by the commands."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from parts import need
from peers.mosquitto import Mosquitto, mosquitto
from peers.site import Site

pytestmark = pytest.mark.integration

NOW_MS = int(time.time() * 1000)
T = NOW_MS - 3_600_000  # an hour ago, at a whole millisecond
MINUTE = 60_000
SERVER = "server"  # stored at the receive time


def one(ts: Any, **values: Any) -> dict[str, Any]:
    return {"ts": ts, **(values or {"temperature_c": 19.5})}


def text(document: Any) -> bytes:
    return json.dumps(document).encode()


def rfc(ms: int, fraction: str = "") -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000 + 8 * 3600)) + fraction + "+08:00"


@dataclass
class Sent:
    """What one device publishes and what must become of it: stored instants, quarantined (reason, index), others."""

    payloads: list[bytes]
    stored: list[Any] = field(default_factory=list)
    bad: list[tuple[str, int | None]] = field(default_factory=list)
    repeated: int = 0
    ignored: int = 0
    kind: str = "room"
    retain: bool = False
    topic: str = "readings"

    @property
    def received(self) -> int:
        return len(self.stored) + len(self.bad) + self.repeated + self.ignored


def ok(*payloads: Any, **more: Any) -> Sent:
    return Sent([p if isinstance(p, bytes) else text(p) for p in payloads], **more)


WHOLE = T // 1000 * 1000
HUGE = text({"readings": [one(T)], "pad": "x" * 70_000})
EXACT = text(one(T)).ljust(65_536)
CASES: dict[str, Sent] = {
    "rfc3339": ok(one(rfc(T)), stored=[WHOLE]),
    "rfc3339-fraction": ok(one(rfc(T, ".250")), stored=[WHOLE + 250]),
    "rfc3339-z": ok(one(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(T / 1000))), stored=[WHOLE]),
    "rfc3339-lower-case": ok(one(time.strftime("%Y-%m-%dt%H:%M:%Sz", time.gmtime(T / 1000))), stored=[WHOLE]),
    "seconds": ok(one(WHOLE // 1000), stored=[WHOLE]),
    "seconds-fraction": ok(one(WHOLE / 1000 + 0.5), stored=[WHOLE + 500]),
    "milliseconds": ok(one(T), stored=[T]),
    "microseconds": ok(one(T * 1000), stored=[T]),
    "nanoseconds": ok(one(T * 1_000_000), stored=[T]),
    "local": ok(one(rfc(T)[:19]), bad=[("no_offset", 0)]),
    "no-ts": ok({"temperature_c": 19.5}, stored=[SERVER]),
    "null-ts": ok(one(None), stored=[SERVER]),
    "1970": ok(one(0), stored=[SERVER]),
    "1999": ok(one("1999-12-31T23:59:59Z"), stored=[SERVER]),
    "2100": ok(one("2100-01-01T00:00:00Z"), bad=[("future", 0)]),
    "future-4-min": ok(one(NOW_MS + 4 * MINUTE), stored=[NOW_MS + 4 * MINUTE]),
    "future-20-min": ok(one(NOW_MS + 20 * MINUTE), bad=[("future", 0)]),
    "old": ok(one(NOW_MS - 400 * 86_400_000), stored=[NOW_MS - 400 * 86_400_000]),
    "clockless-repeat": ok({"temperature_c": 19.5}, {"temperature_c": 19.5}, stored=[SERVER], repeated=1),
    "clockless-batch": ok(
        {"readings": [{"temperature_c": 19.1}, {"temperature_c": 19.2}, {"temperature_c": 19.3}]},
        stored=[SERVER],
        bad=[("no_clock", 0), ("no_clock", 1)],
    ),
    "bad-in-the-middle": ok(
        {"readings": [one(T), one(T + MINUTE, temperature_c=999), one(T + 2 * MINUTE)], "battery_v": 2.9},
        stored=[T, T + 2 * MINUTE],
        bad=[("out_of_range", 1)],
    ),
    "texts-in-the-middle": ok(
        {"readings": [one(T), one(T + MINUTE, temperature_c="19.4"), "x", None, one(T + 2 * MINUTE)]},
        stored=[T, T + 2 * MINUTE],
        bad=[("wrong_type", 1), ("wrong_shape", 2), ("wrong_shape", 3)],
    ),
    "repeat": ok(one(T), one(T), one(T, temperature_c=25.0), stored=[T], repeated=2),
    "edge-low": ok(one(T, temperature_c=-30), stored=[T]),
    "edge-high": ok(one(T, temperature_c=60), stored=[T]),
    "under": ok(one(T, temperature_c=-30.01), bad=[("out_of_range", 0)]),
    "over": ok(one(T, temperature_c=60.01), bad=[("out_of_range", 0)]),
    "nan": ok(b'{"ts": %d, "temperature_c": NaN}' % T, bad=[("not_finite", 0)]),
    "nan-of-two": ok(
        b'{"readings": [{"ts": %d, "temperature_c": 19}, {"ts": %d, "temperature_c": NaN}]}' % (T, T + 1),
        stored=[T],
        bad=[("not_finite", 1)],
    ),
    "1e999": ok(
        b'{"readings": [{"ts": %d, "temperature_c": 1e999}, {"ts": %d, "temperature_c": 19}]}' % (T, T + 1),
        stored=[T + 1],
        bad=[("not_finite", 0)],
    ),
    "deep": ok(b'{"readings":' + b"[" * 20_000 + b"]" * 20_000 + b"}", bad=[("?", None)]),
    "empty": ok(b"", bad=[("not_json", None)]),
    "binary": ok(bytes(range(256)), bad=[("not_json", None)]),
    "number": ok(b"19.4", bad=[("?", None)]),
    "list": ok(b"[]", bad=[("?", None)]),
    "huge": ok(HUGE, bad=[("too_large", None)]),
    "exactly-64-kib": ok(EXACT, stored=[T]),
    "unknown-keys": ok({**one(T), "colour": "red", "deep": {"a": [1]}}, stored=[T]),
    "no-value": ok({"ts": T, "humidity_pct": 40}, bad=[("no_value", 0)]),
    "flags": ok({**one(T), "flags": ["low_battery", "moved", "sensor_fault", "other"]}, stored=[T]),
    "replayed": ok({"readings": [{**one(T), "replayed": True}]}, stored=[T]),
    "entry": ok({"ts": T, "supply_c": 150, "return_c": 0, "flow_m3h": 3.5}, stored=[T], kind="entry"),
    "entry-over": ok({"ts": T, "supply_c": 150.1, "return_c": 40}, bad=[("out_of_range", 0)], kind="entry"),
    "entry-under": ok({"ts": T, "supply_c": 50, "return_c": -0.1}, bad=[("out_of_range", 0)], kind="entry"),
    "entry-air": ok(one(T), bad=[("no_value", 0)], kind="entry"),
    "outdoor": ok(one(T, temperature_c=-60), stored=[T], kind="outdoor"),
    "outdoor-under": ok(one(T, temperature_c=-60.1), bad=[("out_of_range", 0)], kind="outdoor"),
    "retained": ok(one(T), stored=[T], retain=True),
    "retained-clockless": ok({"temperature_c": 19.5}, ignored=1, retain=True),
    "status": ok({"online": False, "ts": T}, topic="status"),
    "stranger": ok(one(T), bad=[("unknown_device", 0)]),
}
STRANGERS = {"stranger"}


@dataclass
class Outcome:
    site: Site
    rows: dict[str, list[dict[str, str]]]
    quarantine: dict[str, list[dict[str, Any]]]
    metrics: str


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    need("mosquitto")
    folder = tmp_path_factory.mktemp("wire")
    points = ["point_id,device_id,kind,station,building,floor,room"]
    points += [f"P-{n},{n},{c.kind},S1,1,3,{n}" for n, c in CASES.items() if n not in STRANGERS]
    (folder / "points.csv").write_text("\n".join(points) + "\n")
    with mosquitto(folder) as broker:
        publish(broker, {n: c for n, c in CASES.items() if c.retain})
        site = Site(folder, folder / "points.csv", mqtt_port=broker.port)
        with site.running("collector", "console"):
            site.wait("subscribed", lambda: "/status" in site.log)
            publish(broker, {n: c for n, c in CASES.items() if not c.retain})
            wanted = sum(case.received for case in CASES.values())
            site.wait("all counted", lambda: site.counters().get("received", 0) >= wanted, 30)
            with urllib.request.urlopen(f"http://127.0.0.1:{site.console_port}/metrics", timeout=10) as answer:
                metrics = answer.read().decode()
            exported = site.call("export", "readings", "--from", "2000-01-01", "--to", "2099-01-01").stdout
            rejected = site.ask("quarantine")
        rows: dict[str, list[dict[str, str]]] = {}
        for row in csv.DictReader(io.StringIO(exported)):
            rows.setdefault(row["device_id"], []).append(row)
        quarantine: dict[str, list[dict[str, Any]]] = {}
        for row in rejected:
            quarantine.setdefault(row["topic"].split("/")[2], []).append(row)
        yield Outcome(site, rows, quarantine, metrics)


def publish(broker: Mosquitto, cases: dict[str, Sent]) -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for name, case in cases.items():
        for payload in case.payloads:
            client.publish(f"heatwatch/v1/{name}/{case.topic}", payload, 1, case.retain).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("name", CASES)
def test_each_packet_becomes_what_the_contract_says(outcome: Outcome, name: str) -> None:
    case, rows, bad = CASES[name], outcome.rows.get(name, []), outcome.quarantine.get(name, [])
    assert len(rows) == len(case.stored)
    for row, wanted in zip(rows, case.stored, strict=True):
        got = epoch_ms(row["ts"])
        if wanted is SERVER:
            assert NOW_MS - MINUTE <= got <= NOW_MS + 5 * MINUTE
        else:
            assert got == wanted
    if [reason for reason, _ in case.bad] == ["?"]:
        assert len(bad) == 1
        return
    assert [(row["reason"], row["index"]) for row in bad] == case.bad


def test_counters_add_up(outcome: Outcome) -> None:
    counted = outcome.site.counters()
    wanted = Counter(
        stored=sum(len(c.stored) for c in CASES.values()),
        quarantined=sum(len(c.bad) for c in CASES.values()),
        repeated=sum(c.repeated for c in CASES.values()),
        ignored=sum(c.ignored for c in CASES.values()),
    )
    assert {key: counted.get(key, 0) for key in wanted} == wanted
    assert counted["received"] == sum(wanted.values())
    for key, count in wanted.items():
        assert re.search(rf"{key}\S* {count}(\.0)?$", outcome.metrics, re.M), outcome.metrics


def test_first_of_two_readings_wins(outcome: Outcome) -> None:
    assert [row["temperature_c"] for row in outcome.rows["repeat"]] == ["19.5"]


def test_quarantine_keeps_what_came(outcome: Outcome) -> None:
    keys = {"received_at", "topic", "reason", "index", "payload_b64", "length", "sha256"}
    for name in ("binary", "huge", "empty", "bad-in-the-middle"):
        (payload,) = CASES[name].payloads
        row = outcome.quarantine[name][0]
        assert keys <= set(row)
        assert base64.b64decode(row["payload_b64"]) == payload[:65_536]
        assert row["length"] == len(payload)
        assert row["sha256"] == hashlib.sha256(payload).hexdigest()
        assert row["topic"] == f"heatwatch/v1/{name}/readings"
        assert abs(epoch_ms(row["received_at"]) - NOW_MS) < 5 * MINUTE


def epoch_ms(instant: str) -> int:
    from datetime import datetime

    return round(datetime.fromisoformat(instant).timestamp() * 1000)
