"""`analyze` from the store says what it says from files, however long a breach has lasted."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from peers.site import Site

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 1, 2, 9, tzinfo=ZONE)
AT = datetime(2026, 1, 20, 10, tzinfo=ZONE)
POINTS = ("long", "week", "kept-open", "warm", "gone")


def series(name: str) -> list[tuple[datetime, float]]:
    def value(at: datetime) -> float:
        if name == "warm":
            return 20.0
        if name == "week":
            return 15.0 if at >= AT - timedelta(days=7) else 20.0
        if name == "kept-open":  # cold for an hour ten days ago; since then neither below nor warm by day
            return 15.0 if at < AT - timedelta(days=9.9) else (18.1 if 6 <= at.hour < 21 else 15.0)
        return 15.0

    last = BEGIN + timedelta(days=3) if name == "gone" else AT
    return [(at, value(at)) for n in range(2000) if (at := BEGIN + timedelta(minutes=60 * n)) <= last]


def test_a_breach_of_weeks_begins_where_it_began(tmp_path: Path) -> None:
    rows = [f"{n},D-{n},S1,1,1,3,{n}" for n in POINTS]
    (tmp_path / "points.csv").write_text("point_id,device_id,station,building,unit,floor,room\n" + "\n".join(rows))
    readings = tmp_path / "readings.csv"
    lines = [f"D-{n},{at.isoformat()},{value}" for n in POINTS for at, value in series(n)]
    readings.write_text("device_id,ts,temperature_c\n" + "\n".join(lines) + "\n")
    site = Site(tmp_path, tmp_path / "points.csv")
    site.call("import", "readings", str(readings))
    files = ("--points", str(tmp_path / "points.csv"), "--readings", str(readings))
    stored, filed = (site.ask("analyze", *more, "--at", AT.isoformat()) for more in ((), files))
    assert by_point(stored) == by_point(filed)
    assert standing(stored) == standing(filed)
    since = {row["point_id"]: row["since"] for row in stored["homes"]}
    assert since["long"] == BEGIN.isoformat()
    assert since["week"] == (AT - timedelta(days=7)).isoformat()


def standing(analysis: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted((f for f in analysis["findings"] if f["end"] is None), key=lambda f: str(f["id"]))


def by_point(analysis: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(analysis["homes"], key=lambda row: str(row["point_id"]))
