"""Hours and local days of points: rows of `room_hour` and `room_day`. No I/O.

Shapes: P points, H hours. Points that never fall below any of their floors are not cut into pieces.
"""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analyzer.compliance import Rule, selected
from analyzer.pieces import Horizon, cut, is_exempt
from heating.measurement import DAY_HOURS, Measurement, RollUp
from heating.point_day import PointDay, Stretch, day_bounds, full_hours, local_day, point_day
from heating.reading import Bools, Floats, Ints, ReadingSeries
from heating.rolled_up import HOUR_MS

_MINUTE_MS = 60_000


def room_hours(series: ReadingSeries, rule: Rule, start_ms: int, end_ms: int) -> RollUp:
    """Return the hours of [start, end) of each point, both on full hours: min, mean, max, count, minutes below.

    The mean is that of the readings; minutes below count held values against the floor in force, exempt time not. Hours
    that a reading of the one before reaches have a row too, so that a late reading, which may end what was below, finds
    its row to replace.
    """
    span = (end_ms - start_ms) // HOUR_MS
    inside = np.flatnonzero((series.ts_ms >= start_ms) & (series.ts_ms < end_ms))
    cell = series.owner[inside] * span + (series.ts_ms[inside] - start_ms) // HOUR_MS
    cells = len(series.points) * span
    count = np.bincount(cell, minlength=cells).astype(np.float64)
    value = series.value[inside]
    lowest, highest = np.full(cells, np.nan), np.full(cells, np.nan)
    np.fmin.at(lowest, cell, value)
    np.fmax.at(highest, cell, value)
    mean = np.bincount(cell, weights=value, minlength=cells) / np.maximum(count, 1)
    around = series.between(start_ms - rule.stale_ms + 1, end_ms)
    below = _below_minutes(around, rule, (start_ms, end_ms))
    used = np.flatnonzero((count > 0) | _reached(around, rule.stale_ms, (start_ms, end_ms)))
    names = np.array(series.points, dtype=object)
    return RollUp(
        Measurement.ROOM_HOUR,
        start_ms + (used % span) * HOUR_MS,
        {"point": names[used // span]},
        {
            "min_c": lowest[used],
            "mean_c": np.where(count > 0, mean, np.nan)[used],
            "max_c": highest[used],
            "n": count[used],
            "below_min": below[used],
        },
        {},
    )


def _reached(series: ReadingSeries, stale_ms: int, extent: tuple[int, int]) -> Bools:
    """Tell into which hours of each point a reading reaches that could hold there, bool (P x hours,)."""
    start_ms, end_ms = extent
    span = (end_ms - start_ms) // HOUR_MS
    reached = np.zeros(len(series.points) * span, dtype=np.bool_)
    first = np.maximum(series.ts_ms, start_ms)
    until = np.minimum(series.ts_ms + stale_ms, end_ms)
    for step in range(int(stale_ms // HOUR_MS) + 2):
        at = (first - start_ms) // HOUR_MS + step
        there = start_ms + at * HOUR_MS < until
        reached[series.owner[there] * span + at[there]] = True
    return reached


def _below_minutes(series: ReadingSeries, rule: Rule, extent: tuple[int, int]) -> Floats:
    """Return minutes below the floor of each point and hour, float64 (P x hours,)."""
    start_ms, end_ms = extent
    span = (end_ms - start_ms) // HOUR_MS
    minutes = np.zeros(len(series.points) * span)
    low = series.value < np.fmax(rule.floors.day_c, rule.floors.night_c)[series.owner]
    which = np.unique(series.owner[low])
    if not len(which):
        return minutes
    mine = rule.of(which)
    horizon = Horizon(np.full(len(which), start_ms), end_ms - 1, rule.stale_ms)
    pieces = cut(selected(series, which), mine.windows, mine.exempt, horizon)
    floor = np.where(pieces.day, mine.floors.day_c[pieces.owner], mine.floors.night_c[pieces.owner])
    bad = np.flatnonzero(pieces.value < floor)
    owner, start, end = which[pieces.owner[bad]], pieces.start_ms[bad], pieces.end_ms[bad]
    while len(start):
        hour = (start - start_ms) // HOUR_MS
        until = np.minimum(end, start_ms + (hour + 1) * HOUR_MS)
        np.add.at(minutes, owner * span + hour, (until - start) / _MINUTE_MS)
        more = np.flatnonzero(end > until)
        owner, start, end = owner[more], until[more], end[more]
    return minutes


def days_ending(start_ms: int, end_ms: int, zone: ZoneInfo) -> list[date]:
    """Return the local days that end in (start, end]."""
    day, found = local_day(start_ms, zone), []
    while day_bounds(day, zone)[1] <= end_ms:
        found.append(day)
        day += timedelta(days=1)
    return found


def room_days(series: ReadingSeries, rule: Rule, day: date, zone: ZoneInfo) -> RollUp:
    """Return a local day of each point that had a reading in it, or one before that could hold into it.

    `series` begins at least as long before the day as a reading holds; the windows of the rule cover the day.
    """
    start_ms, end_ms = day_bounds(day, zone)
    around = series.between(start_ms - rule.stale_ms + 1, end_ms)
    found = point_day(around, full_hours(day, zone), _stretches(rule, start_ms, end_ms), rule.stale_ms)
    used = np.flatnonzero(around.counts)
    names = np.array(series.points, dtype=object)
    return RollUp(
        Measurement.ROOM_DAY,
        np.full(len(used), start_ms),
        {"point": names[used]},
        {name: column[used] for name, column in _columns(found, rule).items()},
        {},
    )


def _columns(day: PointDay, rule: Rule) -> dict[str, Floats]:
    hours = dict(zip(DAY_HOURS, day.at_hours.T, strict=True))
    return hours | {
        "min_c": day.min_c,
        "mean_c": day.mean_c,
        "max_c": day.max_c,
        "held_min": day.held_ms / _MINUTE_MS,
        "below_min": day.below_ms / _MINUTE_MS,
        "exempt_min": day.exempt_ms / _MINUTE_MS,
        "floor_day_c": rule.floors.day_c,
        "floor_night_c": rule.floors.night_c,
        "n": day.n.astype(np.float64),
        "first_ms": np.where(day.n > 0, day.first_ms, np.nan),
    }


def _stretches(rule: Rule, start_ms: int, end_ms: int) -> tuple[Stretch, ...]:
    """Cut a day where window or exemption of some point change."""
    exempt, windows = rule.exempt, rule.windows
    edges = np.concatenate(
        (windows.switch_ms, exempt.off_start_ms, exempt.off_end_ms, exempt.start_ms, exempt.end_ms, [start_ms, end_ms])
    )
    cuts: Ints = np.unique(edges[(edges >= start_ms) & (edges <= end_ms)])
    everyone = np.arange(len(rule.floors.day_c))
    return tuple(
        Stretch(
            a,
            b,
            rule.floors.at(windows.is_day(a)),
            is_exempt(everyone, np.full(len(everyone), a), exempt, b),
        )
        for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
    )
