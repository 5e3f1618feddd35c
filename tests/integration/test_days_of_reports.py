"""The points report says the same from rows of days as from readings, and reads readings only where it must."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from peers.influxd import influxd

from analyzer.analysis import Rules
from analyzer.settings import AnalyzerSettings
from analyzer.sweep import Sweeper
from dashboards.reports import PointsReport, days, points_paper
from dashboards.reports.paper import Value
from heating.instants import local_midnight, to_ms
from heating.ledger import open_ledger
from heating.ledger.port import Ledger
from heating.point_day import day_bounds
from heating.reading import Quality, Reading, ReadingSeries, ReadingTable
from heating.regulation import load_profile
from heating.site import HeatingState, HomeClass, MeasurementPoint, Outage, PointKind, SubjectType
from heating.store import open_store
from heating.store.port import ReadingStore

pytestmark = pytest.mark.integration

PROFILE = load_profile("enterprise")
HOUR = timedelta(hours=1)
NIGHTS = 6


def point(number: int, **more: Any) -> MeasurementPoint:
    base = {"station": "S", "building": str(number // 6), "unit": "1", "room": str(number), "floor": number % 6 + 1}
    return MeasurementPoint(point_id=f"P{number:02d}", device_id=f"D{number}", **{**base, **more})


POINTS = [point(n) for n in range(14)] + [
    point(14, heating_state=HeatingState.SUSPENDED),
    point(15, home_class=HomeClass.BUNGALOW, contract_day_c=19.0, contract_night_c=17.0),
    point(16, home_class=HomeClass.NONRESIDENTIAL, contract_day_c=18.5),
]


class Watched:
    """A store that remembers which raw readings were asked for."""

    def __init__(self, store: ReadingStore) -> None:
        self._store = store
        self.raw: list[tuple[tuple[str, ...], int, int]] = []

    def series(self, points: Sequence[str], start_ms: int, end_ms: int, **more: Any) -> ReadingSeries:
        self.raw.append((tuple(points), start_ms, end_ms))
        return self._store.series(points, start_ms, end_ms, **more)

    def readings(self, *given: Any, **more: Any) -> Any:
        raise AssertionError("reads raw readings")

    latest = grid = readings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Site:
    """A store and a ledger that a sweeper looks after, from a local midnight on."""

    def __init__(self, store: ReadingStore, ledger: Ledger, zone: str, first: date) -> None:
        self.store, self.ledger = store, ledger
        self.zone = ZoneInfo(zone)
        self.first = first
        self.start = local_midnight(first, self.zone)
        self.rules = Rules(AnalyzerSettings(), PROFILE, load_profile("tianjin"), self.zone)
        ledger.places.import_register(POINTS, {}, self.start, stamp="1")
        self.sweeper = self.restart()

    def restart(self) -> Sweeper:
        self.sweeper = Sweeper(self.rules, self.store, self.ledger)
        return self.sweeper

    def deliver(self, batch: list[Reading], now: datetime) -> None:
        table, newest = ReadingTable.of(batch), self.store.newest()
        late = sorted({r.point_id for r in batch if r.ts_ms < newest.get(r.device_id, 0)})
        self.store.write(table)
        self.ledger.journal.announce(int(table.ts_ms.min()), int(table.ts_ms.max()), late, now)

    def request(self, count: int = NIGHTS, **more: Any) -> PointsReport:
        last = self.first + timedelta(days=count - 1)
        return PointsReport(first=self.first, last=last, profile=PROFILE, zone=self.zone, **more)

    def end_of(self, day: int) -> datetime:
        return self.start + timedelta(milliseconds=day_bounds(self.first + timedelta(days=day), self.zone)[1]
                                      - to_ms(self.start))  # fmt: skip


def cells(site: Site, request: PointsReport, store: Any) -> list[tuple[Value, ...]]:
    paper = points_paper(request, store, site.ledger)
    lines = [row.cells for sheet in paper.sheets for row in sheet.rows]
    return [*lines, *((sheet.name, *sheet.lines, *sheet.notes) for sheet in paper.sheets)]


def same_both_ways(site: Site, monkeypatch: pytest.MonkeyPatch, request: PointsReport) -> Watched:
    """Compare what rows and readings say; return what was read of readings."""
    watched = Watched(site.store)
    ours = cells(site, request, watched)
    with monkeypatch.context() as patch:
        patch.setattr(days, "relied_on", lambda _: None)
        theirs = cells(site, request, site.store)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one == other
    return watched


def estate_readings(rng: np.random.Generator, start: datetime, days_: int) -> list[tuple[datetime, Reading]]:
    """Readings with their arrival: every 20 min with gaps, faults, values near the floors, some late by days."""
    rows = []
    for place, one in enumerate(POINTS):
        level = 15.5 + 4.5 * rng.random()
        at = start - timedelta(hours=3) + timedelta(seconds=int(rng.integers(0, 1200)))
        while at < start + timedelta(days=days_):
            value = round(float(level + rng.normal(0, 0.6)), 1)
            quality = Quality.SENSOR_FAULT if rng.random() < 0.01 else Quality(0)
            delay = timedelta(days=float(rng.random() * 6)) if rng.random() < 0.01 else timedelta(seconds=30)
            reading = Reading(
                kind=PointKind.ROOM, point_id=one.point_id, device_id=str(one.device_id), ts_ms=to_ms(at),
                temperature_c=value, quality=quality,
            )  # fmt: skip
            if place != 3 or at < start + timedelta(days=2):  # one falls silent for good
                rows.append((at + delay, reading))
            at += timedelta(minutes=20) * (1 if rng.random() > 0.01 else int(rng.integers(2, 60)))
    return sorted(rows, key=lambda row: row[0])


def run(site: Site, rows: list[tuple[datetime, Reading]], until: datetime, *, away: tuple[float, float]) -> None:
    """Deliver and sweep every 65 min; nobody sweeps between two hours of the run, and then a new process does."""
    rows, now = list(rows), site.start
    while now <= until:
        batch = [reading for at, reading in rows if at <= now]
        rows = rows[len(batch) :]
        if batch:
            site.deliver(batch, now)
        if not away[0] <= (now - site.start) / HOUR < away[1]:
            if away[1] <= (now - site.start) / HOUR < away[1] + 1.1:
                site.restart()
            site.sweeper.sweep(now)
        now += timedelta(minutes=65)
    # What came late for days that memory does not hold is read one gap a sweep.
    while site.ledger.findings.rolled_up().gaps:  # type: ignore[union-attr]
        site.sweeper.sweep(until)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(open_ledger(f"sqlite:///{tmp_path}/ledger.db")) as one:
        yield one


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReadingStore]:
    with closing(open_store(f"duckdb:///{tmp_path}/heat.duckdb", role="owner")) as one:
        yield one


@pytest.mark.parametrize(
    ("zone", "first", "seed"),
    [
        ("Asia/Shanghai", date(2026, 11, 20), 1),
        ("Asia/Kolkata", date(2026, 11, 20), 2),
        ("Europe/Berlin", date(2026, 10, 22), 3),  # the 25th has 25 hours
        ("Europe/Berlin", date(2027, 3, 25), 4),  # the 28th has 23 hours
    ],
)
def test_a_week_with_all_that_happens(
    store: ReadingStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, zone: str, first: date, seed: int
) -> None:
    site = Site(store, ledger, zone, first)
    rows = estate_readings(np.random.default_rng(seed), site.start, NIGHTS + 1)
    station = {"subject_type": SubjectType.STATION, "subject_id": "S"}
    building = {"subject_type": SubjectType.BUILDING, "subject_id": "S/1"}
    for id_, place, begin, end in (
        ("O1", station, 10.5, 13.25),
        ("O2", building, 44, 100),
        ("O3", building, 130, None),
    ):
        outage = Outage(
            outage_id=id_, reason="works", start=site.start + begin * HOUR, end=end and site.start + end * HOUR, **place
        )
        ledger.places.add_outage(outage, site.start)
    run(site, rows, site.end_of(NIGHTS), away=(60.2, 91))
    # Long after, somebody says that the last outage was over the same day, and corrects a contract.
    ledger.places.end_outage("O3", site.start + 135 * HOUR, site.end_of(NIGHTS))
    changed = [msgspec.structs.replace(p, contract_day_c=20.0) if p.contract_night_c else p for p in POINTS]
    ledger.places.import_register(changed, {}, site.end_of(NIGHTS), stamp="2")
    watched = same_both_ways(site, monkeypatch, site.request())
    asked = {start: set(points) for points, start, _ in watched.raw}
    heated = {p.point_id for p in POINTS if p.heating_state is HeatingState.ON}
    # The outage of the first day took a part of it at all heated points; later only who was touched is read.
    assert asked.pop(to_ms(site.start) - 90 * 60_000) == heated
    touched = {p.point_id for p in changed if p.building == "1" or p.contract_day_c == 20.0}
    assert {"P15"} < set().union(*asked.values()) <= touched


def test_a_season_reads_no_readings(store: ReadingStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(store, ledger, "Asia/Shanghai", date(2026, 11, 20))
    rows = estate_readings(np.random.default_rng(5), site.start, NIGHTS)
    run(site, rows, site.end_of(NIGHTS - 1) + HOUR, away=(30, 55))
    assert same_both_ways(site, monkeypatch, site.request()).raw == []
    building = same_both_ways(site, monkeypatch, site.request(building="S/1", hours=(0, 7, 23)))
    assert building.raw == []
    # Readings that no sweep has seen make it look at readings again, until one has.
    late = Reading(kind=PointKind.ROOM, point_id="P00", device_id="D0", ts_ms=to_ms(site.start) + 1, temperature_c=9.0)
    site.deliver([late], site.end_of(NIGHTS))
    assert [len(points) for points, _, _ in same_both_ways(site, monkeypatch, site.request()).raw] == [17]
    site.sweeper.sweep(site.end_of(NIGHTS - 1) + 2 * HOUR)
    assert same_both_ways(site, monkeypatch, site.request()).raw == []


def test_what_is_no_longer_kept_stays_as_it_was_judged(store: ReadingStore, ledger: Ledger) -> None:
    site = Site(store, ledger, "Asia/Shanghai", date(2026, 11, 20))
    run(
        site, estate_readings(np.random.default_rng(6), site.start, NIGHTS), site.end_of(NIGHTS - 1) + HOUR, away=(0, 0)
    )
    before = cells(site, site.request(), store)
    changed = [msgspec.structs.replace(p, contract_day_c=25.0) if p.contract_day_c else p for p in POINTS]
    ledger.places.import_register(changed, {}, site.end_of(NIGHTS), stamp="2")
    store.forget_before(to_ms(site.end_of(NIGHTS + 1)))
    after = cells(site, site.request(), store)
    lines = NIGHTS * len(POINTS)
    assert after[:lines] == before[:lines]
    assert "2 个测温点当日读数已不再保存" in " ".join(map(str, after[-1]))


@pytest.mark.influx
def test_a_season_on_influxdb_reads_no_readings(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with influxd(tmp_path / "influx") as server, closing(open_store(server.url(), role="owner")) as store:
        site = Site(store, ledger, "Asia/Shanghai", date(2026, 11, 20))
        run(site, estate_readings(np.random.default_rng(7), site.start, 3), site.end_of(2) + HOUR, away=(20, 45))
        assert same_both_ways(site, monkeypatch, site.request(3)).raw == []
