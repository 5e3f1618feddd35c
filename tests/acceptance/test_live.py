"""Contract §6, §8 and §9 on a running site: orders, late data, outages, steps of an order, the HTTP interface."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from parts import need
from peers.mosquitto import mosquitto
from peers.site import Site

pytestmark = pytest.mark.integration

POINTS = """point_id,device_id,station,building,unit,floor,floors_total,room,contact,phone
COLD,D-COLD,S1,1,1,1,6,101,张试验,00000000009
LATE,D-LATE,S1,2,1,3,6,301,,
OUT,D-OUT,S1,9,1,3,6,301,,
WARM,D-WARM,S1,3,1,3,6,301,,
"""
STEPS = ("issued", "contacted", "on_site", "resolved", "followed_up", "closed")
DUE = {"issued": 10, "contacted": 30, "answered": 60, "on_site": 120, "resolved": 1440}


class Live:
    """A running site and its publisher."""

    def __init__(self, site: Site, client: mqtt.Client) -> None:
        self.site = site
        self.client = client
        self.sent = 0
        self.began = datetime.now(UTC)

    def publish(self, point: str, celsius: float, minutes_ago: tuple[int, ...]) -> None:
        """Send readings and wait until the analyzer has seen them."""
        for minutes in minutes_ago:
            reading = {"ts": (self.began - timedelta(minutes=minutes)).isoformat(), "temperature_c": celsius}
            topic = f"heatwatch/v1/D-{point}/readings"
            self.client.publish(topic, json.dumps(reading), 1).wait_for_publish(10)
        self.sent += len(minutes_ago)
        self.site.wait("stored", lambda: self.site.counters().get("stored", 0) >= self.sent)
        self.let_sweeps_pass(2)

    def let_sweeps_pass(self, count: int) -> None:
        before = self.sweeps()
        self.site.wait("swept", lambda: self.sweeps() >= before + count)

    def sweeps(self) -> float:
        with urllib.request.urlopen(self.url("/metrics"), timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith("heatwatch_sweeps_total")), 0.0)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.site.console_port}{path}"

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url(path), data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def status(self, point: str) -> dict[str, Any]:
        homes = self.site.get("/api/v1/homes")["homes"]
        return next(row for row in homes if row["point_id"] == point)

    def breaches(self, point: str) -> list[dict[str, Any]]:
        span = f"?from={(datetime.now(UTC) - timedelta(days=1)).strftime('%Y-%m-%dT%H:%M:%SZ')}"
        found = self.site.get(f"/api/v1/findings{span}")["findings"]
        return [f for f in found if (f["kind"], f["subject"]["id"]) == ("cold_home", point)]

    def orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.site.get("/api/v1/orders")["orders"]
        return found


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    need("mosquitto")
    (tmp_path / "points.csv").write_text(POINTS, encoding="utf-8")
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker") as broker:
        site = Site(tmp_path, tmp_path / "points.csv", mqtt_port=broker.port, extra="[analyzer]\nevery_s = 0.5\n")
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        with site.running():
            site.wait("healthy", lambda: site.get("/healthz")["status"] == "ok")
            yield Live(site, client)
        client.disconnect()
        client.loop_stop()


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_day_at_the_control_room(live: Live) -> None:
    site = live.site
    outage = site.call("outage", "add", "S1/9", "--from", "2026-01-01", "--reason", "抢修").stdout.strip()
    live.publish("OUT", 12.0, (50, 30, 10))
    live.publish("WARM", 21.0, (50, 30, 10))
    live.publish("COLD", 12.0, (50, 30, 10))
    site.wait("an order", lambda: len(live.orders()) == 1)

    # Confirmed cold: one order with its clocks, the finding under one id everywhere.
    (order,) = site.ask("orders")
    (breach,) = live.breaches("COLD")
    assert (order["homes"], order["state"], order["findings"]) == (["S1/1/1/101"], "open", [breach["id"]])
    assert (breach["confirmed"], breach["end"]) == (True, None)
    begun = when(order["detected_at"])
    assert {step: (when(order["due"][step]) - begun) / timedelta(minutes=1) for step in DUE} == DUE
    said = site.ask("analyze", "--at", datetime.now(UTC).isoformat())
    assert [f["id"] for f in said["findings"] if f["kind"] == "cold_home"] == [breach["id"]]
    (row,) = [row for row in said["homes"] if row["status"] == "cold"]
    assert (row["point_id"], row["confirmed"], row["rank"], row["reasons"]) == ("COLD", True, 1, ["low_floor"])
    assert breach["id"] in site.call("explain", breach["id"], "--json").stdout
    assert live.status("COLD")["status"] == "cold"

    # A registered outage exempts, with its reason.
    assert live.breaches("OUT") == []
    (row,) = [row for row in said["homes"] if row["status"] == "exempt"]
    assert row["point_id"] == "OUT"
    assert "抢修" in row["why"]
    assert live.status("OUT")["status"] == "exempt"

    # Late data corrects the past: the start moves, the id stays; what is over opens no order.
    live.publish("COLD", 12.0, (110, 90, 70))
    site.wait("the start corrected", lambda: when(live.breaches("COLD")[0]["start"]) < when(breach["start"]))
    (earlier,) = live.breaches("COLD")
    assert earlier["id"] == breach["id"]
    assert round((when(breach["start"]) - when(earlier["start"])) / timedelta(minutes=1)) == 60
    live.publish("LATE", 21.0, (40, 20, 5))
    live.publish("LATE", 12.0, (180, 160, 140, 120))
    live.publish("LATE", 21.0, (100, 80, 60))
    site.wait("the past breach", lambda: [f["end"] is not None for f in live.breaches("LATE")] == [True])
    (past,) = live.breaches("LATE")
    assert round((when(past["end"]) - when(past["start"])) / timedelta(minutes=1)) == 80
    assert past["confirmed"]
    live.let_sweeps_pass(3)
    assert [o["id"] for o in live.orders()] == [order["id"]]

    # The outage ends: judged again from now on.
    site.call("outage", "end", outage)
    live.let_sweeps_pass(2)
    site.wait("cold, not confirmed", lambda: live.status("OUT")["status"] == "cold", 15)
    assert not live.status("OUT")["confirmed"]
    assert len(live.orders()) == 1

    # The steps of an order, and what is no step.
    assert live.post(f"/api/v1/orders/{order['id']}/events", {"kind": "teleported"})[0] == 400
    assert live.post("/api/v1/orders/WO-0/events", {"kind": "issued"})[0] == 404
    for step in STEPS:
        code, answer = live.post(f"/api/v1/orders/{order['id']}/events", {"kind": step, "text": "好"})
        assert code in (200, 201), answer
        assert answer["state"] == step
    assert live.orders() == []
    live.let_sweeps_pass(3)
    assert live.orders() == [], "the breach goes on, and has had its order"

    # The other side of the house.
    assert {row["point_id"] for row in site.get("/api/v1/homes")["homes"]} == {"COLD", "LATE", "OUT", "WARM"}
    assert len(site.get("/api/v1/points")["points"]) == 4
    assert site.get("/api/v1/inspections")["inspections"] == []
    paths = site.get("/schema/openapi.json")["paths"]
    for path in ("homes", "findings", "orders", "points", "inspections", "orders/{order_id}/events"):
        assert f"/api/v1/{path}" in paths
    assert "00000000009" not in json.dumps(site.get("/api/v1/points")), "telephone numbers stay where they belong"
    site.call("verify")
