"""Writes the derived rows of a sweep: states of homes and places on change and once an hour, hours when they change.

All rows are keyed by place and time, so that writing them again replaces them.
"""

from __future__ import annotations

import numpy as np

from analyzer.analysis import Pass
from analyzer.compliance import Rule, selected
from analyzer.estate import Estate
from analyzer.rollup import HOUR_MS, AreaRollUp, home_rows, room_hours
from analyzer.window import Arrivals
from heating.measurement import Measurement, RollUp
from heating.reading import Bools, Floats, Ints, ReadingSeries
from heating.store.port import ReadingStore

# Rows of hours written at a time.
BATCH_ROWS = 200_000
_COUNTED = ("cold", "confirmed", "unknown", "total")
# A mean of a place that moves less is not worth a row between two full hours [K].
_STEP_K = 0.1


class DerivedRows:
    """Remembers what was written last."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._areas = AreaRollUp(estate)
        self._status: Ints | None = None
        self._written: dict[Measurement, Floats] = {}
        self._hour: int | None = None

    def write(self, store: ReadingStore, outcome: Pass, rooms: ReadingSeries, arrived: Arrivals) -> None:
        """Write what changed; after an error all is due again."""
        now_ms = outcome.states.now_ms
        hour = now_ms // HOUR_MS
        full = self._status is None or hour != self._hour
        self._write_homes(store, outcome, full=full)
        self._write_areas(store, outcome, full=full)
        self._write_hours(store, outcome.rule, rooms, (arrived, hour * HOUR_MS), full=full)
        self._status, self._hour = outcome.states.status, hour

    def _write_homes(self, store: ReadingStore, outcome: Pass, *, full: bool) -> None:
        if full or self._status is None:
            which = np.arange(len(self._estate))
        else:
            which = np.flatnonzero(outcome.states.status != self._status)
        if len(which):
            store.write_rollup(home_rows(self._estate, outcome.states, outcome.priority, which))

    def _write_areas(self, store: ReadingStore, outcome: Pass, *, full: bool) -> None:
        for rows in self._areas.rows(outcome.states):
            # Counts and mean of each place as they are now, and as the store has them.
            now = np.column_stack([rows.floats[name] for name in (*_COUNTED, "mean_c")])
            held = self._written.get(rows.measurement)
            due = np.ones(len(rows), dtype=np.bool_)
            if not full and held is not None:
                due = _moved(now, held)
            if due.any():
                store.write_rollup(_rows(rows, np.flatnonzero(due)))
            self._written[rows.measurement] = now if held is None else np.where(due[:, None], now, held)

    def _write_hours(
        self, store: ReadingStore, rule: Rule, rooms: ReadingSeries, news: tuple[Arrivals, int], *, full: bool
    ) -> None:
        """Write the full hours that new readings touch, and for all points the hour that has just ended."""
        arrived, this_hour = news
        first = np.full(len(rooms.points), this_hour)
        np.minimum.at(first, arrived.owner, arrived.ts_ms // HOUR_MS * HOUR_MS)
        if full:
            # What ended since the last time: more than an hour where the store was away.
            ended = this_hour - HOUR_MS if self._hour is None else self._hour * HOUR_MS
            first = np.minimum(first, ended)
        # Points whose news begin in the same hour are worked out together.
        for start in np.unique(first[first < this_hour]).tolist():
            which = np.flatnonzero(first == start)
            hours = (this_hour - start) // HOUR_MS
            step = max(1, BATCH_ROWS // hours)
            for begin in range(0, len(which), step):
                part = which[begin : begin + step]
                rows = room_hours(selected(rooms, part), rule.of(part), start, this_hour)
                if len(rows):
                    store.write_rollup(rows)


def _moved(now: Floats, held: Floats) -> Bools:
    """Tell which places have other counts, a mean that moved, or one that came or went; columns as written."""
    with np.errstate(invalid="ignore"):
        far = np.abs(now[:, -1] - held[:, -1]) >= _STEP_K
    came_or_went = np.isnan(now[:, -1]) != np.isnan(held[:, -1])
    return np.asarray((now[:, :-1] != held[:, :-1]).any(axis=1) | far | came_or_went)


def _rows(rows: RollUp, which: Ints) -> RollUp:
    return RollUp(
        rows.measurement,
        rows.ts_ms[which],
        {name: column[which] for name, column in rows.tags.items()},
        {name: column[which] for name, column in rows.floats.items()},
        {name: column[which] for name, column in rows.texts.items()},
    )
