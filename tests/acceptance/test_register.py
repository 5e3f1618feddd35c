"""Contract §3 by the commands: bad rows, devices that moved, whose register is in force."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from peers.site import Site

HEADER = "point_id,device_id,station,building,unit,floor,room"
P1, P2 = "P1,D1,S1,1,1,1,101", "P2,D2,S1,1,1,2,201"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, register(tmp_path, "points.csv", P1, P2))


def register(folder: Path, name: str, *rows: str) -> Path:
    file = folder / name
    file.write_text("\n".join((HEADER, *rows)) + "\n")
    return file


def now(site: Site) -> str:
    return datetime.now(ZoneInfo("Asia/Shanghai")).isoformat()


def load(site: Site, *rows: str) -> str:
    file = site.folder / "readings.csv"
    file.write_text("device_id,ts,temperature_c\n" + "\n".join(rows) + "\n")
    return site.call("import", "readings", str(file)).stderr


def stored(site: Site, point: str) -> list[tuple[str, str]]:
    span = ("--from", "2020-01-01", "--to", "2099-01-01", "--point", point)
    rows = csv.DictReader(io.StringIO(site.call("export", "readings", *span).stdout))
    return [(row["device_id"], row["temperature_c"]) for row in rows]


def test_every_bad_row_is_reported_and_nothing_imported(site: Site) -> None:
    """Import reports every bad row with line, column, value and reason, imports nothing if any row is bad."""
    broken = register(site.folder, "broken.csv", P1, "P2,D1,S1,1,1,2,201", "P3,D3,,1,1,zwei,301")
    for command, code in (("check", 1), ("import", 2)):
        done = site.call("points", command, str(broken), check=False)
        said = done.stdout + done.stderr
        assert done.returncode == code
        for part in ("line 3, device_id: 'D1'", "line 4, station", "line 4, floor: 'zwei'"):
            assert part in said
        assert "Traceback" not in said
    site.call("points", "import", str(site.folder / "points.csv"))
    assert site.call("points", "check", str(site.folder / "points.csv")).returncode == 0


def test_a_bad_row_that_is_skipped_leaves_its_point_as_it_was(site: Site) -> None:
    """`--skip-bad` skips the row; the point keeps its place and its device."""
    site.call("points", "import", str(site.folder / "points.csv"))
    site.call("points", "import", "--skip-bad", str(register(site.folder, "next.csv", P1, "P2,D2,S1,1,1,zwei,201")))
    load(site, f"D2,{now(site)},19.5")
    assert stored(site, "P2") == [("D2", "19.5")]


def test_an_imported_register_stays_though_site_points_is_another_file(site: Site) -> None:
    """Every stage imports `site.points` when the file has changed, and only then."""
    site.call("points", "import", str(site.folder / "points.csv"))
    load(site, "D1,2026-01-01T10:00,18.5")
    site.call("points", "import", str(register(site.folder, "moved.csv", "P1,D9,S1,1,1,1,101", P2)))
    assert "skipped" in load(site, f"D9,{now(site)},19.5", f"D1,{now(site)},25", "D9,2026-01-01T11:00,25")
    register(site.folder, "points.csv", "P1,D5,S1,1,1,1,101", P2)
    load(site)  # takes the changed file over; only what D5 measures from now on is of P1
    load(site, f"D5,{now(site)},20.5")
    assert stored(site, "P1") == [("D1", "18.5"), ("D9", "19.5"), ("D5", "20.5")]
