"""One local day of many points as numbers: values at fixed hours, extremes, time below the floor. No I/O.

Shapes: P points, N readings, H hours, K stretches of the day. A reading holds until the next one, less than `hold_ms`
(contract §6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heating.reading import Bools, Floats, Ints, ReadingSeries


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
        float64 (P,) [°C]: over what held in the day, the mean weighted by time; NaN without a reading.
    below_h, held_h, exempt_h
        float64 (P,) [h]: below the floor and not exempt, with a value, and exempt.
    """

    at_hours: Floats
    min_c: Floats
    mean_c: Floats
    max_c: Floats
    below_h: Floats
    held_h: Floats
    exempt_h: Floats


_HOUR_MS = 3_600_000.0


def point_day(series: ReadingSeries, hours_ms: Ints, stretches: tuple[Stretch, ...], hold_ms: int) -> PointDay:
    """Return the day that the stretches cover; `series` begins at least `hold_ms` before it."""
    start_ms, end_ms = stretches[0].start_ms, stretches[-1].end_ms
    owner, size = series.owner, len(series.points)
    begin, finish = np.maximum(series.ts_ms, start_ms), np.minimum(_ends(series, hold_ms), end_ms)
    held = np.maximum(finish - begin, 0)
    below = np.zeros(size)
    exempt = np.zeros(size)
    for stretch in stretches:
        inside = np.maximum(np.minimum(finish, stretch.end_ms) - np.maximum(begin, stretch.start_ms), 0)
        cold = (series.value < stretch.floor_c[owner]) & ~stretch.exempt[owner]
        below += np.bincount(owner, weights=inside * cold, minlength=size)
        exempt += stretch.exempt * (stretch.end_ms - stretch.start_ms)
    total = np.bincount(owner, weights=held, minlength=size)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(owner, weights=held * series.value, minlength=size) / np.where(total > 0, total, np.nan)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, owner[held > 0], series.value[held > 0])
    np.maximum.at(high, owner[held > 0], series.value[held > 0])
    silent = total == 0
    return PointDay(
        at_hours=_at(series, hours_ms, hold_ms),
        min_c=np.where(silent, np.nan, low),
        mean_c=mean,
        max_c=np.where(silent, np.nan, high),
        below_h=below / _HOUR_MS,
        held_h=total / _HOUR_MS,
        exempt_h=exempt / _HOUR_MS,
    )


def _ends(series: ReadingSeries, hold_ms: int) -> Ints:
    """Return until when each reading holds, int64 (N,)."""
    ends = series.ts_ms + hold_ms
    same = series.owner[:-1] == series.owner[1:]
    ends[:-1][same] = np.minimum(ends[:-1][same], series.ts_ms[1:][same])
    return ends


def _at(series: ReadingSeries, hours_ms: Ints, hold_ms: int) -> Floats:
    """Return the value that holds at each instant, float64 (P, H)."""
    held = np.full((len(series.points), len(hours_ms)), np.nan)
    for p in range(len(series.points)):
        ts = series.ts_ms[series.offsets[p] : series.offsets[p + 1]]
        found = np.searchsorted(ts, hours_ms, side="right") - 1
        fresh = (found >= 0) & (hours_ms - ts[found] < hold_ms) if len(ts) else np.zeros(len(hours_ms), dtype=np.bool_)
        held[p, fresh] = series.value[series.offsets[p] + found[fresh]]
    return held
