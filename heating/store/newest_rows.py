"""Finding the newest reading of each point in the embedded store without reading all of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heating.reading import Bools, Ints
from heating.store.catalog import Catalog
from heating.store.duck import Columns, Database, filled
from heating.store.identity import NEVER
from heating.store.rows import ROW

_HOUR_MS = 3_600_000
# How far back from the asked instant it is looked first, second, before everything older is read.
_LOOK_BACK_MS = (6 * _HOUR_MS, 7 * 24 * _HOUR_MS)
_MOST_PIECES = 12


def find_newest(
    database: Database, catalog: Catalog, series: Ints, *, at_ms: int | None, within_ms: int | None
) -> Columns:
    """Return the newest row at or before `at_ms` of each point that `series` belong to, ordered by point id."""
    newest = catalog.newest_ms[series].copy()
    if at_ms is not None:
        later = newest > at_ms
        newest[later] = _newest_before(database, series[later], at_ms, within_ms, len(catalog))
        if within_ms is not None:
            newest[newest < at_ms - within_ms] = NEVER
    held = newest != NEVER
    series, newest = series[held], newest[held]
    points, owner = np.unique(catalog.tag(series, 0).astype(str), return_inverse=True)
    best = np.full(len(points), NEVER, dtype=np.int64)
    np.maximum.at(best, owner, newest)
    winner = newest == best[owner]
    rows = _fetch(database, series[winner], newest[winner])
    return _one_a_point(catalog, rows)


def _newest_before(database: Database, series: Ints, at_ms: int, within_ms: int | None, count: int) -> Ints:
    """Return the newest instant at or before `at_ms` of each series, looking back step by step."""
    found = np.full(count, NEVER, dtype=np.int64)
    high = at_ms
    for back in (*_LOOK_BACK_MS, None):
        low = NEVER if back is None else at_ms - back
        if within_ms is not None:
            low = max(low, at_ms - within_ms - 1)
        if low < high and (found[series] == NEVER).any():
            rows = database.rows(
                "SELECT series, max(ts) AS ts FROM reading WHERE ts > ? AND ts <= ? GROUP BY series", [low, high]
            )
            fresh = found[rows["series"]] == NEVER
            found[rows["series"][fresh]] = rows["ts"][fresh]
        high = min(high, low)
    return found[series]


def _fetch(database: Database, series: Ints, ts_ms: Ints) -> Columns:
    """Return the full rows of (series, ts), reading only the stretches of time where they lie."""
    pieces = [
        database.rows(
            f"SELECT r.rowid AS place, {ROW} FROM reading r JOIN asked a ON r.series = a.series AND r.ts = a.ts"
            " WHERE r.ts BETWEEN ? AND ?",
            [int(ts_ms[which].min()), int(ts_ms[which].max())],
            asked={"series": series[which].astype(np.int32), "ts": ts_ms[which]},
        )
        for which in _stretches(ts_ms)
    ]
    if not pieces:
        return database.rows(f"SELECT r.rowid AS place, {ROW} FROM reading r WHERE false")
    return {name: _joined([piece[name] for piece in pieces]) for name in pieces[0]}


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    if not any(isinstance(part, np.ma.MaskedArray) for part in parts):
        return np.concatenate(parts)
    return np.concatenate([filled(part) for part in parts])


def _stretches(ts_ms: Ints) -> list[Ints]:
    """Group instants that lie close together, newest first; all that is very old makes one group."""
    order = np.argsort(-ts_ms, kind="stable")
    gaps = np.flatnonzero(-np.diff(ts_ms[order]) > _LOOK_BACK_MS[0]) + 1
    return [part for part in np.split(order, gaps[:_MOST_PIECES]) if len(part)]


def _one_a_point(catalog: Catalog, rows: Columns) -> Columns:
    """Keep the row stored first where two devices gave a point the same instant; order by point id."""
    points = catalog.tag(np.asarray(rows["series"]), 0).astype(str)
    order = np.lexsort((np.asarray(rows["place"]), points))
    first: Bools = np.ones(len(order), dtype=np.bool_)
    first[1:] = points[order][1:] != points[order][:-1]
    return {name: column[order[first]] for name, column in rows.items() if name != "place"}
