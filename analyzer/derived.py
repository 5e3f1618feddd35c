"""Writes the states of homes and places of a sweep, on change and once an hour.

All rows are keyed by place and time, so that writing them again replaces them.
"""

from __future__ import annotations

import numpy as np

from analyzer.analysis import Pass
from analyzer.estate import Estate
from analyzer.rollup import AreaRollUp, home_rows, part_of
from heating.measurement import Measurement
from heating.reading import Bools, Floats, Ints
from heating.rolled_up import HOUR_MS
from heating.store.port import ReadingStore

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

    def write(self, store: ReadingStore, outcome: Pass) -> None:
        """Write what changed; after an error all is due again."""
        hour = outcome.states.now_ms // HOUR_MS
        full = self._status is None or hour != self._hour
        self._write_homes(store, outcome, full=full)
        self._write_areas(store, outcome, full=full)
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
                store.write_rollup(part_of(rows, np.flatnonzero(due)))
            self._written[rows.measurement] = now if held is None else np.where(due[:, None], now, held)


def _moved(now: Floats, held: Floats) -> Bools:
    """Tell which places have other counts, a mean that moved, or one that came or went; columns as written."""
    with np.errstate(invalid="ignore"):
        far = np.abs(now[:, -1] - held[:, -1]) >= _STEP_K
    came_or_went = np.isnan(now[:, -1]) != np.isnan(held[:, -1])
    return np.asarray((now[:, :-1] != held[:, :-1]).any(axis=1) | far | came_or_went)
