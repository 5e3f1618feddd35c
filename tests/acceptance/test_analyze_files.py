"""Contract §6 and §7 by `heatwatch analyze` on two files, without a server; few calls with many homes each."""

from __future__ import annotations

import csv
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from peers.site import HEATWATCH

DAY = "2026-11-22T"
COLUMNS = (
    *("point_id", "device_id", "kind", "station", "branch", "branch_distance_m", "network_end", "building", "unit"),
    *("floor", "floors_total", "room", "home_class", "contract_day_c", "contract_night_c", "heating_state"),
)


@dataclass
class Estate:
    """Homes under test and what their sensors sent."""

    folder: Path
    points: list[dict[str, Any]] = field(default_factory=list)
    readings: list[str] = field(default_factory=list)

    def home(self, point_id: str, *readings: tuple[str, float], **columns: Any) -> None:
        """Add a home on the fifth floor of six; times without a date are of `DAY`."""
        place = {"station": "S1", "building": "1", "unit": "1", "floor": 5, "floors_total": 6, "room": point_id}
        self.points.append({"point_id": point_id, "device_id": f"D-{point_id}", **place, **columns})
        self.readings += [f"D-{point_id},{t if '-' in t else DAY + t},{value}" for t, value in readings]

    def said(self, *span: str, config: str = "") -> dict[str, Any]:
        """Return what `analyze --json` says."""
        with (self.folder / "points.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.points)
        (self.folder / "readings.csv").write_text("\n".join(["device_id,ts,temperature_c", *self.readings]) + "\n")
        done = self.call(*span, config=config)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def call(self, *span: str, config: str = "") -> subprocess.CompletedProcess[str]:
        options = []
        if config:
            (self.folder / "site.toml").write_text(config)
            options = ["--config", "site.toml"]
        files = ("--points", "points.csv", "--readings", "readings.csv")
        command = [*HEATWATCH, *options, "analyze", *files, *span, "--json"]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder, timeout=60)


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(tmp_path)


def rows(said: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["point_id"]: row for row in said["homes"]}


def breaches(said: dict[str, Any], point: str) -> list[dict[str, Any]]:
    return [f for f in said["findings"] if (f["kind"], f["subject"]["id"]) == ("cold_home", point)]


def at(clock: str) -> str:
    return f"{DAY}{clock}:00+08:00"


def test_rows_and_findings_have_the_fields_of_the_contract(estate: Estate) -> None:
    """§7: `homes`: one row a room point; names, types and nulls."""
    estate.home("cold", ("10:00", 16.8), ("10:30", 16.8), floor=1, network_end="yes")
    estate.home("ok", ("10:00", 18.0))
    estate.home("a/b", ("10:00", 20), station="S/1", building="3/a", unit="u/1", room="5/1")
    estate.home("roomless", ("10:00", 20), room="")
    estate.home("none")
    estate.home("silent", ("08:00", 17.0))
    estate.home("entry", kind="entry", floor="", room="")
    estate.home("outdoor", ("10:00", -5), kind="outdoor", building="")
    said = estate.said("--at", f"{DAY}10:40")
    homes = rows(said)
    assert (said["schema"], said["profile"], said["legal"]) == (1, "enterprise", "tianjin")
    assert said["to"] == at("10:40")
    assert list(homes) == ["cold", "ok", "a/b", "roomless", "none", "silent"]
    assert homes["cold"] == {
        "point_id": "cold",
        "home": "S1/1/1/cold",
        "status": "cold",
        "confirmed": True,
        "temperature_c": 16.8,
        "measured_at": at("10:30"),
        "window": "day",
        "floor_c": 18.0,
        "target_c": 18.0,
        "deficit_k": 1.2,
        "since": at("10:00"),
        "legal_status": "cold",
        "rank": 1,
        "score": 2.4,
        "reasons": ["low_floor", "network_end"],
        "why": None,
    }
    assert homes["a/b"]["home"] == "S%2F1/3%2Fa/u%2F1/5%2F1"
    assert homes["roomless"]["home"] != homes["ok"]["home"]
    nothing = {"deficit_k": None, "score": None, "rank": None, "since": None, "confirmed": False}
    for point, temperature in (("ok", 18.0), ("silent", 17.0), ("none", None)):
        assert {key: homes[point][key] for key in nothing} == nothing
        assert homes[point]["temperature_c"] == temperature
    assert [homes[point]["status"] for point in ("ok", "none", "silent")] == ["ok", "unknown", "unknown"]
    (breach,) = breaches(said, "cold")
    assert (breach["subject"], breach["start"], breach["end"]) == ({"type": "point", "id": "cold"}, at("10:00"), None)
    assert (breach["confirmed"], breach["severity"]) == (True, "major")
    assert set(breach["cause"]) == {"scope", "side", "confidence"}
    assert isinstance(breach["evidence"], dict)
    assert {f["id"] for f in said["findings"]} == {f["id"] for f in estate.said("--at", f"{DAY}10:40")["findings"]}
    later = estate.said("--from", f"{DAY}09:00", "--to", f"{DAY}10:50")
    assert breaches(later, "cold")[0]["id"] == breach["id"], "from files ids come from kind, subject and start"


