"""One local day of many points as numbers: values at full hours, extremes, time below the floor. No I/O.

The one definition of it: the analyzer writes its figures as rows of `room_day`, and the report works them out itself
where there is no such row. Shapes: P points, N readings, H instants, K stretches of the day. A reading holds until the
next one, less than `hold_ms` (contract §6); one that carries the mark of a sensor fault holds nothing, it only ends the
one before.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np

from heating.instants import from_ms, local_midnight, to_ms
from heating.reading import Bools, Floats, Ints, Quality, ReadingSeries

HOURS = 24
_HOUR_MS = 3_600_000.0
# Decimals of a mean: the order of adding, which differs, stays out of it [K].
_DECIMALS = 6


def day_bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return the instants [ms] at which a local day begins and ends."""
    return to_ms(local_midnight(day, zone)), to_ms(local_midnight(day + timedelta(days=1), zone))


def full_hours(day: date, zone: ZoneInfo) -> Ints:
    """Return the instants of 00:00 to 23:00 of a local day, int64 (24,) [ms]; an hour that comes twice is the first."""
    walls = (datetime.combine(day, time(hour), tzinfo=zone) for hour in range(HOURS))
    return np.array([to_ms(wall) for wall in walls], dtype=np.int64)


def local_day(at_ms: int, zone: ZoneInfo) -> date:
    """Return the local day of an instant."""
    return from_ms(at_ms).astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part [start, end) of a day in which floor (float64 (P,), NaN unknown) and exemption (bool (P,)) stay."""

    start_ms: int
    end_ms: int
    floor_c: Floats
    exempt: Bools


@dataclass(frozen=True, slots=True)
class PointDay:
    """What a day was like at P points.

    Attributes
    ----------
    at_hours
        float64 (P, H) [°C]: the value that held at each instant asked for, NaN where none did.
    min_c, mean_c, max_c
        float64 (P,) [°C]: over what held in the day, the mean weighted by time; NaN where nothing did.
    below_ms, held_ms, exempt_ms
        int64 (P,): below the floor and not exempt, with a value, and exempt.
    n, first_ms
        int64 (P,): readings of the day, whatever their marks, and the instant of the first; 0 without one.
    """

    at_hours: Floats
    min_c: Floats
    mean_c: Floats
    max_c: Floats
    below_ms: Ints
    held_ms: Ints
    exempt_ms: Ints
    n: Ints
    first_ms: Ints

    @property
    def below_h(self) -> Floats:
        """Hours below the floor, float64 (P,)."""
        return self.below_ms / _HOUR_MS

    @property
    def held_h(self) -> Floats:
        """Hours with a value, float64 (P,)."""
        return self.held_ms / _HOUR_MS

    @property
    def exempt_h(self) -> Floats:
        """Exempt hours, float64 (P,)."""
        return self.exempt_ms / _HOUR_MS

    def of(self, which: Ints) -> Self:
        """Return the day of the points at indices `which`."""
        return replace(self, **{column.name: getattr(self, column.name)[which] for column in fields(self)})

    def with_points(self, which: Ints, part: PointDay) -> Self:
        """Return the day with the figures of the points at indices `which` taken from another one."""
        columns = {}
        for column in fields(self):
            values = getattr(self, column.name).copy()
            values[which] = getattr(part, column.name)
            columns[column.name] = values
        return replace(self, **columns)


def point_day(series: ReadingSeries, hours_ms: Ints, stretches: tuple[Stretch, ...], hold_ms: int) -> PointDay:
    """Return the day that the stretches cover; `series` begins at least `hold_ms` before it."""
    start_ms, end_ms = stretches[0].start_ms, stretches[-1].end_ms
    owner, size = series.owner, len(series.points)
    begin, finish = np.maximum(series.ts_ms, start_ms), np.minimum(_ends(series, hold_ms), end_ms)
    trusted = (series.quality & Quality.SENSOR_FAULT) == 0
    holds = np.flatnonzero((finish > begin) & trusted)
    holder, begin, finish, value = owner[holds], begin[holds], finish[holds], series.value[holds]
    below, exempt = np.zeros(size), np.zeros(size, dtype=np.int64)
    for stretch in stretches:
        inside = np.maximum(np.minimum(finish, stretch.end_ms) - np.maximum(begin, stretch.start_ms), 0)
        cold = (value < stretch.floor_c[holder]) & ~stretch.exempt[holder]
        below += np.bincount(holder, weights=inside * cold, minlength=size)
        exempt += stretch.exempt * (stretch.end_ms - stretch.start_ms)
    held = finish - begin
    total = np.bincount(holder, weights=held, minlength=size)
    silent = total == 0
    mean = np.bincount(holder, weights=held * value, minlength=size) / np.where(silent, 1, total)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, holder, value)
    np.maximum.at(high, holder, value)
    inside = (series.ts_ms >= start_ms) & (series.ts_ms < end_ms)
    first = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(first, owner[inside], series.ts_ms[inside])
    count = np.bincount(owner[inside], minlength=size)
    return PointDay(
        at_hours=_at(series, trusted, hours_ms, hold_ms),
        min_c=np.where(silent, np.nan, low),
        mean_c=np.where(silent, np.nan, np.round(mean, _DECIMALS)),
        max_c=np.where(silent, np.nan, high),
        below_ms=below.astype(np.int64),
        held_ms=total.astype(np.int64),
        exempt_ms=exempt,
        n=count.astype(np.int64),
        first_ms=np.where(count > 0, first, 0),
    )


def _ends(series: ReadingSeries, hold_ms: int) -> Ints:
    """Return until when each reading holds, int64 (N,)."""
    ends = series.ts_ms + hold_ms
    same = series.owner[:-1] == series.owner[1:]
    ends[:-1][same] = np.minimum(ends[:-1][same], series.ts_ms[1:][same])
    return ends


def _at(series: ReadingSeries, trusted: Bools, hours_ms: Ints, hold_ms: int) -> Floats:
    """Return the value that holds at each instant, float64 (P, H)."""
    size, held = len(series.points), np.full((len(series.points), len(hours_ms)), np.nan)
    if not len(series) or not len(hours_ms):
        return held
    # All points on one ascending line: owner x span + time.
    t0 = int(min(series.ts_ms.min(), hours_ms.min()))
    width = int(max(series.ts_ms.max(), hours_ms.max())) - t0 + 1
    asked = np.arange(size)[:, None] * width + (hours_ms - t0)[None, :]
    found = np.searchsorted(series.owner * width + (series.ts_ms - t0), asked, side="right") - 1
    mine = found >= series.offsets[:-1][:, None]
    found = np.maximum(found, 0)
    fresh = mine & (hours_ms[None, :] - series.ts_ms[found] < hold_ms) & trusted[found]
    held[fresh] = series.value[found[fresh]]
    return held
