"""Rows of `room_day` as the figures of days, as far as the ledger vouches for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from heating.ledger.port import Ledger
from heating.measurement import DAY_HOURS, Measurement, RollUp
from heating.point_day import PointDay, day_bounds
from heating.reading import Bools, Floats, Ints
from heating.rolled_up import Gap, RolledUp
from heating.store.port import ReadingStore

_MINUTE_MS = 60_000


def relied_on(ledger: Ledger) -> RolledUp | None:
    """Return of which time derived rows can be relied on: what no sweep has seen yet is a gap; None: of no time."""
    # In this order: a sweep in between can only make more of it a gap than is one.
    reached = ledger.findings.reached()
    rolled_up = ledger.findings.rolled_up()
    changes, intent = ledger.journal.changes_after(reached), ledger.journal.unfinished()
    if rolled_up is None or (changes and changes[0].seq > reached + 1):
        return None
    spans = [(change.oldest_ms, change.newest_ms) for change in changes]
    if intent is not None and intent.keys:
        spans.append((intent.oldest_ms, intent.newest_ms))
    hold_ms = rolled_up.basis.hold_ms
    return rolled_up.with_gaps(Gap(oldest, newest + hold_ms + 1) for oldest, newest in spans)


@dataclass(frozen=True, slots=True)
class StoredDay:
    """A day of P points as its rows have it.

    Attributes
    ----------
    there
        bool (P,): points with a row; the figures of the others are those of a day without readings.
    figures
        With the values at all 24 hours.
    floor_day_c, floor_night_c
        float64 (P,) [°C]: the floors that were in force when the row was written.
    """

    there: Bools
    figures: PointDay
    floor_day_c: Floats
    floor_night_c: Floats

    @classmethod
    def of(cls, rows: RollUp, which: Ints, owner: Ints, points: int) -> StoredDay:
        """Take the rows at indices `which`, of the points `owner`."""

        def column(name: str) -> Floats:
            values = np.full(points, np.nan)
            values[owner] = rows.floats[name][which]
            return values

        def whole(name: str, unit: int) -> Ints:
            return np.rint(np.nan_to_num(column(name)) * unit).astype(np.int64)

        there = np.zeros(points, dtype=np.bool_)
        there[owner] = True
        figures = PointDay(
            at_hours=np.column_stack([column(name) for name in DAY_HOURS]),
            min_c=column("min_c"),
            mean_c=column("mean_c"),
            max_c=column("max_c"),
            below_ms=whole("below_min", _MINUTE_MS),
            held_ms=whole("held_min", _MINUTE_MS),
            exempt_ms=whole("exempt_min", _MINUTE_MS),
            n=whole("n", 1),
            first_ms=whole("first_ms", 1),
        )
        return cls(there, figures, column("floor_day_c"), column("floor_night_c"))


def stored_days(
    store: ReadingStore, days: Sequence[date], zone: ZoneInfo, index: Mapping[str, int], *, only: Sequence[str] | None
) -> list[StoredDay]:
    """Return consecutive days of the points at `index`; `only` these points are asked for, None asks for all."""
    starts = np.array([day_bounds(day, zone)[0] for day in days], dtype=np.int64)
    end = day_bounds(days[-1], zone)[1]
    tag = None if only is None else "point"
    rows = store.rollup(Measurement.ROOM_DAY, int(starts[0]), end, tag=tag, values=only)
    owner = np.array([index.get(point, -1) for point in rows.tags["point"].tolist()], dtype=np.int64)
    found = []
    for start in starts.tolist():
        which = np.flatnonzero((rows.ts_ms == start) & (owner >= 0))
        found.append(StoredDay.of(rows, which, owner[which], len(index)))
    return found