def test_the_order_of_visits(estate: Estate) -> None:
    """§6: confirmed before unconfirmed, then score, then the longer breach, then point_id; one rank a home."""
    two = (("10:00", 17.0), ("10:30", 17.0))
    estate.home("plain", *two)
    estate.home("longer", ("09:50", 17.0), *two)
    estate.home("also", *two)
    estate.home("low-2", *two, floor=2)
    estate.home("low-unknown", *two, floor=2, floors_total="")
    estate.home("cottage", *two, floor=1, floors_total=2)
    estate.home("three", *two, floor=2, floors_total=3)
    estate.home("third-floor", *two, floor=3)
    estate.home("near", *two, branch="B", branch_distance_m=79.9)
    estate.home("far", *two, branch="B", branch_distance_m=80)
    estate.home("farthest", *two, branch="B", branch_distance_m=100, network_end="no")
    estate.home("same-1", *two, branch="C", branch_distance_m=100)
    estate.home("same-2", *two, branch="C", branch_distance_m=100)
    estate.home("unconfirmed", ("10:30", 10.0))
    estate.home("hall", ("10:00", 17.5), ("10:30", 17.5), room="501")
    estate.home("bedroom", ("10:00", 15.5), ("10:30", 15.5), room="501")
    for point in estate.points:
        point["branch"] = point.get("branch", "A")
        point["building"] = point["branch"]
    homes = rows(estate.said("--at", f"{DAY}10:30"))
    reasons = {point: row["reasons"] for point, row in homes.items() if row["reasons"]}
    low, end = ["low_floor"], ["network_end"]
    assert reasons == {"low-2": low, "low-unknown": low, "three": low, "far": end}
    ranked = sorted((row["rank"], point) for point, row in homes.items() if row["rank"] is not None)
    alike = ["also", "cottage", "farthest", "near", "plain", "same-1", "same-2", "third-floor"]
    assert ranked == list(
        enumerate(["bedroom", "far", "low-2", "low-unknown", "three", "longer", *alike, "unconfirmed"], start=1)
    )
    assert (homes["hall"]["status"], homes["hall"]["rank"], homes["hall"]["score"]) == ("cold", None, 0.5)


def test_severity(estate: Estate) -> None:
    """§7: minor below 1 K, major from 1 K, critical from 4 K or under 12 °C."""
    wanted = {17.01: "minor", 17.0: "major", 14.01: "major", 14.0: "critical"}
    for value in wanted:
        estate.home(str(value), ("10:00", value))
    bungalow = {"home_class": "bungalow", "floor": "", "contract_day_c": 12.5}
    estate.home("12.0", ("10:00", 12.0), **bungalow)
    estate.home("11.99", ("10:00", 11.99), **bungalow)
    said = estate.said("--at", f"{DAY}10:10")
    severities = {point: breaches(said, point)[0]["severity"] for point in rows(said)}
    assert severities == {**{str(v): s for v, s in wanted.items()}, "12.0": "minor", "11.99": "critical"}


