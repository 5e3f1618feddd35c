"""Tables of the port as plain columns and back, for what carries columns only."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from heating.measurement import SCHEMAS, Measurement, RollUp
from heating.reading import ReadingSeries, ReadingTable
from heating.store.wire import Columns

_READING = tuple(field.name for field in fields(ReadingTable))


def reading_columns(table: ReadingTable) -> Columns:
    """Return the columns of readings."""
    return {name: getattr(table, name) for name in _READING}


def reading_table(columns: Columns) -> ReadingTable:
    """Return readings from their columns; no columns, no readings."""
    return ReadingTable(**columns) if columns else ReadingTable.empty()


def rollup_columns(rows: RollUp) -> Columns:
    """Return the columns of derived rows."""
    return {"ts_ms": rows.ts_ms, **rows.tags, **_prefixed(rows)}


def rollup_rows(measurement: Measurement, columns: Columns) -> RollUp:
    """Return derived rows from their columns; no columns, no rows."""
    if not columns:
        return RollUp.empty(measurement)
    schema = SCHEMAS[measurement]
    return RollUp(
        measurement,
        columns["ts_ms"],
        {name: columns[name] for name in schema.tags},
        {name: columns[f"field:{name}"] for name in schema.floats},
        {name: columns[f"field:{name}"] for name in schema.texts},
    )


def series_of(points: tuple[str, ...], offsets: bytes, columns: Columns) -> ReadingSeries:
    """Return event arrays from their columns and raw offsets."""
    whole = np.frombuffer(offsets, dtype="<i8").astype(np.int64)
    nothing = np.empty(0, dtype=np.int64)
    return ReadingSeries(
        points,
        whole,
        columns.get("ts_ms", nothing),
        columns.get("value", np.empty(0)),
        columns.get("quality", nothing),
    )


def _prefixed(rows: RollUp) -> Columns:
    # A tag and a field may share a name.
    return {f"field:{name}": column for name, column in {**rows.floats, **rows.texts}.items()}
