"""InfluxQL for what the port asks, and its answers as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from heating.measurement import SCHEMAS, Measurement, RollUp
from heating.reading import VALUE_FIELDS, Bools, Floats, Ints, KindCode, ReadingTable, Texts
from heating.store.catalog import objects
from heating.store.influx_http import InfluxServer, Series
from heating.store.influx_lines import original, quoted

# The instants that InfluxDB can hold (int64 of ns, a little less at both ends).
FIRST_MS, LAST_MS = -9_223_372_036_854, 9_223_372_036_853
# Up to so many ids are asked for by name; beyond, all is read and chosen here.
FEW = 300
_KIND_OF = {Measurement[kind.name]: kind for kind in KindCode}


def span(start_ms: int, end_ms: int) -> str:
    """Return the condition [start, end)."""
    start, end = max(start_ms, FIRST_MS), min(end_ms, LAST_MS)
    return f"time >= {start}ms AND time < {max(end, FIRST_MS)}ms"


def among(tag: str, values: Sequence[str] | None) -> str:
    """Return the condition that a tag is one of a few values, nothing for many: then choose from the answer."""
    if values is None or len(values) > FEW:
        return ""
    if len(values) == 0:
        return f" AND \"{tag}\" = 'none' AND \"{tag}\" != 'none'"
    return " AND (" + " OR ".join(f'"{tag}" = {quoted(value)}' for value in values) + ")"


def names(fields: Iterable[str]) -> str:
    """Return quoted names."""
    return ", ".join(f'"{name}"' for name in fields)


def reading_table(
    server: InfluxServer, measurement: Measurement, where: str, *, tail: str = "", only: str | None = None
) -> ReadingTable:
    """Return the readings of one measurement that a condition selects, series by series.

    `only` reads that field (and the quality, where there is one) and leaves the others absent.
    """
    fields = [name for name in SCHEMAS[measurement].floats if only in (None, name) or name == "quality"]
    text = f'SELECT {names(fields)} FROM "{measurement}" WHERE {where} GROUP BY "point", "device"{tail}'
    return _readings(measurement, fields, list(server.query(text)))


def rollup_rows(server: InfluxServer, measurement: Measurement, where: str) -> RollUp:
    """Return the derived rows that a condition selects, ordered by time then tags."""
    schema = SCHEMAS[measurement]
    text = f'SELECT {names(schema.fields)} FROM "{measurement}" WHERE {where} GROUP BY {names(schema.tags)}'
    series = list(server.query(text))
    cells = {name: _column(series, name) for name in ("time", *schema.fields)}
    rows = RollUp(
        measurement,
        np.array(cells["time"], dtype=np.int64),
        {name: _tags(series, name) for name in schema.tags},
        {name: _floats(cells[name]) for name in schema.floats},
        {name: objects([cell or "" for cell in cells[name]]) for name in schema.texts},
    )
    keys = [rows.tags[name].astype(str) for name in reversed(schema.tags)]
    return chosen(rows, np.lexsort((*keys, rows.ts_ms)))


def chosen(rows: RollUp, which: Bools | Ints) -> RollUp:
    """Return the rows that a mask or an index array selects."""
    return RollUp(
        rows.measurement,
        rows.ts_ms[which],
        {name: column[which] for name, column in rows.tags.items()},
        {name: column[which] for name, column in rows.floats.items()},
        {name: column[which] for name, column in rows.texts.items()},
    )


def tag(series: Series, name: str) -> str:
    """Return a tag of a series as it was given; a missing one is empty."""
    return original(series.tags.get(name) or "")


def _readings(measurement: Measurement, asked: list[str], series: list[Series]) -> ReadingTable:
    fields = {name: _floats(_column(series, name)) for name in asked}
    ts_ms = np.array(_column(series, "time"), dtype=np.int64)
    quality = fields.pop("quality", np.zeros(len(ts_ms)))
    absent = np.full(len(ts_ms), np.nan)
    return ReadingTable(
        kind=np.full(len(ts_ms), int(_KIND_OF[measurement]), dtype=np.int64),
        point=_tags(series, "point"),
        device=_tags(series, "device"),
        ts_ms=ts_ms,
        quality=np.nan_to_num(quality).astype(np.int64),
        **{name: fields.get(name, absent) for name in VALUE_FIELDS},
    )


def _tags(series: list[Series], name: str) -> Texts:
    return np.repeat(objects([tag(part, name) for part in series]), [len(part.values) for part in series])


def _column(series: list[Series], name: str) -> list[Any]:
    cells: list[Any] = []
    for part in series:
        place = part.columns.index(name)
        cells.extend([row[place] for row in part.values])
    return cells


def _floats(cells: Sequence[float | None]) -> Floats:
    return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
