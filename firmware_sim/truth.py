"""The truth of a simulation: which points were truly below the enterprise rule, when, and every fault laid.

`truth.csv` has one row an interval, half-open, times RFC 3339 in UTC:

| column | meaning |
|---|---|
| point_id, home | the room point and its home |
| kind | `cold`: true air temperature below the floor in force; else the kind of a fault laid on the point |
| start, end | interval; an `end` after the simulated period means that it lasted beyond it |
| fault | of `cold`: the kind of the fault that explains it, blank where only the estate's own spread does |
| subject | id of the place at fault (station, branch, building, riser, home or point) |
| scope, side | true cause in the words of contract §7 |
| level | magnitude of a fault in the unit of `faults.TRAITS` |
| min_c | of `cold`: lowest true temperature |
| deficit_k | of `cold`: largest true deficit under the floor in force |
| minutes_below | of `cold`: true minutes below (steps of five minutes) |

Rule: contract §6, profile enterprise (S2 §7): apartments 18 °C from 06:00 to 21:00 local, else 16 °C; bungalows and
non-residential by contract; homes with heating suspended are never cold.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from firmware_sim.estate import Estate, Rooms
from firmware_sim.faults import FOREVER_MS, THERMAL_KINDS, TRAITS, Effects, Fault
from firmware_sim.world import Hour
from heating.instants import from_ms, parse_instant, rfc3339, to_ms
from heating.reading import Bools, Floats, Ints

COLUMNS = (
    "point_id", "home", "kind", "start", "end", "fault", "subject", "scope", "side", "level", "min_c", "deficit_k",
    "minutes_below",
)  # fmt: skip
COLD = "cold"
AFTERMATH_MS = 12 * 3_600_000  # a room stays cold for a while after its fault is over


@dataclass(frozen=True, slots=True)
class TrueInterval:
    """One row of `truth.csv`."""

    point_id: str
    home: str
    kind: str
    start_ms: int
    end_ms: int
    fault: str = ""
    subject: str = ""
    scope: str = ""
    side: str = ""
    level: float | None = None
    min_c: float | None = None
    deficit_k: float | None = None
    minutes_below: float | None = None

    def holds(self, ts_ms: int) -> bool:
        """Tell whether the interval holds an instant."""
        return self.start_ms <= ts_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class Truth:
    """All true intervals of a simulated period."""

    rows: tuple[TrueInterval, ...]

    def cold(self) -> tuple[TrueInterval, ...]:
        """Return the intervals in which points were truly below the floor in force."""
        return tuple(r for r in self.rows if r.kind == COLD)

    def faults(self) -> tuple[TrueInterval, ...]:
        """Return the faults laid, one row a room point."""
        return tuple(r for r in self.rows if r.kind != COLD)

    def cold_points(self, at: datetime) -> dict[str, TrueInterval]:
        """Return the points truly below the floor at an instant, by point id."""
        ts_ms = to_ms(at)
        return {r.point_id: r for r in self.rows if r.kind == COLD and r.holds(ts_ms)}

    def cold_homes(self, at: datetime) -> frozenset[str]:
        """Return the homes with a point truly below the floor at an instant."""
        return frozenset(r.home for r in self.cold_points(at).values())

    def faults_at(self, at: datetime) -> tuple[TrueInterval, ...]:
        """Return the faults in force at an instant."""
        ts_ms = to_ms(at)
        return tuple(r for r in self.rows if r.kind != COLD and r.holds(ts_ms))


def floor_c(rooms: Rooms, times_ms: Ints, zone: ZoneInfo) -> Floats:
    """Return the floor in force, float64 (T, Z): the day's from 06:00 to before 21:00 local, else the night's."""
    day = np.array([6 <= from_ms(int(t)).astimezone(zone).hour < 21 for t in times_ms], dtype=np.bool_)
    return np.where(day[:, None], rooms.day_c, rooms.night_c)


@dataclass(slots=True)
class TruthKeeper:
    """Follows the true temperatures hour by hour and collects the intervals below the floor."""

    estate: Estate
    zone: ZoneInfo
    faults: list[Fault]
    _since: Ints = field(init=False)
    _least: Floats = field(init=False)
    _deficit: Floats = field(init=False)
    _rows: list[TrueInterval] = field(init=False, default_factory=list)
    _causes: Effects = field(init=False)
    _cause_of: list[Fault] = field(init=False)
    _last_ms: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        rooms = len(self.estate.rooms)
        self._since = np.full(rooms, -1, dtype=np.int64)
        self._least = np.full(rooms, np.inf)
        self._deficit = np.zeros(rooms)
        thermal = [f for f in self.faults if f.kind in THERMAL_KINDS]
        self._causes = Effects.of(thermal)
        self._cause_of = [f for f in thermal for _ in f.rooms]

    def take(self, hour: Hour) -> None:
        """Follow one hour."""
        times = hour.times_ms[:-1]
        floors = floor_c(self.estate.rooms, times, self.zone)
        below = hour.air[:-1] < floors
        for k in np.flatnonzero(below.any(axis=1) | (self._since >= 0).any()):
            self._step(int(times[k]), hour.air[k], floors[k], below[k])
        self._last_ms = int(hour.times_ms[-1])

    def _step(self, ts_ms: int, air: Floats, floor: Floats, below: Bools) -> None:
        for z in np.flatnonzero((self._since >= 0) & ~below):
            self._close(int(z), ts_ms)
        self._since[below & (self._since < 0)] = ts_ms
        self._least[below] = np.minimum(self._least, air)[below]
        self._deficit[below] = np.maximum(self._deficit, floor - air)[below]

    def _close(self, z: int, end_ms: int) -> None:
        self._rows.append(self._cold_row(z, end_ms))
        self._since[z], self._least[z], self._deficit[z] = -1, np.inf, 0.0

    def _cold_row(self, z: int, end_ms: int) -> TrueInterval:
        point, start = self.estate.points[z], int(self._since[z])
        cause = self._explain(z, start, end_ms)
        traits = None if cause is None else TRAITS[cause.kind]
        return TrueInterval(
            point_id=point.point_id,
            home=point.home_id,
            kind=COLD,
            start_ms=start,
            end_ms=end_ms,
            fault="" if cause is None else cause.kind,
            subject="" if cause is None else cause.subject,
            scope="" if traits is None else traits.scope,
            side="" if traits is None else traits.side,
            min_c=float(self._least[z]),
            deficit_k=float(self._deficit[z]),
            minutes_below=(end_ms - start) / 60_000,
        )

    def _explain(self, z: int, start_ms: int, end_ms: int) -> Fault | None:
        """Return the thermal fault behind a cold spell: the one that acted longest on it or just before it."""
        c = self._causes
        acted = np.minimum(c.end_ms, end_ms) - np.maximum(c.start_ms, start_ms - AFTERMATH_MS)
        candidates = np.flatnonzero((c.room == z) & (acted > 0) & (c.start_ms < end_ms))
        if not len(candidates):
            return None
        return self._cause_of[int(candidates[np.argmax(acted[candidates])])]

    def truth(self, start_ms: int, end_ms: int) -> Truth:
        """Return the truth of [start, end); spells still running end at `end_ms`."""
        running = [self._cold_row(int(z), self._last_ms) for z in np.flatnonzero(self._since >= 0)]
        faults = [
            row for f in self.faults if f.start_ms < end_ms and f.end_ms > start_ms for row in self._fault_rows(f)
        ]
        rows = sorted(self._rows + running + faults, key=lambda r: (r.start_ms, r.point_id, r.kind))
        return Truth(tuple(rows))

    def _fault_rows(self, fault: Fault) -> Iterator[TrueInterval]:
        traits = TRAITS[fault.kind]
        for z in fault.rooms:
            point = self.estate.points[int(z)]
            yield TrueInterval(
                point_id=point.point_id, home=point.home_id, kind=fault.kind, start_ms=fault.start_ms,
                end_ms=fault.end_ms, fault=fault.kind, subject=fault.subject, scope=traits.scope, side=traits.side,
                level=fault.level,
            )  # fmt: skip


def write_truth(path: Path, truth: Truth) -> None:
    """Write `truth.csv`; an end that never comes is blank."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_cells(row) for row in truth.rows)


