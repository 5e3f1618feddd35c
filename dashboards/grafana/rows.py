"""Rows for Grafana: cells by the names of a schema, and which of them are worth writing again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec
import numpy as np

from heating.measurement import SCHEMAS, Measurement, RollUp

HEARTBEAT = timedelta(hours=1)


class Row(msgspec.Struct, frozen=True):
    """One row: its instant, and its cells by the names of the measurement's schema; what is left out is absent."""

    ts_ms: int
    cells: Mapping[str, str | float | None]


def rollup_of(measurement: Measurement, rows: Sequence[Row]) -> RollUp:
    """Return rows as the columns that the store takes.

    Raises
    ------
    ValueError
        If a cell has a name that the schema does not know.
    """
    schema = SCHEMAS[measurement]
    if unknown := {name for row in rows for name in row.cells} - {*schema.tags, *schema.fields}:
        raise ValueError(f"{measurement}: no column {sorted(unknown)}")
    return RollUp(
        measurement,
        np.array([row.ts_ms for row in rows], dtype=np.int64),
        {name: _texts(rows, name) for name in schema.tags},
        {name: _numbers(rows, name) for name in schema.floats},
        {name: _texts(rows, name) for name in schema.texts},
    )


class Changed:
    """Lets rows pass that differ from the last of their series, and each one that was not written for an hour.

    Who asks for the newest row of each series over a little more than an hour thus sees every series as it is now.
    A drift of numbers below `step` is no difference.
    """

    def __init__(self, measurement: Measurement, *, step: float = 0.0, heartbeat: timedelta | None = HEARTBEAT) -> None:
        self._tags = SCHEMAS[measurement].tags
        self._step = step
        self._beat_ms = heartbeat // timedelta(milliseconds=1) if heartbeat is not None else None
        self._last: dict[tuple[object, ...], Row] = {}

    def of(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows to write."""
        return [row for row in rows if self._due(row)]

    def written(self, rows: Iterable[Row]) -> None:
        """Note what the store has taken."""
        for row in rows:
            self._last[self._key(row)] = row

    def _due(self, row: Row) -> bool:
        last = self._last.get(self._key(row))
        if last is None:
            return True
        if self._beat_ms is not None and row.ts_ms - last.ts_ms >= self._beat_ms:
            return True
        return any(_differ(value, last.cells.get(name), self._step) for name, value in row.cells.items())

    def _key(self, row: Row) -> tuple[object, ...]:
        tags = tuple(row.cells.get(name) for name in self._tags)
        # Without a heartbeat a row belongs to its own instant and is replaced there.
        return tags if self._beat_ms is not None else (row.ts_ms, *tags)


def _differ(new: str | float | None, old: str | float | None, step: float) -> bool:
    if isinstance(new, (int, float)) and isinstance(old, (int, float)):
        return abs(new - old) > step
    return new != old


def _texts(rows: Sequence[Row], name: str) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    column = np.empty(len(rows), dtype=object)
    column[:] = [row.cells.get(name) or "" for row in rows]
    return column


def _numbers(rows: Sequence[Row], name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = (row.cells.get(name) for row in rows)
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
