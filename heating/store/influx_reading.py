"""InfluxQL for what the port asks, and its answers as arrays.

Rows are asked for with their tags as columns, not grouped by them: an answer of few long series costs the server less,
and the client a fifth. Each part of an answer becomes arrays at once, so that no more than one part is held as objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from heating.measurement import SCHEMAS, Measurement, RollUp
from heating.reading import VALUE_FIELDS, Bools, Floats, Ints, KindCode, ReadingTable, Texts
from heating.store.catalog import objects
from heating.store.influx_http import InfluxServer, Series
from heating.store.influx_lines import original, quoted, regex

# The instants that InfluxDB can hold (int64 of ns, a little less at both ends).
FIRST_MS, LAST_MS = -9_223_372_036_854, 9_223_372_036_853
# Up to so many ids are asked for by name in one query. As a pattern: a chain of OR costs the square of its length. More
# of them cost the server more to bring into the order of time than another query does.
_NAMES = 1000
# Of so short a stretch all is read sooner than the names of many are compared.
_SHORT_MS = 3 * 3_600_000
_KIND_OF = {Measurement[kind.name]: kind for kind in KindCode}


def span(start_ms: int, end_ms: int) -> str:
    """Return the condition [start, end)."""
    start, end = max(start_ms, FIRST_MS), min(end_ms, LAST_MS)
    return f"time >= {start}ms AND time < {max(end, FIRST_MS)}ms"


def conditions(start_ms: int, end_ms: int, tag: str = "", values: Sequence[str] | None = None) -> list[str]:
    """Return the conditions, one a query, of [start, end) and a tag being one of some values (None: any).

    Where a short stretch of very many is wanted, all of it is asked for: the caller chooses from the answer.
    """
    time = span(start_ms, end_ms)
    if values is None or (len(values) > _NAMES and end_ms - start_ms <= _SHORT_MS):
        return [time]
    given = list(dict.fromkeys(values))
    pieces = [given[start : start + _NAMES] for start in range(0, len(given), _NAMES)]
    return [f'{time} AND "{tag}" {_one_of(piece)}' for piece in pieces]


def names(fields: Iterable[str]) -> str:
    """Return quoted names."""
    return ", ".join(f'"{name}"' for name in fields)


def reading_table(server: InfluxServer, measurement: Measurement, where: Iterable[str]) -> ReadingTable:
    """Return the readings of one measurement that any of some conditions selects, in no certain order."""
    columns = ("point", "device", *SCHEMAS[measurement].floats)
    return ReadingTable.joined([_readings(measurement, rows) for rows in _parts(server, measurement, columns, where)])


def newest_table(server: InfluxServer, measurement: Measurement, where: Iterable[str]) -> ReadingTable:
    """Return the newest reading of each device at each point that any of some conditions selects."""
    fields = SCHEMAS[measurement].floats
    rows = [
        [*series.values[0], series.tags.get("point"), series.tags.get("device")]
        for condition in where
        for series in server.query(
            f'SELECT {names(fields)} FROM "{measurement}" WHERE {condition}'
            ' GROUP BY "point", "device" ORDER BY time DESC LIMIT 1'
        )
    ]
    if not rows:
        return ReadingTable.empty()
    return _readings(measurement, Series(columns=["time", *fields, "point", "device"], values=rows))


def values_of(
    server: InfluxServer, measurement: Measurement, where: Iterable[str], quantity: str, owner_of: dict[str, int]
) -> Iterator[tuple[Ints, Ints, Floats, Ints]]:
    """Yield owner, instant [ms], value and quality of the readings at the points that `owner_of` numbers."""
    marked = "quality" in SCHEMAS[measurement].floats
    columns = ("point", quantity, *(("quality",) if marked else ()))
    for part in _parts(server, measurement, columns, where):
        owner = np.array([owner_of.get(point, -1) for point in _texts(part, "point")], dtype=np.int64)
        quality = _marks(part) if marked else np.zeros(len(owner), dtype=np.int64)
        mine = owner >= 0
        yield owner[mine], _instants(part)[mine], _floats(part, quantity)[mine], quality[mine]


def keys_stored(
    server: InfluxServer, measurement: Measurement, start_ms: int, end_ms: int, devices: Sequence[str]
) -> set[tuple[str, int]]:
    """Return (device, ts) of the readings of some devices over [start, end)."""
    floats = SCHEMAS[measurement].floats
    columns = ("device", *(("quality",) if "quality" in floats else floats))
    return {
        key
        for part in _parts(server, measurement, columns, conditions(start_ms, end_ms, "device", devices))
        for key in zip(_texts(part, "device"), _column(part, "time"), strict=True)
    }


def rollup_rows(server: InfluxServer, measurement: Measurement, where: Iterable[str]) -> RollUp:
    """Return the derived rows that any of some conditions selects, ordered by time then tags."""
    schema = SCHEMAS[measurement]
    parts = [_rollup(measurement, part) for part in _parts(server, measurement, (*schema.tags, *schema.fields), where)]
    if not parts:
        return RollUp.empty(measurement)
    rows = RollUp(
        measurement,
        np.concatenate([part.ts_ms for part in parts]),
        {name: np.concatenate([part.tags[name] for part in parts]) for name in schema.tags},
        {name: np.concatenate([part.floats[name] for part in parts]) for name in schema.floats},
        {name: np.concatenate([part.texts[name] for part in parts]) for name in schema.texts},
    )
    return chosen(rows, np.lexsort((*(ranks(rows.tags[name]) for name in reversed(schema.tags)), rows.ts_ms)))


def chosen(rows: RollUp, which: Bools | Ints) -> RollUp:
    """Return the rows that a mask or an index array selects."""
    return RollUp(
        rows.measurement,
        rows.ts_ms[which],
        {name: column[which] for name, column in rows.tags.items()},
        {name: column[which] for name, column in rows.floats.items()},
        {name: column[which] for name, column in rows.texts.items()},
    )


def ranks(texts: Texts) -> Ints:
    """Return the place of each text among the sorted ones, int64 (N,): numbers sort faster than texts."""
    column = texts.tolist()
    rank = {text: place for place, text in enumerate(sorted(set(column)))}
    return np.array([rank[text] for text in column], dtype=np.int64)


def tag(series: Series, name: str) -> str:
    """Return a tag of a series as it was given; a missing one is empty."""
    return original(series.tags.get(name) or "")


def _one_of(values: list[str]) -> str:
    return f"= {quoted(values[0])}" if len(values) == 1 else f"=~ {regex(values)}"


def _parts(
    server: InfluxServer, measurement: Measurement, columns: Iterable[str], where: Iterable[str]
) -> Iterator[Series]:
    asked = names(columns)
    for condition in where:
        yield from server.query(f'SELECT {asked} FROM "{measurement}" WHERE {condition}')


def _readings(measurement: Measurement, part: Series) -> ReadingTable:
    fields, count = SCHEMAS[measurement].floats, len(part.values)
    absent = np.full(count, np.nan)
    return ReadingTable(
        kind=np.full(count, int(_KIND_OF[measurement]), dtype=np.int64),
        point=objects(_texts(part, "point")),
        device=objects(_texts(part, "device")),
        ts_ms=_instants(part),
        quality=_marks(part) if "quality" in fields else np.zeros(count, dtype=np.int64),
        **{name: _floats(part, name) if name in fields else absent for name in VALUE_FIELDS},
    )


def _rollup(measurement: Measurement, part: Series) -> RollUp:
    schema = SCHEMAS[measurement]
    return RollUp(
        measurement,
        _instants(part),
        {name: objects(_texts(part, name)) for name in schema.tags},
        {name: _floats(part, name) for name in schema.floats},
        {name: objects([cell or "" for cell in _column(part, name)]) for name in schema.texts},
    )


def _column(part: Series, name: str) -> list[Any]:
    place = part.columns.index(name)
    return [row[place] for row in part.values]


def _instants(part: Series) -> Ints:
    return np.array(_column(part, "time"), dtype=np.int64)


def _floats(part: Series, name: str) -> Floats:
    # None becomes NaN.
    return np.array(_column(part, name), dtype=np.float64)


def _marks(part: Series) -> Ints:
    return np.nan_to_num(_floats(part, "quality")).astype(np.int64)


def _texts(part: Series, name: str) -> list[str]:
    """Return a tag of each row as it was given; a missing one is empty."""
    cells = _column(part, name)
    given = {cell: original(cell or "") for cell in set(cells)}
    return [given[cell] for cell in cells]
