"""The pipeline on InfluxDB says what it says on the embedded store, row by row, from the same readings."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from contract.storekit import all_rows, lines_of
from peers.influxd import influxd
from peers.site import Site

from analyzer.stage import AnalyzerStage
from heating.clock import ManualClock
from heating.ledger import open_ledger
from heating.measurement import ROLL_UPS, Measurement
from heating.store import open_store
from heatwatch.config import load_settings
from heatwatch.judging import rules_of

pytestmark = [pytest.mark.integration, pytest.mark.influx, pytest.mark.slow]

START, MIDDLE, END = (datetime(2026, 1, 10, tzinfo=UTC) + timedelta(hours=hours) for hours in (-8, 16, 28))
SPAN = ("--from", "2026-01-10T00:00", "--to", "2026-01-11T12:00")
DAYS = ("--from", "2026-01-10", "--to", "2026-01-11")
STORES = ("embedded", "influx")


@dataclass(frozen=True)
class Estate:
    """Files of a simulated estate: the register, and its readings in three parts as they reach the site."""

    points: Path
    parts: tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Eighty homes for a day and a half with the faults of the demo; some devices are cut off for hours."""
    folder = tmp_path_factory.mktemp("estate")
    (folder / "points.csv").touch()
    made = ("--homes", "80", "--seed", "7", "--out", str(folder), *SPAN)
    Site(folder, folder / "points.csv").call("simulate", *made)
    with (folder / "readings.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    parts: tuple[list[list[str]], ...] = ([], [], [])
    for row in rows:
        parts[_part(row[header.index("device_id")], row[header.index("ts")])].append(row)
    assert all(parts), "each part must have readings"
    names = (folder / "until-16.csv", folder / "after-16.csv", folder / "cut-off.csv")
    for name, part in zip(names, parts, strict=True):
        with name.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *part])
    return Estate(folder / "points.csv", names)


def _part(device: str, ts: str) -> int:
    at = datetime.fromisoformat(ts)
    cut_off = sum(device.encode()) % 5 == 0 and MIDDLE - timedelta(hours=7) <= at < MIDDLE + timedelta(hours=1)
    return 2 if cut_off else int(at >= MIDDLE)


@pytest.fixture(scope="module")
def sites(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """The same readings on both stores, judged in the evening, next noon, and when late ones have come."""
    with influxd(tmp_path_factory.mktemp("influx")) as server:
        found = {}
        for name, url in zip(STORES, ("duckdb:///store.duckdb", server.url()), strict=True):
            site = found[name] = Site(tmp_path_factory.mktemp(name), estate.points, store=url)
            site.call("points", "import", str(estate.points))
            for part, now in zip(estate.parts, (MIDDLE, END, END + timedelta(minutes=1)), strict=True):
                site.call("import", "readings", str(part))
                sweep(site, now)
        yield found


def sweep(site: Site, now: datetime) -> None:
    """Let the analyzer's stage sweep once, as `heatwatch run analyzer` at that instant would."""
    settings = load_settings(site.config)
    with (
        closing(open_store(settings.store.url, role="owner")) as store,
        closing(open_ledger(settings.ledger.url)) as ledger,
    ):
        stage = AnalyzerStage(rules_of(settings), store, ledger, ManualClock(now))
        stage.attempt()
        assert {m.name: m.value for m in stage.metrics()}["heatwatch_sweeps_total"] == 1, stage.health(now).text


def same_rows(of: Callable[[Site], list[object]], sites: dict[str, Site]) -> list[object]:
    """Compare row by row; return the rows."""
    ours, theirs = (of(sites[name]) for name in STORES)
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        assert one == other, f"row {number}"
    assert len(ours) == len(theirs)
    assert ours, "nothing to compare"
    return ours


def stored(site: Site, read: Callable[[object], list[object]]) -> list[object]:
    with closing(open_store(load_settings(site.config).store.url, role="owner")) as store:
        return read(store)


def test_the_same_readings_are_stored(sites: dict[str, Site]) -> None:
    assert len(same_rows(lambda site: stored(site, all_rows), sites)) > 80 * 72


@pytest.mark.parametrize("measurement", ROLL_UPS)
def test_the_same_roll_ups_are_written(sites: dict[str, Site], measurement: Measurement) -> None:
    def rows(site: Site) -> list[object]:
        return stored(site, lambda store: lines_of(store.rollup(measurement, 0, 10**14)))  # type: ignore[attr-defined]

    if rows(sites["embedded"]):
        same_rows(rows, sites)
    else:
        assert measurement not in _OF_THE_CONTRACT
        assert not rows(sites["influx"])


_OF_THE_CONTRACT = (
    Measurement.HOME_STATUS, Measurement.BUILDING_STATUS, Measurement.BRANCH_STATUS, Measurement.STATION_STATUS,
    Measurement.ROOM_HOUR,
)  # fmt: skip


def test_the_same_findings_are_in_the_ledger(sites: dict[str, Site]) -> None:
    def rows(site: Site) -> list[object]:
        site.call("export", "findings", *SPAN, "--out", "findings.csv")
        with (site.folder / "findings.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    found = same_rows(rows, sites)
    kinds = Counter(row["kind"] for row in found)  # type: ignore[index]
    assert kinds["cold_home"] > 5
    assert len(kinds) > 2, "the faults of the estate must be worth comparing"


def test_analyze_says_the_same(sites: dict[str, Site]) -> None:
    ours, theirs = (json.loads(sites[name].call("analyze", *SPAN, "--json").stdout) for name in STORES)
    for part in ("homes", "findings"):
        for one, other in zip(ours[part], theirs[part], strict=True):
            assert one == other
    assert ours == theirs
    assert len(ours["homes"]) >= 80


@pytest.mark.parametrize(
    ("report", "options"), [("points", DAYS), ("rounds", ("--at", "2026-01-11T12:00")), ("completeness", DAYS)]
)
def test_the_papers_say_the_same(sites: dict[str, Site], report: str, options: tuple[str, ...]) -> None:
    def rows(site: Site) -> list[object]:
        site.call("report", report, *options, "--out", f"{report}.csv")
        with (site.folder / f"{report}.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))

    same_rows(rows, sites)


def test_readings_are_exported_the_same(sites: dict[str, Site]) -> None:
    same_rows(lambda site: site.call("export", "readings", *SPAN).stdout.splitlines(), sites)