def test_a_span_tells_what_meets_it_and_the_status_at_its_end(estate: Estate) -> None:
    """§7: status at `--to`; readings after it are not used; silence ends nothing."""
    estate.home("before", ("07:00", 17.0), ("07:40", 19.0), ("08:30", 19.0), ("11:50", 19))
    estate.home("inside", ("10:00", 17.0), ("10:40", 18.3), ("11:10", 18.3), ("11:50", 18.1))
    estate.home("after", ("12:00", 19.0), ("12:00:00.001", 15.0))
    estate.home("silent", ("09:00", 17.0), ("09:40", 17.0))
    estate.home("again", ("08:00", 17.0), ("10:30", 17.9), ("11:00", 17.9), ("11:55", 18.2))
    said = estate.said("--from", f"{DAY}09:30", "--to", f"{DAY}12:00")
    assert (said["from"], said["to"]) == (at("09:30"), at("12:00"))
    found = {point: [(f["start"], f["end"], f["confirmed"]) for f in breaches(said, point)] for point in rows(said)}
    assert found == {
        "before": [],
        "inside": [(at("10:00"), at("10:40"), False)],  # one reading confirms nothing
        "after": [],
        "silent": [(at("09:00"), None, True)],
        "again": [(at("08:00"), None, True)],
    }
    assert {point: row["status"] for point, row in rows(said).items()} == {
        "before": "ok", "inside": "ok", "after": "ok", "silent": "unknown", "again": "ok",
    }  # fmt: skip


def test_seasons_zone_and_margins_come_from_the_configuration(estate: Estate) -> None:
    """§2 keys reach the rule; local times are of `site.timezone`, an ambiguous hour means the first."""
    config = (
        '[site]\ntimezone = "America/New_York"\nseasons = [{from = 2026-10-31, to = 2026-11-01}]\n'
        "[analyzer]\nstale_after_min = 60\nconfirm_min = 10\n"
    )
    sunday = "2026-11-01T"
    estate.home("night", (sunday + "01:30", 15.0), (sunday + "01:40", 15.0))
    estate.home("morning", (sunday + "05:50", 17.0), (sunday + "06:10", 17.0))
    first = rows(estate.said("--at", sunday + "01:45", config=config))
    assert (first["night"]["status"], first["night"]["confirmed"]) == ("cold", True)
    assert first["night"]["since"] == sunday + "01:30:00-04:00"
    second = rows(estate.said("--at", sunday + "01:45:00-05:00", config=config))
    assert second["night"]["status"] == "unknown", "an hour later by the clock on the wall is 65 minutes"
    said = rows(estate.said("--at", sunday + "06:10", config=config))["morning"]
    assert (said["status"], said["confirmed"], said["since"]) == ("cold", True, sunday + "06:00:00-05:00")
    estate.readings.append("D-morning,2026-11-01T23:50,12")
    last, out = (rows(estate.said("--at", t, config=config))["morning"] for t in (sunday + "23:59", "2026-11-02T00:00"))
    assert (last["status"], out["status"], out["why"]) == ("cold", "exempt", "season")


def test_readings_files_as_people_have_them(estate: Estate) -> None:
    """§4: times as on the wire or local; blank cells are absent, extra columns ignored, unknown devices counted."""
    for number in range(9):
        estate.home(f"P{number}")
    estate.said("--at", f"{DAY}10:20")
    instants = (
        "1795312800", "1795312800000", "1795312800000000", "1795312800000000000", "1795312800.0",
        "2026-11-22T02:00:00Z", "2026-11-22 10:00", "2026-11-22T10:00:00.000+08:00",
    )  # fmt: skip
    lines = [f"x,{t},D-P{n},19.{n},," for n, t in enumerate(instants)]
    lines += ["x,2026-11-22T10:00,D-P8,,40,", "x,2026-11-22T10:00,STRANGER,1,,", "x,2026-11-22T10:05,STRANGER,1,,", ""]
    file = estate.folder / "readings.csv"
    file.write_text("\ufeffextra,ts,device_id,temperature_c,humidity_pct,more\r\n" + "\r\n".join(lines))
    done = estate.call("--at", f"{DAY}10:20")
    homes = rows(json.loads(done.stdout))
    assert [(homes[f"P{n}"]["temperature_c"], homes[f"P{n}"]["measured_at"]) for n in range(8)] == [
        (float(f"19.{n}"), at("10:00")) for n in range(8)
    ]
    assert homes["P8"]["temperature_c"] is None
    assert "2 of 1 devices" in done.stderr
    for bad in ("warm", "NaN"):
        file.write_text(f"device_id,ts,temperature_c\nD-P1,2026-11-22T10:00,19\nD-P2,2026-11-22T10:00,{bad}\n")
        done = estate.call("--at", f"{DAY}10:20")
        assert (done.returncode, done.stdout) == (2, "")
        assert "line 3" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
