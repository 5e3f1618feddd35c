"""Finding the newest rows in InfluxDB without reading all of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heating.measurement import SCHEMAS, Measurement
from heating.reading import ReadingTable
from heating.store.influx_http import InfluxServer
from heating.store.influx_lines import original
from heating.store.influx_reading import FIRST_MS, LAST_MS, conditions, newest_table, ranks, span, tag

_HOUR_MS = 3_600_000
_LOOK_BACK_MS = (6 * _HOUR_MS, 7 * 24 * _HOUR_MS)


def newest_times(server: InfluxServer, measurement: Measurement, by: str, since_ms: int = FIRST_MS) -> dict[str, int]:
    """Return the newest instant [ms] of each value of a tag, as far as it has one since `since_ms`.

    A selector tells its instant only when it stands alone: one query a field that may be absent.
    """
    newest: dict[str, int] = {}
    for field in _telling(measurement):
        text = f'SELECT last("{field}") FROM "{measurement}" WHERE {span(since_ms, LAST_MS)} GROUP BY "{by}"'
        for series in server.query(text):
            value, ts = tag(series, by), int(series.values[0][0])
            newest[value] = max(ts, newest.get(value, ts))
    return newest


def newest_rows(
    server: InfluxServer,
    measurement: Measurement,
    at_ms: int | None,
    points: Sequence[str] | None,
    within_ms: int | None,
    *,
    recent_ms: int | None = None,
) -> ReadingTable:
    """Return the newest reading at or before `at_ms` of each point, ordered by point id; looks back step by step.

    `recent_ms` is an instant near the newest, if the caller knows one: where to look back from without `at_ms`.
    """
    high = at_ms if at_ms is not None else recent_ms
    if high is None:
        high = _last_instant(server, measurement)
    if high is None or (points is not None and len(points) == 0):
        return ReadingTable.empty()
    end = LAST_MS - 1 if at_ms is None else at_ms
    found, missing = ReadingTable.empty(), points
    for back in (*_LOOK_BACK_MS, None) if within_ms is None else (within_ms,):
        low = FIRST_MS if back is None else max(high - back, FIRST_MS)
        rows = newest_table(server, measurement, conditions(low, end + 1, "point", missing))
        found = _one_a_point(ReadingTable.joined([found, rows]), points)
        if within_ms is not None or back is None:
            break
        # Whoever has a reading is not asked again; who is left is often few.
        known = set(found.point.tolist())
        wanted = points if points is not None else _points(server, measurement)
        missing = [point for point in wanted if point not in known]
        if not missing:
            break
        end = low - 1
    return found


def _one_a_point(rows: ReadingTable, points: Sequence[str] | None) -> ReadingTable:
    if points is not None:
        asked = set(points)
        rows = rows.rows(np.array([point in asked for point in rows.point.tolist()], dtype=np.bool_))
    # Newest first; of two devices at one instant InfluxDB cannot tell which was first: the smaller id.
    order = np.lexsort((ranks(rows.device), -rows.ts_ms, ranks(rows.point)))
    ordered = rows.point[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return rows.rows(order[first])


def _points(server: InfluxServer, measurement: Measurement) -> list[str]:
    text = f'SHOW TAG VALUES FROM "{measurement}" WITH KEY = "point"'
    return [original(row[series.columns.index("value")]) for series in server.query(text) for row in series.values]


def _last_instant(server: InfluxServer, measurement: Measurement) -> int | None:
    found = [
        int(series.values[0][0])
        for field in _telling(measurement)
        for series in server.query(f'SELECT last("{field}") FROM "{measurement}" WHERE {span(FIRST_MS, LAST_MS)}')
    ]
    return max(found, default=None)


def _telling(measurement: Measurement) -> tuple[str, ...]:
    """Return the fields of which every point has at least one."""
    fields = SCHEMAS[measurement].floats
    return ("quality",) if "quality" in fields else SCHEMAS[measurement].fields
