"""Sweeps over the real store and ledger come to what one pass says, across a restart and late data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analyzer.analysis import Observations, Rules, Span, analyze
from analyzer.estate import Estate
from analyzer.memory import SHARED
from analyzer.settings import AnalyzerSettings
from analyzer.sweep import Sweeper
from heating.finding import Finding
from heating.instants import to_ms
from heating.ledger import open_ledger
from heating.ledger.port import BatchIntent, Ledger
from heating.measurement import Measurement
from heating.reading import KindCode, Reading, ReadingTable
from heating.register import Register
from heating.regulation import load_profile
from heating.site import MeasurementPoint, PointKind
from heating.store import ReadingStore, open_store

START = datetime(2026, 11, 21, 20, tzinfo=UTC)
RULES = Rules(AnalyzerSettings(), load_profile("enterprise"), load_profile("tianjin"), ZoneInfo("Asia/Shanghai"))
POINTS = [
    MeasurementPoint(
        point_id=f"P{n}", device_id=f"D{n}", station="S", building=str(n // 6), unit="1", floor=n % 6 + 1, room=str(n)
    )
    for n in range(12)
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReadingStore]:
    with closing(open_store(f"duckdb:///{tmp_path}/heat.duckdb", role="owner")) as one:
        yield one


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(open_ledger(f"sqlite:///{tmp_path}/ledger.db")) as one:
        one.places.import_register(POINTS, {}, START, stamp="1")
        yield one


def readings(rng: np.random.Generator) -> list[tuple[int, Reading]]:
    """A day of 12 homes: minute of arrival, reading; building 1 turns cold at ten, one device sends it all late."""
    rows = []
    for n, point in enumerate(POINTS):
        for minute in range(int(rng.integers(0, 20)), 1440, 20):
            value = 19.0 + rng.normal(0, 0.4) - (3.0 if n >= 6 and minute > 600 else 0.0)
            reading = Reading(
                kind=PointKind.ROOM,
                point_id=point.point_id,
                device_id=f"D{n}",
                ts_ms=to_ms(START + timedelta(minutes=minute)),
                temperature_c=round(float(value), 1),
            )
            rows.append((1300 if n == 3 and 200 < minute < 1300 else (minute // 60 + 1) * 60, reading))
    return rows


def deliver(store: ReadingStore, ledger: Ledger, batch: list[Reading], now: datetime) -> None:
    table = ReadingTable.of(batch)
    newest = store.newest()
    late = tuple({r.point_id for r in batch if r.ts_ms < newest.get(r.device_id, 0)})
    keys = tuple((r.device_id, r.ts_ms) for r in batch)
    ledger.journal.begin(
        BatchIntent(keys=keys, oldest_ms=int(table.ts_ms.min()), newest_ms=int(table.ts_ms.max()), late_points=late),
        now,
    )
    store.write(table)
    ledger.journal.finish({}, (), {}, now)


def facts(findings: list[Finding]) -> list[tuple[object, ...]]:
    kept = (f for f in findings if f.kind not in SHARED)
    return sorted(
        (
            f.kind,
            f.subject.id,
            to_ms(f.start),
            f.end and to_ms(f.end),
            f.confirmed_at and to_ms(f.confirmed_at),
            f.severity,
        )
        for f in kept
    )


def test_a_day_of_sweeps(store: ReadingStore, ledger: Ledger) -> None:
    rows = readings(np.random.default_rng(7))
    sweeper = Sweeper(RULES, store, ledger)
    for minute in range(60, 1501, 60):
        now = START + timedelta(minutes=minute)
        batch = [reading for arrival, reading in rows if arrival == minute or (minute == 1320 and arrival == 1300)]
        if batch:
            deliver(store, ledger, batch, now)
        if minute == 780:
            sweeper = Sweeper(RULES, store, ledger)
        sweeper.sweep(now)
    estate = Estate(Register.of_points(POINTS))
    everything = store.readings(to_ms(START), to_ms(now), kinds=[KindCode.ROOM])
    observations = Observations.of_table(estate, ReadingTable.joined(list(everything)))
    wanted = analyze(estate, RULES, observations, Span(None, now))
    assert len(wanted.findings) > 10
    said = ledger.findings.overlapping(START - timedelta(days=1), now + timedelta(days=1))
    assert facts(said) == facts(wanted.findings)
    assert {f.subject.id for f in said if f.subject.type == "building"} == {"S/1"}
    hours = store.rollup(Measurement.ROOM_HOUR, to_ms(START), to_ms(now))
    assert int(hours.floats["n"].sum()) == len(rows)
    assert len(store.rollup(Measurement.STATION_STATUS, to_ms(START), to_ms(now) + 1)) >= 24
    assert ledger.chain.verify().broken_at is None
