"""Derived rows that are written again: InfluxDB merges field by field, where the port replaces the row."""

from __future__ import annotations

import numpy as np

from heating.measurement import SCHEMAS, RollUp
from heating.store.influx_reading import chosen


def last_ones(rows: RollUp) -> RollUp:
    """Return the rows without those that a later one of the same tags and instant replaces."""
    last = {key: row for row, key in enumerate(_keys(rows))}
    return rows if len(last) == len(rows) else chosen(rows, np.array(sorted(last.values()), dtype=np.int64))


def with_holes(rows: RollUp, newest_ms: int) -> RollUp:
    """Return the rows that lack a field and may be there already: not newer than the newest stored."""
    holes = np.zeros(len(rows), dtype=np.bool_)
    for column in rows.floats.values():
        holes |= np.isnan(column)
    return chosen(rows, holes & (rows.ts_ms <= newest_ms))


def losing_fields(old: RollUp, new: RollUp) -> list[tuple[int, dict[str, str]]]:
    """Return instant and tags of the old rows that have a field which the new one of the same key lacks."""
    tags = SCHEMAS[new.measurement].tags
    was = dict(zip(_keys(old), _absent(old), strict=True))
    lacking = zip(_keys(new), _absent(new), strict=True)
    return [
        (key[0], dict(zip(tags, key[1], strict=True))) for key, absent in lacking if key in was and absent - was[key]
    ]


def _keys(rows: RollUp) -> list[tuple[int, tuple[str, ...]]]:
    tags = [rows.tags[name].tolist() for name in SCHEMAS[rows.measurement].tags]
    return list(zip(rows.ts_ms.tolist(), zip(*tags, strict=True), strict=True))


def _absent(rows: RollUp) -> list[set[str]]:
    missing = {name: np.isnan(column) for name, column in rows.floats.items()}
    return [{name for name, mask in missing.items() if mask[row]} for row in range(len(rows))]