def _cells(row: TrueInterval) -> Iterable[str]:
    end = "" if row.end_ms >= FOREVER_MS else rfc3339(from_ms(row.end_ms))
    head = (row.point_id, row.home, row.kind, rfc3339(from_ms(row.start_ms)), end)
    numbers = (row.level, row.min_c, row.deficit_k, row.minutes_below)
    return (*head, row.fault, row.subject, row.scope, row.side, *("" if n is None else f"{n:.3f}" for n in numbers))


def read_truth(path: Path) -> Truth:
    """Read what `write_truth` wrote."""
    with path.open(newline="", encoding="utf-8") as handle:
        return Truth(tuple(_row(cells) for cells in csv.DictReader(handle)))


def _row(cells: dict[str, str]) -> TrueInterval:
    def number(name: str) -> float | None:
        return float(cells[name]) if cells[name] else None

    def instant(name: str) -> int:
        return to_ms(parse_instant(cells[name], None)) if cells[name] else FOREVER_MS

    return TrueInterval(
        point_id=cells["point_id"], home=cells["home"], kind=cells["kind"], start_ms=instant("start"),
        end_ms=instant("end"), fault=cells["fault"], subject=cells["subject"], scope=cells["scope"],
        side=cells["side"], level=number("level"), min_c=number("min_c"), deficit_k=number("deficit_k"),
        minutes_below=number("minutes_below"),
    )  # fmt: skip
