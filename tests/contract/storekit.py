"""What the store's tests share: readings in a line, and tables as comparable rows."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from heating.measurement import SCHEMAS, Measurement, RollUp
from heating.reading import Reading, ReadingTable
from heating.site import PointKind

T0 = 1_795_312_800_000  # 2026-11-22T10:00+08:00
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Names that a text protocol could take for something else.
STRANGE = [
    "a b",
    "a,b",
    "a=b",
    'a"b',
    "a'b",
    "a\\b",
    "a\\",
    "a\nb",
    "房间 1",
    "S1/3%2F",
    "🏠",
    "a\\,b",
    "-",
    "a\tb",
    "#x",
    "a.b",
    "(a|b)[c]{2}^$?*+",
    "a/b/",
]


def room(device: str, ts_ms: int, celsius: float | None = 20.0, *, point: str | None = None, **more) -> Reading:
    return Reading(
        kind=PointKind.ROOM,
        point_id=point or f"P-{device}",
        device_id=device,
        ts_ms=ts_ms,
        temperature_c=celsius,
        **more,
    )


def table(*readings: Reading) -> ReadingTable:
    return ReadingTable.of(list(readings))


def rows(readings: ReadingTable) -> list[tuple]:
    """All columns of each reading; None for NaN, floats by their bits."""
    columns = [getattr(readings, field.name) for field in fields(readings)]
    return [tuple(_plain(value) for value in row) for row in zip(*columns, strict=True)]


def all_rows(store, start: int = -(10**14), end: int = 10**14, **which) -> list[tuple]:
    return [row for chunk in store.readings(start, end, **which) for row in rows(chunk)]


def rollup(measurement: Measurement, *lines: dict) -> RollUp:
    schema = SCHEMAS[measurement]

    def texts(name: str) -> np.ndarray:
        column = np.empty(len(lines), dtype=object)
        column[:] = [line.get(name, "") for line in lines]
        return column

    return RollUp(
        measurement,
        np.array([line["ts"] for line in lines], dtype=np.int64),
        {name: texts(name) for name in schema.tags},
        {name: np.array([line.get(name, np.nan) for line in lines], dtype=np.float64) for name in schema.floats},
        {name: texts(name) for name in schema.texts},
    )


def lines_of(found: RollUp) -> list[dict]:
    names = {**found.tags, **found.floats, **found.texts}
    out = []
    for index, ts in enumerate(found.ts_ms.tolist()):
        line = {"ts": ts} | {name: column[index] for name, column in names.items()}
        out.append({name: value for name, value in line.items() if value == value and value != ""})
    return out


def _plain(value):
    if isinstance(value, float | np.floating):
        # The sign of a zero means nothing, and JSON does not carry it.
        return None if np.isnan(value) else (float(value) + 0.0).hex()
    return value.item() if isinstance(value, np.generic) else value
