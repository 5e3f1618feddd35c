"""The measured series of four Chinese flats, through a real broker into the store, and what is found in them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from parts import need
from peers.mosquitto import mosquitto
from peers.site import Site

GOLDEN = Path(__file__).parent / "golden" / "rooms-cn.json"
SPAN = ("--from", "2017-12-28T00:00", "--to", "2018-02-01T00:00")

pytestmark = [pytest.mark.integration, pytest.mark.realdata, pytest.mark.slow]


def test_measured_readings_give_the_findings_on_record(tmp_path: Path) -> None:
    data = need("realdata") / "rooms-cn"
    with mosquitto(tmp_path) as broker:
        site = Site(tmp_path, data / "points.csv", mqtt_port=broker.port)
        with site.running("collector"):
            site.wait("subscribed: before, no session would keep the readings", lambda: "/status" in site.log)
            for name in ("readings.csv", "outdoor.csv"):
                site.call("replay", str(data / name), "--as-fast-as-possible")
            published = sum(_rows(data / name) for name in ("readings.csv", "outdoor.csv"))
            site.wait("all readings counted", lambda: site.counters().get("received", 0) >= published)
            while_running = site.ask("analyze", *SPAN)
        counted = site.counters()
        from_store = site.ask("analyze", *SPAN)
    from_files = site.ask(
        "analyze", "--points", str(data / "points.csv"), "--readings", str(data / "readings.csv"), *SPAN
    )

    assert _kept(counted) == published
    assert counted["received"] == _kept(counted) + counted.get("repeated", 0) + counted.get("ignored", 0)
    assert counted["quarantined"] == 50  # outdoor values near 6553: negative numbers read as unsigned
    assert while_running == from_store
    assert _essence(from_store) == _essence(from_files) == json.loads(GOLDEN.read_text("utf-8"))


def _kept(counters: dict[str, int]) -> int:
    return counters.get("stored", 0) + counters.get("quarantined", 0)


def _rows(file: Path) -> int:
    with file.open(encoding="utf-8") as text:
        return sum(1 for _ in csv.reader(text)) - 1


def _essence(analysis: dict[str, Any]) -> list[list[Any]]:
    """Return what must not change unnoticed: kind, place, interval, confirmed, severity of each finding."""
    return sorted(
        [f["kind"], f["subject"]["id"], f["start"], f["end"] or "", f["confirmed"], f["severity"]]
        for f in analysis["findings"]
    )
