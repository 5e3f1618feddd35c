"""A store and a ledger in memory, as far as the analyzer speaks to them; any call can be made to fail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from heating.errors import StoreUnavailable
from heating.finding import Finding
from heating.instants import to_ms
from heating.ledger.port import Change
from heating.measurement import RollUp
from heating.reading import KindCode, Reading, ReadingSeries, ReadingTable
from heating.register import Register
from heating.rolled_up import RolledUp
from heating.site import Outage, PointKind


class Faults:
    """Counts calls; the one whose number is `fail_at` fails, before or after its work."""

    def __init__(self) -> None:
        self.fail_at: int | None = None
        self.calls = 0

    def step(self) -> None:
        self.calls += 1
        if self.calls == self.fail_at:
            raise StoreUnavailable("made to fail")


class FakeStore:
    def __init__(self, faults: Faults) -> None:
        self.rows: dict[str, dict[int, float]] = {}
        self.rollups: dict[str, dict[tuple[Any, ...], tuple[float, ...]]] = {}
        self.read = 0
        self._faults = faults

    def put(self, point: str, ts_ms: int, value: float) -> None:
        self.rows.setdefault(point, {}).setdefault(ts_ms, value)

    def series(
        self, points: Sequence[str], start_ms: int, end_ms: int, *, quantity: str = "temperature_c"
    ) -> ReadingSeries:
        self._faults.step()
        found = [
            (index, ts, value)
            for index, point in enumerate(points)
            for ts, value in self.rows.get(point, {}).items()
            if start_ms <= ts < end_ms
        ]
        self.read += len(found)
        columns = np.array(found, dtype=np.float64).reshape(len(found), 3).T
        owner, ts = columns[0].astype(np.int64), columns[1].astype(np.int64)
        return ReadingSeries.of_rows(tuple(points), owner, ts, columns[2].copy(), np.zeros(len(found), dtype=np.int64))

    def latest(
        self,
        kind: KindCode,
        *,
        at_ms: int | None = None,
        points: Sequence[str] | None = None,
        within_ms: int | None = None,
    ) -> ReadingTable:
        self._faults.step()
        readings = []
        for point in self.rows if points is None else points:
            past = {ts: v for ts, v in self.rows.get(point, {}).items() if at_ms is None or ts <= at_ms}
            if past:
                ts = max(past)
                readings.append(
                    Reading(kind=PointKind.ROOM, point_id=point, device_id=point, ts_ms=ts, temperature_c=past[ts])
                )
        return ReadingTable.of(readings)

    def write_rollup(self, rows: RollUp) -> None:
        self._faults.step()
        table = self.rollups.setdefault(str(rows.measurement), {})
        for index in range(len(rows)):
            key = (int(rows.ts_ms[index]), *(column[index] for column in rows.tags.values()))
            table[key] = tuple(column[index] for column in rows.floats.values())


class FakeBook:
    def __init__(self, faults: Faults) -> None:
        self.rows: dict[str, Finding] = {}
        self.records: list[tuple[datetime, Finding]] = []
        self._reached = 0
        self._rolled_up: RolledUp | None = None
        self._faults = faults

    def standing(self) -> list[Finding]:
        return [f for f in self.rows.values() if f.ended_by != "retracted"]

    def open(self) -> list[Finding]:
        return [f for f in self.standing() if f.end is None]

    def overlapping(self, start: datetime, end: datetime, *, kinds: Any = None) -> list[Finding]:
        return [f for f in self.standing() if f.start < end and (f.end is None or f.end > start)]

    def record(
        self,
        findings: Sequence[Finding],
        *,
        at: datetime,
        reached: int | None = None,
        rolled_up: RolledUp | None = None,
    ) -> None:
        self._faults.step()
        for finding in findings:
            self.rows[finding.id] = finding
            self.records.append((at, finding))
        self._reached = self._reached if reached is None else reached
        self._rolled_up = self._rolled_up if rolled_up is None else rolled_up

    def rolled_up(self) -> RolledUp | None:
        return self._rolled_up

    def reached(self) -> int:
        return self._reached


class FakeJournal:
    def __init__(self) -> None:
        self.changes: list[Change] = []

    def add(self, instants: Sequence[int], late: Sequence[str]) -> None:
        self.changes.append(Change(len(self.changes) + 1, min(instants), max(instants), tuple(late)))

    def unfinished(self) -> None:
        return None

    def changes_after(self, seq: int) -> list[Change]:
        return [c for c in self.changes if c.seq > seq]


class FakePlaces:
    def __init__(self, register: Register) -> None:
        self._register = register
        self._stamp = "1"
        self._outages: list[Outage] = []

    def change(self, register: Register) -> None:
        self._register, self._stamp = register, self._stamp + "1"

    def register(self) -> Register:
        return self._register

    def stamp(self) -> str:
        return self._stamp

    def outages(self) -> list[Outage]:
        return self._outages


class FakeLedger:
    def __init__(self, register: Register, faults: Faults) -> None:
        self.findings = FakeBook(faults)
        self.journal = FakeJournal()
        self.places = FakePlaces(register)


class World:
    """A site with its store and ledger, to which batches of readings come."""

    def __init__(self, register: Register) -> None:
        self.faults = Faults()
        self.store = FakeStore(self.faults)
        self.ledger = FakeLedger(register, self.faults)

    def deliver(self, batch: Sequence[tuple[str, datetime, float]]) -> None:
        late = []
        for point, at, value in batch:
            held = self.store.rows.get(point, {})
            if held and to_ms(at) < max(held):
                late.append(point)
            self.store.put(point, to_ms(at), value)
        self.ledger.journal.add([to_ms(at) for _, at, _ in batch], late)
