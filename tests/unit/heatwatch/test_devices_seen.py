"""What a person is told of devices: whose clock is wrong, of whom numbers are missing, who is in no register."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heating.device_clock import ClockState, DeviceClock
from heating.ledger import open_ledger
from heating.ledger.port import ClockRecord, Ledger, Stranger
from heatwatch.cli import app

AT = datetime(2026, 11, 22, 2, tzinfo=UTC)
HEADER = "point_id,device_id,station,building,unit,floor,room\n"


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "heatwatch.toml"
        self.config.write_text(
            f'[site]\npoints = "{folder}/points.csv"\nlanguage = "en"\n'
            f'[store]\nurl = "duckdb:///{folder}/store.duckdb"\n[ledger]\nurl = "sqlite:///{folder}/ledger.sqlite"\n'
        )
        self.points("A1", "B2", "C3")
        self.ledger: Ledger = open_ledger(f"sqlite:///{folder}/ledger.sqlite")

    def points(self, *devices: str) -> None:
        rows = [f"P{i},{device},S1,1,1,{i + 1},{i + 1}01\n" for i, device in enumerate(devices)]
        (self.folder / "points.csv").write_text(HEADER + "".join(rows))

    def typed(self, *words: str) -> str:
        done = CliRunner().invoke(app, ["--config", str(self.config), *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    def clock(self, device: str, state: ClockState, skew_s: float, missing: int = 0) -> None:
        found = DeviceClock(
            device_id=device, state=state, skew_s=skew_s, drift_s_per_day=None, packets=9, missing=missing, at=AT
        )
        self.ledger.journal.note_clocks([ClockRecord(found)])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.ledger.close()


def test_clocks_the_worst_first_with_what_to_do(site: Site) -> None:
    site.clock("A1", ClockState.GOOD, -2.0)
    site.clock("B2", ClockState.GOOD, -3.0, missing=4)
    site.clock("C3", ClockState.LOCAL_AS_UTC, 28_791.0)
    site.clock("gone", ClockState.AHEAD, 999.0)
    rows = json.loads(site.typed("devices", "clocks", "--json"))
    assert [(row["device_id"], row["point_id"], row["state"], row["missing"]) for row in rows] == [
        ("C3", "P2", "local_as_utc", 0),
        ("B2", "P1", "good", 4),
    ]
    assert rows[0]["advice"].startswith("8 h 00 min ahead: the device sends local time as UTC")
    assert rows[0]["at"] == "2026-11-22T10:00:00.000+08:00"
    assert len(json.loads(site.typed("devices", "clocks", "--all", "--json"))) == 3
    shown = site.typed("devices", "clocks")
    assert "3 devices: 2 good, 1 local_as_utc; 4 sequence numbers never came" in shown


def test_a_device_is_unknown_until_it_is_in_the_register_in_whatever_case(site: Site) -> None:
    def seen(device: str) -> Stranger:
        return Stranger(
            device_id=device, topic="t", first_seen=AT, last_seen=AT, reading={"ts_ms": 0, "temperature_c": 19.5}
        )

    site.ledger.journal.note_strangers([seen("24e124136b502217"), seen("24e124136b509999")])
    rows = json.loads(site.typed("points", "unknown", "--json"))
    assert [(row["device_id"], row["reading"]) for row in rows] == [
        ("24e124136b502217", {"ts": "1970-01-01T08:00:00.000+08:00", "temperature_c": 19.5}),
        ("24e124136b509999", {"ts": "1970-01-01T08:00:00.000+08:00", "temperature_c": 19.5}),
    ]
    site.points("A1", "B2", "C3", "24E124136B502217")
    site.typed("points", "import", str(site.folder / "points.csv"))
    assert [one.device_id for one in site.ledger.journal.strangers()] == ["24e124136b509999"]
    assert [row["device_id"] for row in json.loads(site.typed("points", "unknown", "--json"))] == ["24e124136b509999"]
